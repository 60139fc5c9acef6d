#include "convert/gguf_hyperparameters.h"

#include <string>

#include "model/architectures.h"
#include "model/rope.h"
#include "runnel/error.h"

namespace runnel {
namespace {

std::uint32_t count(int value) {
  return static_cast<std::uint32_t>(value);
}

void write_yarn(GgufWriter& writer, const RopeConfig& rope, const std::string& scaling, const std::string& label) {
  if (rope.attention_factor != 0 || !rope.truncate) {
    throw Error(label + " can't be saved as GGUF, which has no key for its yarn scaling's " +
                (rope.truncate ? "attention_factor." : "truncate."));
  }
  writer.set(scaling + "type", "yarn");
  writer.set(scaling + "original_context_length", count(rope.original_context));
  writer.set(scaling + "yarn_beta_fast", static_cast<float>(rope.beta_fast));
  writer.set(scaling + "yarn_beta_slow", static_cast<float>(rope.beta_slow));
}

void write_rope(GgufWriter& writer, const RopeConfig& rope, const std::string& prefix, const std::string& label) {
  const std::string scaling = prefix + "rope.scaling.";
  writer.set(prefix + "rope.dimension_count", count(rope.dimensions));
  writer.set(prefix + "rope.freq_base", static_cast<float>(rope.base));
  switch (rope.scaling) {
    case RopeScaling::none:
    case RopeScaling::llama3:  // its divisors are a tensor
      return;
    case RopeScaling::linear:
      writer.set(scaling + "type", "linear");
      break;
    case RopeScaling::yarn:
      write_yarn(writer, rope, scaling, label);
      break;
    case RopeScaling::longrope:
    case RopeScaling::dynamic:
    case RopeScaling::dynamic_steps:
      throw Error(label + " can't be saved as GGUF: its rope scaling, which depends on ctx_size, has no keys there.");
  }
  writer.set(scaling + "factor", static_cast<float>(rope.factor));
}

// GGUF has one number for all layers.
int window_of_all_layers(const Config& config) {
  const int window = config.layers.front().window;
  for (const LayerConfig& layer : config.layers) {
    if (layer.window == window) continue;
    throw Error(config.name + " can't be saved as GGUF: some of its layers have a sliding window and others none.");
  }
  return window;
}

}  // namespace

void write_hyperparameters(GgufWriter& writer, const Config& config) {
  const std::string architecture(config.family->saved_as);
  if (architecture.empty()) {
    throw Error(config.name + " can't be saved as GGUF: models of the architecture \"" + config.architecture +
                "\" can be loaded from folders, but not be saved yet.");
  }
  const std::string prefix = architecture + ".";
  writer.set("general.architecture", architecture);
  writer.set("general.type", "model");
  writer.set("general.name", config.name);
  writer.set(prefix + "block_count", count(config.n_layers));
  if (config.trained_context > 0) writer.set(prefix + "context_length", count(config.trained_context));
  writer.set(prefix + "embedding_length", count(config.n_embd));
  writer.set(prefix + "feed_forward_length", count(config.n_ff));
  writer.set(prefix + "vocab_size", count(config.n_vocab));
  writer.set(prefix + "attention.head_count", count(config.n_heads));
  writer.set(prefix + "attention.head_count_kv", count(config.n_kv_heads));
  writer.set(prefix + "attention.key_length", count(config.head_dim));
  writer.set(prefix + "attention.value_length", count(config.head_dim));
  writer.set(prefix + "attention.layer_norm_rms_epsilon", config.norm_epsilon);
  if (const int window = window_of_all_layers(config); window > 0)
    writer.set(prefix + "attention.sliding_window", count(window));
  write_rope(writer, config.ropes.front(), prefix, config.name);
}

std::vector<float> rope_divisors(const RopeConfig& rope) {
  if (rope.scaling != RopeScaling::llama3) return {};
  RopeConfig unscaled = rope;
  unscaled.scaling = RopeScaling::none;
  const std::vector<double> from = rope_frequencies(unscaled, rope.original_context);
  const std::vector<double> to = rope_frequencies(rope, rope.original_context);
  std::vector<float> divisors;
  for (std::size_t i = 0; i < from.size(); ++i) divisors.push_back(static_cast<float>(from[i] / to[i]));
  return divisors;
}

}  // namespace runnel
