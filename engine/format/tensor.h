#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// How values lie in memory. The names are GGUF's; quant/dequantize.h defines what the bytes of each mean.
enum class BlockType : std::uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs
};

inline constexpr int n_block_types = 15;

struct BlockTypeTraits {
  std::string_view name;    ///< as shown to people: "F32", "Q4_K"
  std::uint32_t gguf_type;  ///< number in a GGUF file (specification, ggml_type)
  int block_size;           ///< values per block; a row holds whole blocks
  int block_bytes;          ///< bytes per block
};

const BlockTypeTraits& traits(BlockType type);

/// The block type with this number in GGUF files, nothing when it is none of ours.
std::optional<BlockType> block_type_from_gguf(std::uint32_t gguf_type);

/// Bytes of `n_values` values, a multiple of the block size.
std::size_t bytes_of(BlockType type, std::size_t n_values);

/// A tensor as it lies in a file: row-major, rows of columns() values. `data` belongs to the file that was opened; in
/// GGUF files it is aligned to 8 bytes, in safetensors files to nothing (their header may have any length).
struct TensorView {
  std::string name;
  BlockType type = BlockType::f32;
  std::vector<std::int64_t> shape;  ///< outermost first: {n_experts, n_rows, n_columns}; a vector: {n}
  std::span<const std::byte> data;  ///< rows() · bytes_of(type, columns()) bytes

  /// Length of the innermost dimension.
  std::int64_t columns() const { return shape.empty() ? 1 : shape.back(); }

  /// Product of the other dimensions.
  std::int64_t rows() const;
};

}  // namespace runnel
