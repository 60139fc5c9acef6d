#include <algorithm>
#include <cmath>
#include <string>

#include "model/check_config.h"
#include "model/refusals.h"
#include "model/rope.h"
#include "model/weight_source.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// A GGUF file's keys of one architecture.
class Keys {
 public:
  Keys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  template <GgufReadable T>
  T get(const std::string& key) const {
    return file_.get<T>(prefix_ + key);
  }
  template <GgufReadable T>
  T get(const std::string& key, const T& otherwise) const {
    return file_.find<T>(prefix_ + key).value_or(otherwise);
  }
  bool has(const std::string& key) const { return file_.has(prefix_ + key); }
  const GgufFile& file() const { return file_; }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

RopeScaling scaling_from(const std::string& name, const std::string& label) {
  if (name == "none" || name.empty()) return RopeScaling::none;
  if (name == "linear") return RopeScaling::linear;
  if (name == "yarn") return RopeScaling::yarn;
  if (name == "longrope") return RopeScaling::longrope;
  throw Error(label + " can't be used: its rope scaling \"" + name +
              "\" is not supported; none, linear, yarn and longrope are.");
}

// Divisors of the frequencies, which GGUF keeps as a tensor; empty when there is none.
std::vector<float> read_divisors(const GgufFile& file, const std::string& name, const std::string& label) {
  const TensorView* tensor = file.find_tensor(name);
  if (tensor == nullptr) return {};
  if (tensor->shape.size() != 1 || tensor->columns() > 1 << 16)
    throw Error(label + " can't be used: its tensor " + name + " must be one row.");
  std::vector<float> values(static_cast<std::size_t>(tensor->columns()));
  dequantize(tensor->type, tensor->data, values);
  return values;
}

void read_ropes(const Keys& keys, const Architecture& family, Config& config, const std::string& label) {
  RopeConfig rope;
  const std::string scaling = "rope.scaling.";
  rope.base = keys.get<double>("rope.freq_base", rope.base);
  rope.dimensions = keys.get<int>("rope.dimension_count", config.head_dim);
  rope.divisors = read_divisors(keys.file(), "rope_freqs.weight", label);
  rope.scaling = scaling_from(keys.get<std::string>(scaling + "type", "none"), label);
  rope.factor = keys.get<double>(scaling + "factor", 1.0);
  rope.original_context = keys.get<int>(scaling + "original_context_length", 0);
  rope.attention_factor = keys.get<double>(scaling + "attn_factor", 0.0);
  rope.beta_fast = keys.get<double>(scaling + "yarn_beta_fast", rope.beta_fast);
  rope.beta_slow = keys.get<double>(scaling + "yarn_beta_slow", rope.beta_slow);
  if (keys.file().find_tensor("rope_factors_long.weight") != nullptr) {
    rope.scaling = RopeScaling::longrope;
    rope.divisors = read_divisors(keys.file(), "rope_factors_short.weight", label);
    rope.long_divisors = read_divisors(keys.file(), "rope_factors_long.weight", label);
    if (rope.original_context > 0) rope.factor = static_cast<double>(config.trained_context) / rope.original_context;
  }
  config.ropes = {rope};
  if (family.window_rope_base == 0) return;
  RopeConfig local;
  local.base = keys.get<double>("rope.freq_base_swa", family.window_rope_base);
  local.dimensions = rope.dimensions;
  config.ropes.push_back(local);
}

// Tokens in the vocabulary, which some files state as a key, all as the embedding's rows.
int read_n_vocab(const GgufFile& file, const Architecture& family, const std::string& label) {
  const std::string name(family.gguf_storage.names->embedding);
  const TensorView* embedding = file.find_tensor(name);
  if (embedding == nullptr || embedding->shape.size() != 2) {
    const std::string output(family.gguf_storage.names->output);
    throw Error(
        label + " can't be used: it has " +
        (file.find_tensor(output) == nullptr ? "neither a matrix " + name + " nor " + output : "no matrix " + name) +
        ".");
  }
  if (embedding->shape[0] > (1 << 28)) throw Error(label + " can't be used: its vocabulary is absurdly large.");
  return static_cast<int>(embedding->shape[0]);
}

void read_sizes(const Keys& keys, const Architecture& family, Config& config, const std::string& label) {
  config.n_layers = keys.get<int>("block_count");
  config.n_embd = keys.get<int>("embedding_length");
  config.n_ff = keys.get<int>("feed_forward_length") / (family.ff_is_doubled ? 2 : 1);
  config.n_heads = keys.get<int>("attention.head_count");
  config.n_kv_heads = keys.get<int>("attention.head_count_kv", config.n_heads);
  if (config.n_heads < 1) check_config(config, label);
  config.head_dim = keys.get<int>("attention.key_length", config.n_embd / config.n_heads);
  config.n_vocab = read_n_vocab(keys.file(), family, label);
  config.trained_context = keys.get<int>("context_length");
  config.norm_epsilon = keys.get<float>(family.design.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon"
                                                                            : "attention.layer_norm_epsilon");
  config.n_experts = keys.get<int>("expert_count", 0);
  config.n_experts_used = keys.get<int>("expert_used_count", 0);
  if (config.n_experts > 0 && family.design.routing == Routing::none) {
    throw Error(label + " can't be used: mixtures of experts are not supported for the architecture \"" +
                std::string(family.gguf) + "\".");
  }
}

void read_design(const Keys& keys, const Architecture& family, Config& config) {
  Design& design = config.design;
  const bool parallel = keys.get<bool>("use_parallel_residual", design.residual != Residual::serial);
  if (!parallel) design.residual = Residual::serial;
  if (parallel && design.residual == Residual::serial) design.residual = Residual::parallel_shared;
  if (family.gguf_alibi_layers > 0 && config.n_layers == family.gguf_alibi_layers) design.position = Position::alibi;
  design.normalized_head = family.normalized_head_vocab > 0 && config.n_vocab == family.normalized_head_vocab;
  config.alibi_bias = keys.get<float>("attention.max_alibi_bias", config.alibi_bias);
  config.qkv_limit = keys.get<float>("attention.clamp_kqv", 0.0F);
  config.position_offset = family.position_offset;
}

void read_scales(const Keys& keys, const Architecture& family, Config& config) {
  config.embedding_scale = keys.get<float>("embedding_scale", usual_embedding_scale(family, config));
  config.residual_scale = keys.get<float>("residual_scale", 1.0F);
  config.logit_scale = keys.get<float>("logit_scale", 1.0F);
  if (family.divides_by_logit_scale) config.logit_scale = 1 / config.logit_scale;
  config.attention_soft_cap = keys.get<float>("attn_logit_softcapping", 0.0F);
  config.logit_soft_cap = keys.get<float>("final_logit_softcapping", 0.0F);
}

void read_layers(const Keys& keys, const Architecture& family, Config& config) {
  const int window = keys.get<int>("attention.sliding_window", 0);
  for (int layer = 1; layer <= config.n_layers; ++layer) {
    LayerConfig& one = config.layers.emplace_back();
    one.window = has_window(family, layer) ? window : 0;
    one.rope = one.window > 0 && config.ropes.size() > 1 ? 1 : 0;
    if (config.ropes.empty() || !rotates(family, layer)) one.rope = -1;
    one.attention_scale = keys.get<float>("attention.scale", usual_attention_scale(family, config));
  }
}

}  // namespace

Config read_config(const GgufFile& file) {
  const std::string label = file.file().path().filename().string();
  const auto name = file.get<std::string>("general.architecture");
  const Architecture* family = architecture_of_gguf(name);
  if (family == nullptr) refuse_architecture(name, label);
  const Keys keys(file, name + ".");
  Config config;
  config.family = family;
  config.architecture = name;
  config.name = file.find<std::string>("general.name").value_or(label);
  config.design = family->design;
  read_sizes(keys, *family, config, label);
  check_sizes(config, label);
  read_design(keys, *family, config);
  read_scales(keys, *family, config);
  if (config.design.position == Position::rope) read_ropes(keys, *family, config, label);
  read_layers(keys, *family, config);
  check_config(config, label);
  if (!config.ropes.empty())
    config.trained_context = context_after_scaling(config.ropes.front(), config.trained_context);
  return config;
}

}  // namespace runnel
