#include <string>

#include "model/check_config.h"
#include "model/weight_source.h"
#include "runnel/error.h"

namespace runnel {
namespace {

RopeScaling scaling_from(const std::string& name, const std::string& label) {
  if (name == "none" || name.empty()) return RopeScaling::none;
  if (name == "linear") return RopeScaling::linear;
  if (name == "yarn") return RopeScaling::yarn;
  throw Error(label + " can't be used: its rope scaling \"" + name + "\" is not supported; none, linear and yarn are.");
}

RopeConfig read_rope(const GgufFile& file, const std::string& prefix, int head_dim, const std::string& label) {
  RopeConfig rope;
  const std::string scaling = prefix + "rope.scaling.";
  rope.base = file.find<double>(prefix + "rope.freq_base").value_or(rope.base);
  rope.dimensions = file.find<int>(prefix + "rope.dimension_count").value_or(head_dim);
  rope.scaling = scaling_from(file.find<std::string>(scaling + "type").value_or("none"), label);
  rope.factor = file.find<double>(scaling + "factor").value_or(1.0);
  rope.original_context = file.find<int>(scaling + "original_context_length").value_or(0);
  rope.attention_factor = file.find<double>(scaling + "attn_factor").value_or(0.0);
  rope.beta_fast = file.find<double>(scaling + "yarn_beta_fast").value_or(rope.beta_fast);
  rope.beta_slow = file.find<double>(scaling + "yarn_beta_slow").value_or(rope.beta_slow);
  return rope;
}

// Tokens in the vocabulary, which some files state as a key, all as the embedding's rows.
int read_n_vocab(const GgufFile& file, const Architecture& architecture, const std::string& label) {
  const TensorView* embedding = file.find_tensor(architecture.gguf_names->embedding);
  if (embedding == nullptr || embedding->shape.size() != 2) {
    throw Error(label + " can't be used: it has no matrix " + std::string(architecture.gguf_names->embedding) + ".");
  }
  if (embedding->shape[0] > (1 << 28)) throw Error(label + " can't be used: its vocabulary is absurdly large.");
  return static_cast<int>(embedding->shape[0]);
}

}  // namespace

Config read_config(const GgufFile& file) {
  const std::string label = file.file().path().filename().string();
  const auto name = file.get<std::string>("general.architecture");
  const Architecture* architecture = architecture_of_gguf(name);
  if (architecture == nullptr) {
    throw Error(label + " can't be used: its architecture \"" + name +
                "\" is not supported; these are: " + known_architectures() + ".");
  }
  const std::string prefix = name + ".";
  Config config;
  config.architecture = name;
  config.name = file.find<std::string>("general.name").value_or(label);
  config.n_layers = file.get<int>(prefix + "block_count");
  config.n_embd = file.get<int>(prefix + "embedding_length");
  config.n_ff = file.get<int>(prefix + "feed_forward_length");
  config.n_heads = file.get<int>(prefix + "attention.head_count");
  config.n_kv_heads = file.find<int>(prefix + "attention.head_count_kv").value_or(config.n_heads);
  if (config.n_heads < 1) check_config(config, label);
  config.head_dim = file.find<int>(prefix + "attention.key_length").value_or(config.n_embd / config.n_heads);
  config.n_vocab = read_n_vocab(file, *architecture, label);
  config.trained_context = file.get<int>(prefix + "context_length");
  config.norm_epsilon = file.get<float>(prefix + "attention.layer_norm_rms_epsilon");
  config.rope = read_rope(file, prefix, config.head_dim, label);
  // Mistral is written as "llama": whether there is a window, only the key says.
  config.window = file.find<int>(prefix + "attention.sliding_window").value_or(0);
  if (const auto experts = file.find<int>(prefix + "expert_count"); experts.value_or(0) > 0) {
    throw Error(label + " can't be used: mixtures of experts are not supported for the architecture \"" + name + "\".");
  }
  check_config(config, label);
  return config;
}

}  // namespace runnel
