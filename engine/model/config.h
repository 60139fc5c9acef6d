#pragma once

#include <string>

namespace runnel {

enum class RopeScaling { none, linear, llama3, yarn };

/// Rotary position embedding (RoPE, Su et al. 2021, arXiv 2104.09864) and how its frequencies are stretched.
struct RopeConfig {
  double base = 10000;
  int dimensions = 0;  ///< rotated dimensions of a head, even
  RopeScaling scaling = RopeScaling::none;
  double factor = 1;            ///< linear: positions are divided by it; llama3, yarn: low frequencies are
  int original_context = 0;     ///< llama3, yarn: context before stretching
  double low_frequency = 1;     ///< llama3: wavelengths above original_context / low_frequency are divided by factor
  double high_frequency = 4;    ///< llama3: wavelengths below original_context / high_frequency stay
  double beta_fast = 32;        ///< yarn: rotations within original_context above which a dimension stays
  double beta_slow = 1;         ///< yarn: … below which it is divided by factor
  double attention_factor = 0;  ///< yarn: scale of cos and sin; 0: 0.1 ln(factor) + 1
  bool truncate = true;         ///< yarn: the bounds between stretched and kept dimensions are whole numbers
};

/// The sizes and constants of one model. Shapes of matrices are [rows, columns] = [outputs, inputs].
struct Config {
  std::string architecture;  ///< GGUF name of the table row
  std::string name;
  int n_layers = 0;
  int n_embd = 0;
  int n_ff = 0;
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  int n_vocab = 0;
  int trained_context = 0;  ///< 0: the file does not say
  float norm_epsilon = 1e-5F;
  int window = 0;  ///< sliding-window attention over so many tokens; 0: none
  RopeConfig rope;
};

}  // namespace runnel
