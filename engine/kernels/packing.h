#pragma once

#include <cstddef>
#include <cstdint>

namespace runnel {

/// How a weight matrix lies in memory for the kernels.
///
/// Always in groups of 16 rows, so that one load serves 16 sums and no kernel adds across a register. Every instruction
/// level reads the same layout. For int4 and int8, a group is a sequence of blocks of 32 columns, each
///   scale  f16 [16]
///   offset f16 [16]                       (q4_offset and q8_offset only)
///   quants u8  [4][16 rows][4 columns]    int4: chunk c holds columns 4c … 4c+3 in the low nibbles and 16+4c … in the
///   high quants s8  [8][16 rows][4 columns]    int8
/// and a weight is scale × (q − 8) for q4, scale × q for q8, scale × q + offset for q4_offset and q8_offset.
/// For f16, bf16, f32 a group is [columns][16 rows].
enum class Packing : std::uint8_t { q4, q4_offset, q8, q8_offset, f16, bf16, f32 };

constexpr int group_rows = 16;
constexpr int block_columns = 32;

/// A weight matrix as the kernels see it: plain data, so that no inline function of a library is compiled for an
/// instruction level the processor may lack.
struct PackedView {
  Packing packing;
  int columns;            ///< multiple of 32 for int4 and int8
  const std::byte* data;  ///< groups of 16 rows, one after the other
};

}  // namespace runnel
