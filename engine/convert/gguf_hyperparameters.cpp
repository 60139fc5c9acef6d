#include "convert/gguf_hyperparameters.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

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

[[noreturn]] void refuse(const Config& config, const std::string& why) {
  throw Error(config.name + " can't be saved as GGUF: " + why);
}

// GGUF has one number for the windows of all layers; which layers have one, and which rotate, follows from the family.
int window_of_layers(const Config& config) {
  int window = 0;
  for (const LayerConfig& layer : config.layers) window = std::max(window, layer.window);
  for (int number = 1; number <= config.n_layers; ++number) {
    const LayerConfig& layer = config.layers[static_cast<std::size_t>(number - 1)];
    if (layer.window != (has_window(*config.family, number) ? window : 0))
      refuse(config, "some of its layers have a sliding window and others none, in an order that has no key there.");
    if (!config.ropes.empty() && (layer.rope >= 0) != rotates(*config.family, number))
      refuse(config, "some of its layers rotate queries and keys and others don't, in an order that has no key there.");
  }
  return window;
}

bool differs(float value, float usual) {
  return std::abs(value - usual) > 1e-6F * std::abs(usual);
}

// Scales have keys where the family's files have them; elsewhere they must be what readers take them for.
void write_scales(GgufWriter& writer, const Config& config, const std::string& prefix) {
  const float attention = config.layers.front().attention_scale;
  for (const LayerConfig& layer : config.layers) {
    if (layer.attention_scale != attention) refuse(config, "its layers scale attention scores differently.");
  }
  if (config.family->has_soft_caps && (config.attention_soft_cap == 0 || config.logit_soft_cap == 0))
    refuse(config, "it lacks the soft caps of other " + config.architecture + " models.");
  if (config.attention_soft_cap > 0) writer.set(prefix + "attn_logit_softcapping", config.attention_soft_cap);
  if (config.logit_soft_cap > 0) writer.set(prefix + "final_logit_softcapping", config.logit_soft_cap);
  if (config.family->divides_by_logit_scale) {
    writer.set(prefix + "attention.scale", attention);
    writer.set(prefix + "embedding_scale", config.embedding_scale);
    writer.set(prefix + "residual_scale", config.residual_scale);
    writer.set(prefix + "logit_scale", 1 / config.logit_scale);
    return;
  }
  const bool usual = !differs(attention, usual_attention_scale(*config.family, config)) &&
                     !differs(config.embedding_scale, usual_embedding_scale(*config.family, config)) &&
                     config.residual_scale == 1 && config.logit_scale == 1;
  if (!usual) refuse(config, "its scales are not those of other " + config.architecture + " models.");
}

void write_window_rope(GgufWriter& writer, const Config& config, const std::string& prefix) {
  if (config.ropes.size() < 2) return;
  const RopeConfig& rope = config.ropes[1];
  const bool has_key = config.family->window_rope_base > 0;
  if (!has_key || rope.scaling != RopeScaling::none || rope.dimensions != config.ropes.front().dimensions)
    refuse(config, "its layers with a sliding window rotate in a way that has no key there.");
  writer.set(prefix + "rope.freq_base_swa", static_cast<float>(rope.base));
}

void write_sizes(GgufWriter& writer, const Config& config, const std::string& prefix) {
  writer.set(prefix + "block_count", count(config.n_layers));
  if (config.trained_context > 0) writer.set(prefix + "context_length", count(config.trained_context));
  writer.set(prefix + "embedding_length", count(config.n_embd));
  writer.set(prefix + "feed_forward_length", count(config.n_ff));
  writer.set(prefix + "vocab_size", count(config.n_vocab));
  writer.set(prefix + "attention.head_count", count(config.n_heads));
  writer.set(prefix + "attention.head_count_kv", count(config.n_kv_heads));
  writer.set(prefix + "attention.key_length", count(config.head_dim));
  writer.set(prefix + "attention.value_length", count(config.head_dim));
}

void write_design(GgufWriter& writer, const Config& config, const std::string& prefix) {
  const Design& design = config.design;
  const Design& usual = config.family->design;
  if (design.activation != usual.activation)
    refuse(config, "its activation is not that of other " + config.architecture + " models.");
  const bool is_rms = design.norm == NormKind::rms;
  writer.set(prefix + (is_rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon"),
             config.norm_epsilon);
  // Families that have it both ways are all of LayerNorm.
  if (!is_rms) writer.set(prefix + "use_parallel_residual", design.residual != Residual::serial);
  if (is_rms && design.residual != usual.residual)
    refuse(config, "its blocks are joined otherwise than in other " + config.architecture + " models.");
  if (config.qkv_limit > 0) writer.set(prefix + "attention.clamp_kqv", config.qkv_limit);
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
  write_sizes(writer, config, prefix);
  write_design(writer, config, prefix);
  write_scales(writer, config, prefix);
  if (const int window = window_of_layers(config); window > 0)
    writer.set(prefix + "attention.sliding_window", count(window));
  write_rope(writer, config.ropes.front(), prefix, config.name);
  write_window_rope(writer, config, prefix);
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
