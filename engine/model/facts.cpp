#include "model/facts.h"

#include <algorithm>
#include <limits>
#include <map>

#include "cache/kv_memory.h"
#include "model/pack_tensor.h"

namespace runnel {
namespace {

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string describe(const RopeConfig& rope) {
  std::string text = "base " + number(rope.base);
  switch (rope.scaling) {
    case RopeScaling::none:
      return text;
    case RopeScaling::linear:
      return text + ", linear × " + number(rope.factor);
    case RopeScaling::llama3:
      return text + ", llama3 × " + number(rope.factor);
    case RopeScaling::yarn:
      return text + ", yarn × " + number(rope.factor);
    case RopeScaling::longrope:
      return text + ", longrope × " + number(rope.factor);
    case RopeScaling::dynamic:
      return text + ", dynamic × " + number(rope.factor);
    case RopeScaling::dynamic_steps:
      return text + ", dynamic";
  }
  return text;
}

std::string describe_positions(const Config& config) {
  if (config.design.position == Position::alibi) return "ALiBi";
  if (config.design.position == Position::learned) return "learned";
  std::string text = describe(config.ropes.front());
  if (config.ropes.size() > 1) text += "; with a window " + describe(config.ropes.back());
  return text;
}

}  // namespace

ModelFacts facts_from(const Config& config, const std::vector<const TensorView*>& tensors) {
  ModelFacts facts;
  facts.name = config.name;
  facts.architecture = config.architecture;
  facts.n_layers = config.n_layers;
  facts.n_embd = config.n_embd;
  facts.n_ff = config.n_ff;
  facts.n_heads = config.n_heads;
  facts.n_kv_heads = config.n_kv_heads;
  facts.head_dim = config.head_dim;
  facts.n_vocab = config.n_vocab;
  facts.trained_context = config.trained_context;
  facts.rope = describe_positions(config);
  facts.learned_positions = config.design.position == Position::learned;
  std::map<std::string, std::pair<int, std::uint64_t>> types;  // name → tensors, bytes
  for (const TensorView* tensor : tensors) {
    auto& [count, bytes] = types[std::string(traits(tensor->type).name)];
    ++count;
    bytes += tensor->data.size();
    facts.parameters += static_cast<std::uint64_t>(tensor->rows() * tensor->columns());
    facts.file_bytes += tensor->data.size();
  }
  std::uint64_t most = 0;
  for (const auto& [name, type] : types) {
    facts.tensor_types.emplace_back(name, type.first);
    if (type.second > most) {
      most = type.second;
      facts.quantization = name;
    }
  }
  std::stable_sort(facts.tensor_types.begin(), facts.tensor_types.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return facts;
}

std::uint64_t held_bytes(const std::vector<const TensorView*>& tensors, const FileNames& names,
                         const LoadOptions& options) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();  // no more can be loaded
  std::uint64_t total = 0;
  for (const TensorView* tensor : tensors) {
    if (tensor->shape.size() < 2 || tensor->rows() > most || tensor->columns() > most) {
      total += static_cast<std::uint64_t>(tensor->rows() * tensor->columns()) * sizeof(float);
      continue;
    }
    const auto columns = static_cast<int>(tensor->columns());
    const Holding holding = holding_for(tensor->type, names.use_of(tensor->name), columns, options);
    total += packed_bytes(holding.packing, static_cast<int>(tensor->rows()), columns);
  }
  return total;
}

std::size_t cache_bytes_per_token(const ModelFacts& facts, KvType type) {
  const KvShape shape{.layers = facts.n_layers, .kv_heads = facts.n_kv_heads, .head_dim = facts.head_dim};
  return shape.bytes_per_token(type);
}

std::size_t cache_bytes(const ModelFacts& facts, const CacheSettings& settings) {
  const auto slots = static_cast<std::size_t>(settings.ctx_size + headroom(settings.ctx_size) + 15) / 16 * 16;
  return slots * cache_bytes_per_token(facts, settings.kv_type);
}

}  // namespace runnel
