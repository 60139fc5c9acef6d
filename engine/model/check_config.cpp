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

void check_rope(const RopeConfig& rope, int head_dim, const std::string& label) {
  if (rope.dimensions < 2 || rope.dimensions % 2 != 0 || rope.dimensions > head_dim) {
    throw Error(label + " can't be used: it rotates " + std::to_string(rope.dimensions) +
                " dimensions of a head, which must be even and from 2 to " + std::to_string(head_dim) + ".");
  }
  positive(label, "rope base", rope.base);
  positive(label, "rope scaling factor", rope.factor);
  if (rope.scaling == RopeScaling::llama3 || rope.scaling == RopeScaling::yarn) {
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
    not_negative(label, "rope scaling's attention_factor", rope.attention_factor);
    if (rope.base <= 1) throw Error(label + " can't be used: with yarn its rope base must be above 1.");
  }
}

}  // namespace

void check_config(const Config& config, const std::string& label) {
  in_range(label, "number of layers", config.n_layers, 4096);
  in_range(label, "embedding length", config.n_embd, 1 << 20);
  in_range(label, "feed-forward length", config.n_ff, 1 << 22);
  in_range(label, "number of attention heads", config.n_heads, 1 << 16);
  in_range(label, "number of key/value heads", config.n_kv_heads, config.n_heads);
  in_range(label, "head length", config.head_dim, 1 << 16);
  in_range(label, "vocabulary size", config.n_vocab, 1 << 28);
  if (config.n_heads % config.n_kv_heads != 0) {
    throw Error(label + " can't be used: its " + std::to_string(config.n_heads) + " attention heads can't share " +
                std::to_string(config.n_kv_heads) + " key/value heads evenly.");
  }
  if (!(config.norm_epsilon >= 0) || config.norm_epsilon > 1) {
    throw Error(label + " can't be used: its norm epsilon is " + std::to_string(config.norm_epsilon) +
                ", which must be from 0 to 1.");
  }
  if (config.trained_context < 0 || config.window < 0) {
    throw Error(label + " can't be used: its context length or window is negative.");
  }
  check_rope(config.rope, config.head_dim, label);
}

}  // namespace runnel
