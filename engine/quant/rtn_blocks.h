#pragma once

#include <cstddef>
#include <span>

#include "quant/rtn.h"

namespace runnel {

/// Weights per block. A group of more weights repeats its scale in each of its blocks.
constexpr int rtn_block_size = 32;

/// Bytes of a block as `encode_rtn_row` writes it: scale f16, when asymmetric offset f16, then the integers, two int4
/// to a byte. A weight is scale × q + offset. These are GGUF's Q4_0 (where q is stored + 8), Q4_1 and Q8_0; GGUF has
/// none for asymmetric int8, whose integers are stored − 128, as signed ones.
std::size_t rtn_block_bytes(const RtnOptions& options);

/// How the scale of a group is found.
enum class ScaleSearch : bool {
  none,          ///< from the range of the weights, as RTN defines it
  least_squares  ///< the one of some twenty candidates, RTN's among them, with the least squared error
};

/// Rounds a row (a multiple of 32 finite weights) as `quantize_rtn_group` does and writes its blocks. The last group
/// may be shorter. Scales and offsets are rounded to f16, to 11 bits; where f16 can't give a scale that many bits
/// (below 6.1e-5), the weights are rounded anew to the scale as it is held, so that none is off by more than half a
/// step. False, with nothing of use written, when a scale or offset is beyond what f16 holds.
bool encode_rtn_row(std::span<const float> row, const RtnOptions& options, ScaleSearch search,
                    std::span<std::byte> blocks);

/// Replaces the weights of a row of any length by what their integers stand for, in float: RTN without the rounding of
/// scales to f16.
void round_rtn_row(std::span<float> row, const RtnOptions& options);

}  // namespace runnel
