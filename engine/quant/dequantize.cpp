#include "quant/dequantize.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

#include "quant/half.h"
#include "runnel/error.h"

// Layouts: ggml's block types, as its quantization reference describes them. In all of them a nibble's partner is not
// its neighbour: the low nibbles of a run of bytes come first, then the high ones.

namespace runnel {
namespace {

/// A block's bytes, read by offset.
class Block {
 public:
  explicit Block(const std::byte* bytes) : bytes_(bytes) {}

  unsigned byte(int offset) const { return std::to_integer<unsigned>(bytes_[offset]); }
  int signed_byte(int offset) const { return static_cast<std::int8_t>(byte(offset)); }
  unsigned u16(int offset) const { return byte(offset) | byte(offset + 1) << 8; }
  unsigned u32(int offset) const { return u16(offset) | u16(offset + 2) << 16; }
  float f16(int offset) const { return f16_to_f32(static_cast<std::uint16_t>(u16(offset))); }
  float bf16(int offset) const { return bf16_to_f32(static_cast<std::uint16_t>(u16(offset))); }
  float f32(int offset) const { return std::bit_cast<float>(u32(offset)); }
  int low_nibble(int offset) const { return static_cast<int>(byte(offset) & 0xF); }
  int high_nibble(int offset) const { return static_cast<int>(byte(offset) >> 4); }

  /// Two bits of a byte, pair 0 (lowest) to 3.
  int pair(int offset, int index) const { return static_cast<int>(byte(offset) >> (2 * index) & 3); }
  int bit(int offset, int index) const { return static_cast<int>(byte(offset) >> index & 1); }

 private:
  const std::byte* bytes_;
};

/// The values of the 4-bit types that are not spaced evenly (IQ4_NL, IQ4_XS).
constexpr std::array<int, 16> uneven_levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

void dequantize_f32(Block block, float* values) {
  values[0] = block.f32(0);
}

void dequantize_f16(Block block, float* values) {
  values[0] = block.f16(0);
}

void dequantize_bf16(Block block, float* values) {
  values[0] = block.bf16(0);
}

/// Q4_0: scale, 16 bytes of nibbles. value = scale · (q − 8)
void dequantize_q4_0(Block block, float* values) {
  const float scale = block.f16(0);
  for (int i = 0; i < 16; ++i) {
    values[i] = scale * static_cast<float>(block.low_nibble(2 + i) - 8);
    values[16 + i] = scale * static_cast<float>(block.high_nibble(2 + i) - 8);
  }
}

/// Q4_1: scale, minimum, 16 bytes of nibbles. value = scale · q + minimum
void dequantize_q4_1(Block block, float* values) {
  const float scale = block.f16(0);
  const float minimum = block.f16(2);
  for (int i = 0; i < 16; ++i) {
    values[i] = scale * static_cast<float>(block.low_nibble(4 + i)) + minimum;
    values[16 + i] = scale * static_cast<float>(block.high_nibble(4 + i)) + minimum;
  }
}

/// Q5_0: scale, a fifth bit for each value, 16 bytes of nibbles. value = scale · (q − 16)
void dequantize_q5_0(Block block, float* values) {
  const float scale = block.f16(0);
  for (int i = 0; i < 16; ++i) {
    const int low = block.low_nibble(6 + i) | block.bit(2 + i / 8, i % 8) << 4;
    const int high = block.high_nibble(6 + i) | block.bit(4 + i / 8, i % 8) << 4;
    values[i] = scale * static_cast<float>(low - 16);
    values[16 + i] = scale * static_cast<float>(high - 16);
  }
}

/// Q5_1: scale, minimum, a fifth bit for each value, 16 bytes of nibbles. value = scale · q + minimum
void dequantize_q5_1(Block block, float* values) {
  const float scale = block.f16(0);
  const float minimum = block.f16(2);
  for (int i = 0; i < 16; ++i) {
    const int low = block.low_nibble(8 + i) | block.bit(4 + i / 8, i % 8) << 4;
    const int high = block.high_nibble(8 + i) | block.bit(6 + i / 8, i % 8) << 4;
    values[i] = scale * static_cast<float>(low) + minimum;
    values[16 + i] = scale * static_cast<float>(high) + minimum;
  }
}

/// Q8_0: scale, 32 signed bytes. value = scale · q
void dequantize_q8_0(Block block, float* values) {
  const float scale = block.f16(0);
  for (int i = 0; i < 32; ++i) values[i] = scale * static_cast<float>(block.signed_byte(2 + i));
}

/// Q2_K: 16 bytes of (4-bit scale, 4-bit minimum), one for 16 values; 64 bytes of 2-bit values; scale and minimum of
/// the block. Each half of 128 values takes 32 bytes; run k of 32 values in it is bit pair k of these bytes.
void dequantize_q2_k(Block block, float* values) {
  const float scale = block.f16(80);
  const float minimum = block.f16(82);
  for (int i = 0; i < 256; ++i) {
    const int q = block.pair(16 + i / 128 * 32 + i % 32, i / 32 % 4);
    values[i] = scale * static_cast<float>(block.low_nibble(i / 16)) * static_cast<float>(q) -
                minimum * static_cast<float>(block.high_nibble(i / 16));
  }
}

/// The 6-bit scale of run `j` (0 … 15) of 16 values in a Q3_K block, from 12 bytes at `at`: four bits in the first
/// eight bytes, two in the last four.
int q3_k_scale(Block block, int at, int j) {
  const int low = j < 8 ? block.low_nibble(at + j) : block.high_nibble(at + j - 8);
  return (low | block.pair(at + 8 + j % 4, j / 4) << 4) - 32;
}

/// Q3_K: 32 bytes of third bits (bit k for run k of 32 values; a clear bit subtracts 4), 64 bytes of 2-bit values as in
/// Q2_K, 12 bytes of scales, scale of the block.
void dequantize_q3_k(Block block, float* values) {
  const float scale = block.f16(108);
  for (int i = 0; i < 256; ++i) {
    const int q = block.pair(32 + i / 128 * 32 + i % 32, i / 32 % 4) - (block.bit(i % 32, i / 32) != 0 ? 0 : 4);
    values[i] = scale * static_cast<float>(q3_k_scale(block, 96, i / 16)) * static_cast<float>(q);
  }
}

struct ScaleAndMinimum {
  int scale;
  int minimum;
};

/// The 6-bit scale and minimum of run `j` (0 … 7) of 32 values in a Q4_K or Q5_K block, from 12 bytes at offset 4:
/// whole for the first four runs; those of the last four are split into four bits in the last bytes and two at the top
/// of the first.
ScaleAndMinimum q4_k_scale(Block block, int j) {
  constexpr int at = 4;
  if (j < 4) return {static_cast<int>(block.byte(at + j) & 63), static_cast<int>(block.byte(at + 4 + j) & 63)};
  return {block.low_nibble(at + 4 + j) | block.pair(at + j - 4, 3) << 4,
          block.high_nibble(at + 4 + j) | block.pair(at + j, 3) << 4};
}

/// The nibble of value i in a Q4_K or Q5_K block: 64 values share 32 bytes.
int q4_k_nibble(Block block, int at, int i) {
  const int offset = at + i / 64 * 32 + i % 32;
  return i / 32 % 2 == 0 ? block.low_nibble(offset) : block.high_nibble(offset);
}

/// Q4_K: scale and minimum of the block, 12 bytes of scales and minima, 128 bytes of nibbles.
void dequantize_q4_k(Block block, float* values) {
  const float scale = block.f16(0);
  const float minimum = block.f16(2);
  for (int i = 0; i < 256; ++i) {
    const ScaleAndMinimum run = q4_k_scale(block, i / 32);
    values[i] = scale * static_cast<float>(run.scale) * static_cast<float>(q4_k_nibble(block, 16, i)) -
                minimum * static_cast<float>(run.minimum);
  }
}

/// Q5_K: as Q4_K, with 32 bytes of fifth bits (bit k for run k of 32 values) before the nibbles.
void dequantize_q5_k(Block block, float* values) {
  const float scale = block.f16(0);
  const float minimum = block.f16(2);
  for (int i = 0; i < 256; ++i) {
    const ScaleAndMinimum run = q4_k_scale(block, i / 32);
    const int q = q4_k_nibble(block, 48, i) | block.bit(16 + i % 32, i / 32) << 4;
    values[i] =
        scale * static_cast<float>(run.scale) * static_cast<float>(q) - minimum * static_cast<float>(run.minimum);
  }
}

/// Q6_K: 128 bytes of low nibbles, 64 bytes of bit pairs above them, 16 signed scales, scale of the block. Each half of
/// 128 values takes 64 bytes of nibbles (run 0 and 1 of 32 values low, 2 and 3 high) and 32 bytes of pairs.
void dequantize_q6_k(Block block, float* values) {
  const float scale = block.f16(208);
  for (int i = 0; i < 256; ++i) {
    const int offset = i / 128 * 64 + i % 64;
    const int low = i / 64 % 2 == 0 ? block.low_nibble(offset) : block.high_nibble(offset);
    const int q = (low | block.pair(128 + i / 128 * 32 + i % 32, i / 32 % 4) << 4) - 32;
    values[i] = scale * static_cast<float>(block.signed_byte(192 + i / 16)) * static_cast<float>(q);
  }
}

/// IQ4_NL: scale, 16 bytes of nibbles that choose an uneven level.
void dequantize_iq4_nl(Block block, float* values) {
  const float scale = block.f16(0);
  for (int i = 0; i < 16; ++i) {
    values[i] = scale * static_cast<float>(uneven_levels[static_cast<std::size_t>(block.low_nibble(2 + i))]);
    values[16 + i] = scale * static_cast<float>(uneven_levels[static_cast<std::size_t>(block.high_nibble(2 + i))]);
  }
}

/// IQ4_XS: scale of the block; 6-bit scales of eight runs of 32 values (two bits each in bytes 2 and 3, four in bytes 4
/// to 7); 16 bytes of nibbles for each run, as in IQ4_NL.
void dequantize_iq4_xs(Block block, float* values) {
  const float scale = block.f16(0);
  for (int run = 0; run < 8; ++run) {
    const int low = run % 2 == 0 ? block.low_nibble(4 + run / 2) : block.high_nibble(4 + run / 2);
    const int run_scale = (low | block.pair(2 + run / 4, run % 4) << 4) - 32;
    const float factor = scale * static_cast<float>(run_scale);
    for (int i = 0; i < 16; ++i) {
      const int offset = 8 + run * 16 + i;
      values[run * 32 + i] =
          factor * static_cast<float>(uneven_levels[static_cast<std::size_t>(block.low_nibble(offset))]);
      values[run * 32 + 16 + i] =
          factor * static_cast<float>(uneven_levels[static_cast<std::size_t>(block.high_nibble(offset))]);
    }
  }
}

using DequantizeBlock = void (*)(Block, float*);

DequantizeBlock dequantizer(BlockType type) {
  switch (type) {
    case BlockType::f32:
      return dequantize_f32;
    case BlockType::f16:
      return dequantize_f16;
    case BlockType::bf16:
      return dequantize_bf16;
    case BlockType::q4_0:
      return dequantize_q4_0;
    case BlockType::q4_1:
      return dequantize_q4_1;
    case BlockType::q5_0:
      return dequantize_q5_0;
    case BlockType::q5_1:
      return dequantize_q5_1;
    case BlockType::q8_0:
      return dequantize_q8_0;
    case BlockType::q2_k:
      return dequantize_q2_k;
    case BlockType::q3_k:
      return dequantize_q3_k;
    case BlockType::q4_k:
      return dequantize_q4_k;
    case BlockType::q5_k:
      return dequantize_q5_k;
    case BlockType::q6_k:
      return dequantize_q6_k;
    case BlockType::iq4_nl:
      return dequantize_iq4_nl;
    case BlockType::iq4_xs:
      return dequantize_iq4_xs;
  }
  throw Error("An unknown block type can't be dequantized.");
}

}  // namespace

void dequantize(BlockType type, std::span<const std::byte> rows, std::span<float> values) {
  const BlockTypeTraits& t = traits(type);
  const auto block_bytes = static_cast<std::size_t>(t.block_bytes);
  const auto block_size = static_cast<std::size_t>(t.block_size);
  const std::size_t n_blocks = rows.size() / block_bytes;
  if (n_blocks * block_bytes != rows.size() || n_blocks * block_size != values.size()) {
    throw Error(
        fmt::format("{} bytes of {} blocks can't be dequantized to {} values.", rows.size(), t.name, values.size()));
  }
  const DequantizeBlock dequantize_block = dequantizer(type);
  for (std::size_t i = 0; i < n_blocks; ++i) {
    dequantize_block(Block(rows.data() + i * block_bytes), values.data() + i * block_size);
  }
}

}  // namespace runnel
