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
  float repetition_penalty = 1.0F;  ///< > 0; 1 is off. A positive logit of a recent token is divided by it, a negative
                                    ///< one multiplied, once however often the token occurred (CTRL, arXiv 1909.05858)
  int repetition_window = 64;       ///< >= -1; recent tokens the penalty looks at; 0 is off, -1 all
  int top_k = 40;                   ///< keep the k likeliest; 0 or less, or the vocabulary's size, is off
  float top_p = 0.95F;              ///< 0 … 1; keep the smallest set with this probability mass; 1 is off
  float min_p = 0.05F;              ///< 0 … 1; drop what is below this share of the best probability; 0 is off
  float temperature = 0.8F;         ///< >= 0; 0, and what is below 1e-5, always takes the likeliest
  std::optional<std::uint64_t> seed;  ///< none: one is drawn; `Sampler::seed` tells which
};

/// Throws Error that names setting, value and allowed range (NaN is never allowed).
void validate(const SamplerSettings& settings);

/// Chooses tokens; keeps the recent ones for the penalty. The same settings, seed and logits give the same tokens on
/// the same machine. Equally likely tokens rank by their ids, the lowest first. Not thread-safe.
class Sampler {
 public:
  /// Throws like `validate`.
  explicit Sampler(const SamplerSettings& settings);

  /// Picks from `logits` [n_vocab]; at least one must be finite, NaN counts as minus infinity. Does not accept the
  /// token. Throws Error when no logit is finite. Allocates nothing once it has seen this n_vocab.
  Token sample(std::span<const float> logits);

  /// Notes a token (of the prompt or sampled) for the repetition penalty.
  void accept(Token token);

  std::uint64_t seed() const { return seed_; }

 private:
  struct Candidate {
    float logit;
    Token id;
  };

  void read(std::span<const float> logits);
  void penalize();
  void keep_top_k();
  void keep_top_p();
  void keep_min_p();
  Token draw();
  static bool ranks_before(const Candidate& a, const Candidate& b);

  SamplerSettings settings_;
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<Token> recent_;          ///< the last repetition_window tokens, as a ring; with -1 each token once
  std::size_t oldest_ = 0;             ///< in recent_, once it is full
  std::vector<bool> seen_;             ///< [token] whether it is in recent_; with -1 alone
  std::vector<float> logits_;          ///< [n_vocab] of the current call, penalized
  std::vector<bool> penalized_;        ///< [n_vocab] all false between calls
  std::vector<Candidate> candidates_;  ///< what the stages have left of the current call
};

}  // namespace runnel
