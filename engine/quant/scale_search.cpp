#include "quant/scale_search.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/half.h"

namespace runnel {
namespace {

float held(double value) {
  return f16_to_f32(f32_to_f16(static_cast<float>(value)));
}

bool usable(const GroupFit& fit) {
  constexpr float least_half = 0x1p-24F;
  return std::isfinite(fit.scale) && std::isfinite(fit.offset) && std::abs(fit.scale) >= least_half;
}

void round_to(std::span<const float> weights, const GroupFit& fit, IntegerRange range, std::span<std::int16_t> q) {
  const float inverse = 1 / fit.scale;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float exact = std::clamp((weights[i] - fit.offset) * inverse, static_cast<float>(range.least),
                                   static_cast<float>(range.most));
    constexpr float whole = 0x1.8p23F;  // as in rtn.cpp, for floats
    q[i] = static_cast<std::int16_t>(exact + whole - whole);
  }
}

// The scale, and the offset when not symmetric, with the least squared error for given integers (normal equations).
GroupFit solve(std::span<const float> weights, std::span<const std::int16_t> q, bool symmetric) {
  double sum_w = 0;
  double sum_q = 0;
  double sum_wq = 0;
  double sum_qq = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double w = weights[i];
    const double integer = q[i];
    sum_w += w;
    sum_q += integer;
    sum_wq += w * integer;
    sum_qq += integer * integer;
  }
  if (symmetric) return {.scale = held(sum_wq / sum_qq)};
  const auto n = static_cast<double>(weights.size());
  const GroupFit fit{.scale = held((n * sum_wq - sum_w * sum_q) / (n * sum_qq - sum_q * sum_q))};
  return {.scale = fit.scale, .offset = held((sum_w - fit.scale * sum_q) / n)};
}

// Where the search begins: each is refined by `solve`.
std::vector<GroupFit> candidates(std::span<const float> weights, bool symmetric, IntegerRange range) {
  const auto [min, max] = std::ranges::minmax(weights);
  const auto steps = static_cast<float>(range.most - range.least);
  std::vector<GroupFit> all;
  if (symmetric) {
    const float extreme = -min > max ? min : max;
    for (int i = -12; i <= 12; ++i) {  // ± 2.25 steps at the extreme
      const float stretch = 1 + static_cast<float>(i) * 0.1875F / steps;
      all.push_back({.scale = extreme / static_cast<float>(range.least) * stretch});
      all.push_back({.scale = extreme / static_cast<float>(range.most) * stretch});
    }
    return all;
  }
  const float cut = (max - min) * 0.45F / steps;
  for (int low = 0; low < 7; ++low) {
    for (int high = 0; high < 7; ++high) {  // up to 2.7 steps off either end
      const float from = min + cut * static_cast<float>(low);
      const float to = max - cut * static_cast<float>(high);
      const float scale = (to - from) / steps;
      all.push_back({.scale = scale, .offset = from - scale * static_cast<float>(range.least)});
    }
  }
  return all;
}

}  // namespace

double squared_error(std::span<const float> weights, std::span<const std::int16_t> q, const GroupFit& fit) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double off = weights[i] - (static_cast<double>(fit.scale) * q[i] + fit.offset);
    sum += off * off;
  }
  return sum;
}

void search_scale(std::span<const float> weights, bool symmetric, IntegerRange range, GroupFit& fit,
                  std::span<std::int16_t> q) {
  double least = squared_error(weights, q, fit);
  std::vector<std::int16_t> integers(weights.size());
  for (GroupFit candidate : candidates(weights, symmetric, range)) {
    constexpr int refinements = 2;
    for (int i = 0; i < refinements && usable(candidate); ++i) {
      round_to(weights, candidate, range, integers);
      candidate = solve(weights, integers, symmetric);
      if (!usable(candidate)) break;
      const double error = squared_error(weights, integers, candidate);
      if (error >= least) continue;
      least = error;
      fit = candidate;
      std::ranges::copy(integers, q.begin());
    }
  }
}

}  // namespace runnel
