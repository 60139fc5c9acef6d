#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "runnel/tokenizer.h"

namespace runnel {

/// How the next token is chosen. The stages are applied in the order of the fields.
struct SamplerSettings {
  float repetition_penalty = 1.0F;    ///< > 0; 1 is off. A positive logit of a recent token is divided by it, a negative
                                      ///< one multiplied, once however often the token occurred (CTRL, arXiv 1909.05858)
  int repetition_window = 64;         ///< recent tokens the penalty looks at; 0 is off, -1 all
  int top_k = 40;                     ///< keep the k likeliest; 0 or less, or the vocabulary's size, is off
  float top_p = 0.95F;                ///< 0 … 1; keep the smallest set with this probability mass; 1 is off
  float min_p = 0.05F;                ///< 0 … 1; drop what is below this share of the best probability; 0 is off
  float temperature = 0.8F;           ///< >= 0; 0 always takes the likeliest
  std::optional<std::uint64_t> seed;  ///< none: one is drawn; `Sampler::seed` tells which
};

/// Throws Error that names setting, value and allowed range (NaN is never allowed).
void validate(const SamplerSettings& settings);

/// Chooses tokens; keeps the recent ones for the penalty. The same settings, seed and logits give the same tokens on
/// the same machine. Not thread-safe.
class Sampler {
 public:
  /// Throws like `validate`.
  explicit Sampler(const SamplerSettings& settings);

  /// Picks from `logits` [n_vocab]; at least one must be finite, NaN counts as minus infinity. Does not accept the token.
  /// Throws Error when no logit is finite.
  Token sample(std::span<const float> logits);

  /// Notes a token (of the prompt or sampled) for the repetition penalty.
  void accept(Token token);

  std::uint64_t seed() const { return seed_; }

 private:
  SamplerSettings settings_;
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<Token> recent_;
};

}  // namespace runnel
