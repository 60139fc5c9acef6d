#include "format/tensor.h"

#include <algorithm>
#include <array>

namespace runnel {
namespace {

constexpr std::array<BlockTypeTraits, n_block_types> table = {{
    {.name = "F32", .gguf_type = 0, .block_size = 1, .block_bytes = 4},
    {.name = "F16", .gguf_type = 1, .block_size = 1, .block_bytes = 2},
    {.name = "BF16", .gguf_type = 30, .block_size = 1, .block_bytes = 2},
    {.name = "Q4_0", .gguf_type = 2, .block_size = 32, .block_bytes = 18},
    {.name = "Q4_1", .gguf_type = 3, .block_size = 32, .block_bytes = 20},
    {.name = "Q5_0", .gguf_type = 6, .block_size = 32, .block_bytes = 22},
    {.name = "Q5_1", .gguf_type = 7, .block_size = 32, .block_bytes = 24},
    {.name = "Q8_0", .gguf_type = 8, .block_size = 32, .block_bytes = 34},
    {.name = "Q2_K", .gguf_type = 10, .block_size = 256, .block_bytes = 84},
    {.name = "Q3_K", .gguf_type = 11, .block_size = 256, .block_bytes = 110},
    {.name = "Q4_K", .gguf_type = 12, .block_size = 256, .block_bytes = 144},
    {.name = "Q5_K", .gguf_type = 13, .block_size = 256, .block_bytes = 176},
    {.name = "Q6_K", .gguf_type = 14, .block_size = 256, .block_bytes = 210},
    {.name = "IQ4_NL", .gguf_type = 20, .block_size = 32, .block_bytes = 18},
    {.name = "IQ4_XS", .gguf_type = 23, .block_size = 256, .block_bytes = 136},
}};
static_assert(static_cast<std::size_t>(BlockType::iq4_xs) + 1 == table.size());

}  // namespace

const BlockTypeTraits& traits(BlockType type) {
  return table[static_cast<std::size_t>(type)];
}

std::optional<BlockType> block_type_from_gguf(std::uint32_t gguf_type) {
  const auto* found = std::ranges::find(table, gguf_type, &BlockTypeTraits::gguf_type);
  if (found == table.end()) return std::nullopt;
  return static_cast<BlockType>(found - table.begin());
}

std::size_t bytes_of(BlockType type, std::size_t n_values) {
  const BlockTypeTraits& t = traits(type);
  return n_values / static_cast<std::size_t>(t.block_size) * static_cast<std::size_t>(t.block_bytes);
}

std::int64_t TensorView::rows() const {
  std::int64_t product = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) product *= shape[i];
  return product;
}

}  // namespace runnel
