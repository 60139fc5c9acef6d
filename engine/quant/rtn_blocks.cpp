#include "quant/rtn_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "quant/half.h"
#include "quant/scale_search.h"

namespace runnel {
namespace {

// As they stand in the blocks.
IntegerRange range_of(const RtnOptions& options) {
  if (!options.symmetric && options.bits == 4) return {0, 15};
  return options.bits == 4 ? IntegerRange{-8, 7} : IntegerRange{-128, 127};
}

// f16 has 11 bits for normal numbers and fewer below.
bool is_rounded_well(float scale, float held) {
  return std::abs(held - scale) <= scale * 0x1p-11F;
}

// The least f16 that is not below `scale`.
float held_from_above(float scale) {
  const std::uint16_t bits = f32_to_f16(scale);
  return f16_to_f32(f16_to_f32(bits) < scale ? static_cast<std::uint16_t>(bits + 1) : bits);
}

// Rounds a group to the multiples of a scale that is at least RTN's; the integers are as RTN's.
int round_to_scale(std::span<const float> weights, const RtnOptions& options, float scale, std::span<std::int16_t> q) {
  const float min = std::min(0.0F, *std::ranges::min_element(weights));
  const int zero = options.symmetric ? 0 : static_cast<int>(std::lround(-min / scale));
  const int largest = (1 << (options.symmetric ? options.bits - 1 : options.bits)) - 1;
  for (std::size_t i = 0; i < weights.size(); ++i)
    q[i] = static_cast<std::int16_t>(std::min(static_cast<int>(std::lround(weights[i] / scale)) + zero, largest));
  return zero;
}

// Rounds a group; afterwards `q` holds integers in `range_of`.
GroupFit fit_group(std::span<const float> weights, const RtnOptions& options, std::span<std::int16_t> q) {
  const RtnGroup exact = quantize_rtn_group(weights, options, q);
  int zero = exact.zero;
  float scale = f16_to_f32(f32_to_f16(exact.scale));
  float unrounded = exact.scale;
  if (!is_rounded_well(exact.scale, scale)) {
    scale = unrounded = held_from_above(exact.scale);
    zero = round_to_scale(weights, options, scale, q);
  }
  if (options.symmetric) return {.scale = scale};
  if (options.bits == 8) {
    zero -= 128;
    for (std::int16_t& integer : q) integer = static_cast<std::int16_t>(integer - 128);
  }
  return {.scale = scale, .offset = f16_to_f32(f32_to_f16(-static_cast<float>(zero) * unrounded))};
}

std::byte* put_half(std::byte* at, float value) {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(at, &bits, sizeof bits);
  return at + sizeof bits;
}

// In an int4 block the low halves of the bytes are weights 0 … 15, the high ones 16 … 31.
void write_block(std::span<const std::int16_t> q, const RtnOptions& options, const GroupFit& fit, std::byte* block) {
  block = put_half(block, fit.scale);
  if (!options.symmetric) block = put_half(block, fit.offset);
  if (options.bits == 8) {
    for (std::size_t i = 0; i < rtn_block_size; ++i) block[i] = static_cast<std::byte>(q[i]);
    return;
  }
  const int shift = options.symmetric ? 8 : 0;
  for (std::size_t i = 0; i < rtn_block_size / 2; ++i)
    block[i] = static_cast<std::byte>((q[i] + shift) | (q[i + 16] + shift) << 4);
}

std::size_t group_length(const RtnOptions& options, std::size_t row) {
  return options.group_size == -1 ? row : static_cast<std::size_t>(options.group_size);
}

}  // namespace

std::size_t rtn_block_bytes(const RtnOptions& options) {
  return (options.symmetric ? 2U : 4U) + (options.bits == 8 ? 32U : 16U);
}

bool encode_rtn_row(std::span<const float> row, const RtnOptions& options, ScaleSearch search,
                    std::span<std::byte> blocks) {
  const std::size_t length = group_length(options, row.size());
  std::vector<std::int16_t> q(std::min(length, row.size()));
  std::byte* block = blocks.data();
  for (std::size_t first = 0; first < row.size(); first += length) {
    const std::span<const float> weights = row.subspan(first, std::min(length, row.size() - first));
    const std::span<std::int16_t> integers = std::span(q).first(weights.size());
    GroupFit fit = fit_group(weights, options, integers);
    if (!std::isfinite(fit.scale) || !std::isfinite(fit.offset)) return false;
    if (search == ScaleSearch::least_squares)
      search_scale(weights, options.symmetric, range_of(options), fit, integers);
    for (std::size_t i = 0; i < integers.size(); i += rtn_block_size, block += rtn_block_bytes(options))
      write_block(integers.subspan(i, rtn_block_size), options, fit, block);
  }
  return true;
}

void round_rtn_row(std::span<float> row, const RtnOptions& options) {
  const std::size_t length = group_length(options, row.size());
  std::vector<std::int16_t> q(std::min(length, row.size()));
  for (std::size_t first = 0; first < row.size(); first += length) {
    const std::span<float> weights = row.subspan(first, std::min(length, row.size() - first));
    const RtnGroup group = quantize_rtn_group(weights, options, q);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = group.scale * static_cast<float>(q[i] - group.zero);
  }
}

}  // namespace runnel
