#include "kernels/packed_matrix.h"

#include <algorithm>
#include <cstring>

#include "quant/half.h"

namespace runnel {
namespace {

constexpr std::size_t scales_bytes = group_rows * sizeof(std::uint16_t);

bool has_offset(Packing packing) {
  return packing == Packing::q4_offset || packing == Packing::q8_offset;
}

bool is_int8(Packing packing) {
  return packing == Packing::q8 || packing == Packing::q8_offset;
}

std::size_t quants_offset(Packing packing) {
  return has_offset(packing) ? 2 * scales_bytes : scales_bytes;
}

float load_half(const std::byte* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return f16_to_f32(bits);
}

// In the file the low nibbles of a Q4 block are columns 0 … 15, the high ones 16 … 31; the packed chunk keeps that.
void pack_block(Packing packing, std::byte* block, int lane, const std::byte* source) {
  std::memcpy(block + static_cast<std::size_t>(lane) * 2, source, 2);
  source += 2;
  if (has_offset(packing)) {
    std::memcpy(block + scales_bytes + static_cast<std::size_t>(lane) * 2, source, 2);
    source += 2;
  }
  std::byte* quants = block + quants_offset(packing) + static_cast<std::size_t>(lane) * 4;
  const int chunks = is_int8(packing) ? 8 : 4;
  for (int chunk = 0; chunk < chunks; ++chunk) std::memcpy(quants + chunk * 64, source + chunk * 4, 4);
}

void unpack_block(Packing packing, const std::byte* block, int lane, float* values) {
  const float scale = load_half(block + static_cast<std::size_t>(lane) * 2);
  const std::byte* quants = block + quants_offset(packing) + static_cast<std::size_t>(lane) * 4;
  const float offset = has_offset(packing)      ? load_half(block + scales_bytes + static_cast<std::size_t>(lane) * 2)
                       : packing == Packing::q4 ? -8 * scale
                                                : 0;
  if (is_int8(packing)) {
    for (int i = 0; i < block_columns; ++i) {
      values[i] = scale * static_cast<float>(static_cast<std::int8_t>(quants[i / 4 * 64 + i % 4])) + offset;
    }
    return;
  }
  for (int i = 0; i < 16; ++i) {
    const auto pair = static_cast<unsigned>(quants[i / 4 * 64 + i % 4]);
    values[i] = scale * static_cast<float>(pair & 15U) + offset;
    values[i + 16] = scale * static_cast<float>(pair >> 4U) + offset;
  }
}

std::size_t float_bytes(Packing packing) {
  return packing == Packing::f32 ? 4 : 2;
}

}  // namespace

bool is_integer(Packing packing) {
  return packing == Packing::q4 || packing == Packing::q4_offset || is_int8(packing);
}

std::size_t source_block_bytes(Packing packing) {
  return (has_offset(packing) ? 4U : 2U) + (is_int8(packing) ? 32U : 16U);
}

std::size_t packed_block_bytes(Packing packing) {
  return quants_offset(packing) + (is_int8(packing) ? 8U : 4U) * 64;
}

std::size_t PackedMatrix::group_bytes() const {
  const auto width = static_cast<std::size_t>(columns);
  return is_integer(packing) ? width / block_columns * packed_block_bytes(packing)
                             : width * group_rows * float_bytes(packing);
}

std::size_t packed_bytes(Packing packing, int rows, int columns) {
  const PackedMatrix matrix{.packing = packing, .rows = rows, .columns = columns, .data = {}};
  return static_cast<std::size_t>(matrix.groups()) * matrix.group_bytes();
}

PackedMatrix make_packed(Packing packing, int rows, int columns) {
  PackedMatrix matrix{.packing = packing, .rows = rows, .columns = columns, .data = {}};
  matrix.data.resize(packed_bytes(packing, rows, columns));
  if (rows % group_rows != 0) std::memset(matrix.group(matrix.groups() - 1), 0, matrix.group_bytes());
  return matrix;
}

void pack_float_row(PackedMatrix& matrix, int row, std::span<const float> values) {
  std::byte* lane =
      matrix.group(row / group_rows) + static_cast<std::size_t>(row % group_rows) * float_bytes(matrix.packing);
  const std::size_t stride = group_rows * float_bytes(matrix.packing);
  for (int column = 0; column < matrix.columns; ++column, lane += stride) {
    const float value = values[static_cast<std::size_t>(column)];
    if (matrix.packing == Packing::f32) {
      std::memcpy(lane, &value, sizeof value);
    } else {
      const std::uint16_t bits = matrix.packing == Packing::f16 ? f32_to_f16(value) : f32_to_bf16(value);
      std::memcpy(lane, &bits, sizeof bits);
    }
  }
}

void pack_quantized_row(PackedMatrix& matrix, int row, std::span<const std::byte> blocks) {
  std::byte* block = matrix.group(row / group_rows);
  const std::byte* source = blocks.data();
  for (int column = 0; column < matrix.columns; column += block_columns) {
    pack_block(matrix.packing, block, row % group_rows, source);
    block += packed_block_bytes(matrix.packing);
    source += source_block_bytes(matrix.packing);
  }
}

void unpack_row(const PackedMatrix& matrix, int row, std::span<float> values) {
  const std::byte* group = matrix.group(row / group_rows);
  const int lane = row % group_rows;
  if (is_integer(matrix.packing)) {
    for (int column = 0; column < matrix.columns;
         column += block_columns, group += packed_block_bytes(matrix.packing)) {
      unpack_block(matrix.packing, group, lane, values.data() + column);
    }
    return;
  }
  const std::size_t width = float_bytes(matrix.packing);
  for (int column = 0; column < matrix.columns; ++column) {
    const std::byte* at = group + static_cast<std::size_t>(column * group_rows + lane) * width;
    float& value = values[static_cast<std::size_t>(column)];
    if (matrix.packing == Packing::f32) {
      std::memcpy(&value, at, sizeof value);
    } else {
      std::uint16_t bits = 0;
      std::memcpy(&bits, at, sizeof bits);
      value = matrix.packing == Packing::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
    }
  }
}

}  // namespace runnel
