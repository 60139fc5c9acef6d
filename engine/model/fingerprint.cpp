#include "model/fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace runnel {
namespace {

constexpr std::size_t samples = 4;  // of each tensor, evenly spread
constexpr std::size_t sample_bytes = 64;

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

std::uint64_t hash_of_data(std::span<const std::byte> data, std::uint64_t hash) {
  for (std::size_t i = 0; i < samples && !data.empty(); ++i) {
    const std::span<const std::byte> from = data.subspan(data.size() / samples * i);
    hash = XXH3_64bits_withSeed(from.data(), std::min(sample_bytes, from.size()), hash);
  }
  return hash;
}

}  // namespace

std::string fingerprint_of(const ModelFacts& facts, const std::vector<const TensorView*>& tensors,
                           const LoadOptions& options) {
  std::uint64_t hash = hash_of(fmt::format("{} {} {} {} {} {} {} {}", facts.architecture, facts.n_layers, facts.n_embd,
                                           facts.n_heads, facts.n_kv_heads, facts.head_dim, facts.n_vocab, facts.rope),
                               0);
  hash = hash_of(
      fmt::format("{} {} {} {}", static_cast<int>(options.weight_dtype), static_cast<int>(options.compute_dtype),
                  options.group_size, static_cast<int>(options.scheme)),
      hash);
  for (const TensorView* tensor : tensors) {
    std::string shape;
    for (const std::int64_t n : tensor->shape) shape += fmt::format(" {}", n);
    hash = hash_of(fmt::format("{} {}{}", tensor->name, traits(tensor->type).name, shape), hash);
    hash = hash_of_data(tensor->data, hash);
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace runnel
