#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/aligned_buffer.h"
#include "kernels/packing.h"

namespace runnel {

struct PackedMatrix {
  Packing packing = Packing::f32;
  int rows = 0;     ///< as the model has them; memory holds a multiple of 16, the rest zero
  int columns = 0;  ///< multiple of 32 for int4 and int8
  AlignedBuffer<std::byte> data;

  int groups() const { return (rows + group_rows - 1) / group_rows; }
  std::size_t group_bytes() const;
  std::size_t bytes() const { return data.size(); }
  const std::byte* group(int index) const { return data.data() + static_cast<std::size_t>(index) * group_bytes(); }
  PackedView view() const { return {packing, columns, data.data()}; }
  std::byte* group(int index) { return data.data() + static_cast<std::size_t>(index) * group_bytes(); }
};

/// Bytes of one block of 32 columns × 16 rows (int4, int8).
std::size_t packed_block_bytes(Packing packing);
/// Whether the kernels multiply with int8 activations.
bool is_integer(Packing packing);
/// Bytes of one block of 32 columns of one row, as `pack_quantized_row` takes it.
std::size_t source_block_bytes(Packing packing);

/// Bytes of a matrix in memory.
std::size_t packed_bytes(Packing packing, int rows, int columns);

/// Makes room for a matrix; rows beyond `rows` in the last group are zero.
PackedMatrix make_packed(Packing packing, int rows, int columns);

/// Packs one row of floats into a matrix of packing f16, bf16 or f32.
void pack_float_row(PackedMatrix& matrix, int row, std::span<const float> values);

/// Packs one row of GGUF blocks, losslessly: Q4_0 into q4, Q4_1 into q4_offset, Q8_0 into q8. `blocks` as in the file.
/// GGUF has none for q8_offset: there a block is scale f16, offset f16, quants s8 [32].
void pack_quantized_row(PackedMatrix& matrix, int row, std::span<const std::byte> blocks);

/// The values of one row, [columns].
void unpack_row(const PackedMatrix& matrix, int row, std::span<float> values);

}  // namespace runnel
