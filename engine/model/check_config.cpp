#include "model/check_config.h"

#include <cmath>

#include "runnel/error.h"

namespace runnel {
namespace {

void in_range(const std::string& label, const std::string& what, int value, int most) {
  if (value >= 1 && value <= most) return;
  throw Error(label + " can't be used: its " + what + " is " + std::to_string(value) + ", which must be from 1 to " +
              std::to_string(most) + ".");
}

void positive(const std::string& label, const std::string& what, double value) {
  if (std::isfinite(value) && value > 0) return;
  throw Error(label + " can't be used: its " + what + " is " + std::to_string(value) + ", which must be above 0.");
}

void not_negative(const std::string& label, const std::string& what, double value) {
  if (std::isfinite(value) && value >= 0) return;
  throw Error(label + " can't be used: its " + what + " is " + std::to_string(value) + ", which must be 0 or above.");
}

void check_divisors(const std::vector<float>& divisors, int dimensions, const std::string& label) {
  if (divisors.empty()) return;
  if (static_cast<int>(divisors.size()) != dimensions / 2) {
    throw Error(label + " can't be used: it has " + std::to_string(divisors.size()) +
                " factors of rope frequencies, which must be one for each of the " + std::to_string(dimensions / 2) +
                " rotated pairs.");
  }
  for (const float divisor : divisors) positive(label, "factor of a rope frequency", divisor);
}

void check_longrope(const RopeConfig& rope, const std::string& label) {
  in_range(label, "original context length of the rope scaling", rope.original_context, 1 << 28);
  if (rope.divisors.empty() || rope.long_divisors.empty())
    throw Error(label + " can't be used: longrope needs short and long factors of the rope frequencies.");
}

void check_rope(const RopeConfig& rope, int head_dim, const std::string& label) {
  if (rope.dimensions < 2 || rope.dimensions % 2 != 0 || rope.dimensions > head_dim) {
    throw Error(label + " can't be used: it rotates " + std::to_string(rope.dimensions) +
                " dimensions of a head, which must be even and from 2 to " + std::to_string(head_dim) + ".");
  }
  positive(label, "rope base", rope.base);
  positive(label, "rope scaling factor", rope.factor);
  if (rope.scaling != RopeScaling::none && rope.scaling != RopeScaling::linear && rope.divisors.empty()) {
    in_range(label, "original context length of the rope scaling", rope.original_context, 1 << 28);
  }
  if (rope.scaling == RopeScaling::llama3) {
    positive(label, "rope scaling's low_freq_factor", rope.low_frequency);
    positive(label, "rope scaling's high_freq_factor less its low_freq_factor",
             rope.high_frequency - rope.low_frequency);
  }
  if (rope.scaling == RopeScaling::yarn) {
    positive(label, "rope scaling's beta_fast", rope.beta_fast);
    positive(label, "rope scaling's beta_slow", rope.beta_slow);
    if (rope.base <= 1) throw Error(label + " can't be used: with yarn its rope base must be above 1.");
  }
  if (rope.scaling == RopeScaling::longrope) check_longrope(rope, label);
  const bool is_dynamic = rope.scaling == RopeScaling::dynamic || rope.scaling == RopeScaling::dynamic_steps;
  if (is_dynamic && rope.dimensions < 4)
    throw Error(label + " can't be used: dynamic rope scaling needs at least 4 rotated dimensions.");
  not_negative(label, "rope scaling's attention_factor", rope.attention_factor);
  check_divisors(rope.divisors, rope.dimensions, label);
  check_divisors(rope.long_divisors, rope.dimensions, label);
}

void check_layer(const LayerConfig& layer, const std::string& label) {
  if (layer.window < 0) throw Error(label + " can't be used: its sliding window is negative.");
  positive(label, "scale of attention scores", layer.attention_scale);
}

void check_scales(const Config& config, const std::string& label) {
  positive(label, "embedding scale", config.embedding_scale);
  positive(label, "residual scale", config.residual_scale);
  positive(label, "logit scale", config.logit_scale);
  not_negative(label, "attention soft cap", config.attention_soft_cap);
  not_negative(label, "logit soft cap", config.logit_soft_cap);
  not_negative(label, "limit of queries, keys and values", config.qkv_limit);
  positive(label, "ALiBi bias", config.alibi_bias);
  if (config.log_n_from == 1) throw Error(label + " can't be used: its context length is 1.");
}

void check_experts(const Config& config, const std::string& label) {
  if (config.n_experts == 0 && config.n_experts_used == 0) return;
  in_range(label, "number of experts", config.n_experts, 1 << 14);
  in_range(label, "number of experts for each token", config.n_experts_used, config.n_experts);
  in_range(label, "feed-forward length of all experts", config.n_ff, (1 << 30) / config.n_experts);
  in_range(label, "embedding length for all experts", config.n_embd, (1 << 30) / config.n_experts);
}

}  // namespace

void check_sizes(const Config& config, const std::string& label) {
  // With the names that GGUF files give them, for those who made the file.
  in_range(label, "number of layers (block_count)", config.n_layers, 4096);
  in_range(label, "embedding length (embedding_length)", config.n_embd, 1 << 20);
  in_range(label, "feed-forward length (feed_forward_length)", config.n_ff, 1 << 22);
  in_range(label, "number of attention heads (attention.head_count)", config.n_heads, 1 << 16);
  in_range(label, "number of key/value heads (attention.head_count_kv)", config.n_kv_heads, config.n_heads);
  in_range(label, "head length (attention.key_length)", config.head_dim, 1 << 16);
  in_range(label, "vocabulary size", config.n_vocab, 1 << 28);
}

void check_config(const Config& config, const std::string& label) {
  check_sizes(config, label);
  if (config.n_heads % config.n_kv_heads != 0) {
    throw Error(label + " can't be used: its " + std::to_string(config.n_heads) + " attention heads can't share " +
                std::to_string(config.n_kv_heads) + " key/value heads evenly.");
  }
  if (!(config.norm_epsilon >= 0) || config.norm_epsilon > 1) {
    throw Error(label + " can't be used: its norm epsilon is " + std::to_string(config.norm_epsilon) +
                ", which must be from 0 to 1.");
  }
  if (config.trained_context < 0) throw Error(label + " can't be used: its context length is negative.");
  in_range(label, "head length", config.head_dim, (1 << 26) / config.n_heads);  // of all heads together: 2^26
  if (config.design.position == Position::learned)
    in_range(label, "number of learned positions", config.trained_context, 1 << 24);
  check_scales(config, label);
  check_experts(config, label);
  for (const RopeConfig& rope : config.ropes) check_rope(rope, config.head_dim, label);
  for (const LayerConfig& layer : config.layers) check_layer(layer, label);
}

}  // namespace runnel
