#include "runnel/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runnel/error.h"

namespace runnel {
namespace {

/// Below this, e to the power of the smallest difference of two logits around 1 is as good as 0.
constexpr float kGreedyBelow = 1e-5F;
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kImpossible = -std::numeric_limits<float>::infinity();

std::uint64_t seed_of(const SamplerSettings& settings) {
  if (settings.seed) return *settings.seed;
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32U | device();
}

/// Uniform in [0, 1), all 53 bits of a double.
double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11U) * 0x1p-53;
}

}  // namespace

bool Sampler::ranks_before(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

Sampler::Sampler(const SamplerSettings& settings) : settings_(settings), seed_(seed_of(settings)), random_(seed_) {
  validate(settings);
}

void Sampler::accept(Token token) {
  const int window = settings_.repetition_window;
  if (token < 0 || window == 0) return;
  if (window < 0) {
    const auto index = static_cast<std::size_t>(token);
    if (index >= seen_.size()) seen_.resize(index + 1);
    if (!seen_[index]) recent_.push_back(token);
    seen_[index] = true;
  } else if (recent_.size() < static_cast<std::size_t>(window)) {
    recent_.push_back(token);
  } else {
    recent_[oldest_] = token;
    oldest_ = (oldest_ + 1) % recent_.size();
  }
}

Token Sampler::sample(std::span<const float> logits) {
  read(logits);
  penalize();
  if (settings_.temperature < kGreedyBelow) {
    return static_cast<Token>(std::ranges::max_element(logits_) - logits_.begin());
  }
  candidates_.clear();
  for (std::size_t id = 0; id < logits_.size(); ++id) {
    if (logits_[id] != kImpossible) candidates_.push_back({logits_[id], static_cast<Token>(id)});
  }
  keep_top_k();
  keep_top_p();
  keep_min_p();
  return draw();
}

void Sampler::read(std::span<const float> logits) {
  logits_.resize(logits.size());
  penalized_.resize(logits.size());
  candidates_.reserve(logits.size());
  bool any_finite = false;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const float logit = logits[id];
    any_finite |= std::isfinite(logit);
    logits_[id] = std::isnan(logit) ? kImpossible : std::min(logit, kLargest);
  }
  if (!any_finite) {
    throw Error("The model's output is not a number for any token: its file is damaged or it does not fit the engine.");
  }
}

void Sampler::penalize() {
  if (settings_.repetition_penalty == 1.0F) return;
  const auto in_range = [&](Token token) { return static_cast<std::size_t>(token) < logits_.size(); };
  for (const Token token : recent_) {
    if (!in_range(token) || penalized_[token] || logits_[token] == kImpossible) continue;
    penalized_[token] = true;
    float& logit = logits_[token];
    logit = logit > 0 ? logit / settings_.repetition_penalty : logit * settings_.repetition_penalty;
    logit = std::clamp(logit, -kLargest, kLargest);
  }
  for (const Token token : recent_) {
    if (in_range(token)) penalized_[token] = false;
  }
}

void Sampler::keep_top_k() {
  if (settings_.top_k <= 0 || static_cast<std::size_t>(settings_.top_k) >= candidates_.size()) return;
  const auto end = candidates_.begin() + settings_.top_k;
  // A heap of the best is quicker than partitioning all only while it is small.
  if (settings_.top_k < std::ssize(candidates_) / 64) {
    std::partial_sort(candidates_.begin(), end, candidates_.end(), ranks_before);
  } else {
    std::nth_element(candidates_.begin(), end, candidates_.end(), ranks_before);
  }
  candidates_.erase(end, candidates_.end());
}

void Sampler::keep_top_p() {
  if (settings_.top_p >= 1.0F) return;
  const float best = std::ranges::min(candidates_, ranks_before).logit;
  const auto mass = [&](auto first, auto last) {
    double sum = 0;
    for (; first != last; ++first) sum += std::exp(first->logit - best);
    return sum;
  };
  // Bisection by rank, linear in all: what comes before `low` is kept, what comes from `high` on is not.
  auto low = candidates_.begin();
  auto high = candidates_.end();
  double missing = settings_.top_p * mass(low, high);
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    std::nth_element(low, middle, high, ranks_before);
    const double upper = mass(low, middle);
    if (upper >= missing) {
      high = middle;
    } else {
      missing -= upper;
      low = middle;
    }
  }
  candidates_.erase(high, candidates_.end());
}

void Sampler::keep_min_p() {
  if (settings_.min_p <= 0.0F) return;
  const double best = std::ranges::min(candidates_, ranks_before).logit;
  const double least = best + std::log(static_cast<double>(settings_.min_p));
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.logit < least; });
}

Token Sampler::draw() {
  const Candidate best = std::ranges::min(candidates_, ranks_before);
  const auto weight = [&](const Candidate& c) { return std::exp((c.logit - best.logit) / settings_.temperature); };
  double total = 0;
  for (const Candidate& candidate : candidates_) total += weight(candidate);
  double left = uniform(random_) * total;
  Token drawn = best.id;
  for (const Candidate& candidate : candidates_) {
    const float share = weight(candidate);
    if (share <= 0.0F) continue;
    drawn = candidate.id;  // the last one stands if rounding keeps the shares from reaching the total
    left -= share;
    if (left < 0) break;
  }
  return drawn;
}

}  // namespace runnel
