#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace runnel {

struct Architecture;

enum class RopeScaling { none, linear, llama3, yarn, longrope, dynamic, dynamic_steps };

/// Rotary position embedding (RoPE, Su et al. 2021, arXiv 2104.09864) and how its frequencies are stretched.
struct RopeConfig {
  double base = 10000;
  int dimensions = 0;  ///< rotated dimensions of a head, even
  RopeScaling scaling = RopeScaling::none;
  double factor = 1;            ///< linear: positions are divided by it; llama3, yarn: low frequencies are
  int original_context = 0;     ///< llama3, yarn, longrope, dynamic: context before stretching
  double low_frequency = 1;     ///< llama3: wavelengths above original_context / low_frequency are divided by factor
  double high_frequency = 4;    ///< llama3: wavelengths below original_context / high_frequency stay
  double beta_fast = 32;        ///< yarn: rotations within original_context above which a dimension stays
  double beta_slow = 1;         ///< yarn: … below which it is divided by factor
  double attention_factor = 0;  ///< yarn, longrope: scale of cos and sin; 0: follows from the factor
  bool truncate = true;         ///< yarn: the bounds between stretched and kept dimensions are whole numbers
  /// Each frequency's own divisor, [dimensions / 2], instead of the scaling's formula; empty: none. Longrope takes the
  /// long ones where ctx_size exceeds original_context.
  std::vector<float> divisors;
  std::vector<float> long_divisors;
};

enum class NormKind {
  rms,   ///< RMSNorm (Zhang and Sennrich 2019)
  layer  ///< LayerNorm (Ba et al. 2016)
};

/// Where a block's norm stands.
enum class NormPlacement {
  before,  ///< x + block(norm(x))
  after,   ///< x + norm(block(x))
  around   ///< x + norm(block(norm(x)))
};

/// How attention and MLP are joined.
enum class Residual {
  serial,          ///< the MLP reads what attention has been added to
  parallel,        ///< both read the same, each through a norm of its own
  parallel_shared  ///< likewise, through one norm where the file has no second
};

enum class Position {
  rope,
  alibi,  ///< a bias that falls with the distance (Press et al. 2021, arXiv 2108.12409)
  learned
};

/// Norm of queries and keys before they are rotated.
enum class QkNorm {
  none,
  head,  ///< over each head
  whole  ///< over all heads together
};

/// How a mixture of experts weighs them.
enum class Routing {
  none,
  softmax_of_chosen  ///< the experts with the largest logits, by the softmax over these
};

/// How a family of models computes: choices that combine freely and that the one forward pass reads.
struct Design {
  NormKind norm = NormKind::rms;
  NormPlacement placement = NormPlacement::before;
  Residual residual = Residual::serial;
  Position position = Position::rope;
  QkNorm qk_norm = QkNorm::none;
  Activation activation = Activation::silu;
  bool gated = true;  ///< MLP: activation(gate) × up, else activation(up)
  Routing routing = Routing::none;
  bool embedding_norm = false;
  bool final_norm = true;
  float alibi_times_scale = 0;  ///< ALiBi: slopes are multiplied by this and by the scale of the scores; 0: as they are
  bool normalized_head = false;  ///< rows of the output matrix have length 1
};

/// What may differ from layer to layer.
struct LayerConfig {
  int window = 0;             ///< sliding-window attention over so many tokens; 0: none
  int rope = 0;               ///< index into Config::ropes; -1: queries and keys are not rotated
  float attention_scale = 1;  ///< of the scores
};

/// The sizes and constants of one model. Shapes of matrices are [rows, columns] = [outputs, inputs].
struct Config {
  const Architecture* family = nullptr;
  std::string architecture;  ///< GGUF name of the table row
  std::string name;
  int n_layers = 0;
  int n_embd = 0;
  int n_ff = 0;  ///< of each expert, where there are experts
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  int n_vocab = 0;
  int n_experts = 0;        ///< 0: one MLP
  int n_experts_used = 0;   ///< for each token
  int trained_context = 0;  ///< 0: the file does not say
  Design design;
  float norm_epsilon = 1e-5F;
  float embedding_scale = 1;
  float residual_scale = 1;  ///< of what each block adds
  float logit_scale = 1;
  float attention_soft_cap = 0;  ///< cap × tanh(score / cap); 0: none
  float logit_soft_cap = 0;
  float qkv_limit = 0;   ///< queries, keys and values are clamped to ± this; 0: none
  float alibi_bias = 8;  ///< slopes run from 2^(−alibi_bias / heads) to 2^−alibi_bias
  int log_n_from = 0;    ///< queries at a cache-relative position p ≥ this are scaled by ln(p + 1) / ln(this); 0: none
  int position_offset = 0;  ///< learned positions: row of the first token
  std::vector<RopeConfig> ropes;
  std::vector<LayerConfig> layers;
};

}  // namespace runnel
