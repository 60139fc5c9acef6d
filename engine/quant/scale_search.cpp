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

constexpr std::size_t lanes = 8;  // sums side by side, so that the compiler may use vector registers

/// Sums over a group that the best scale and offset, and their error, follow from.
struct Moments {
  double n = 0;
  double w = 0;
  double ww = 0;
  double q = 0;
  double qq = 0;
  double wq = 0;
};

float rounded(float weight, const GroupFit& fit, float inverse, IntegerRange range) {
  const float exact = (weight - fit.offset) * inverse;
  const float low = static_cast<float>(range.least);
  const float high = static_cast<float>(range.most);
  const float within = exact < low ? low : exact > high ? high : exact;
  constexpr float whole = 0x1.8p23F;  // as in rtn.cpp, for floats
  return within + whole - whole;
}

// Adds what the integers nearest to a fit give.
void add_integers(std::span<const float> weights, const GroupFit& fit, IntegerRange range, Moments& moments) {
  float q[lanes] = {};
  float qq[lanes] = {};
  float wq[lanes] = {};
  const float inverse = 1 / fit.scale;
  for (std::size_t i = 0; i + lanes <= weights.size(); i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const float integer = rounded(weights[i + lane], fit, inverse, range);
      q[lane] += integer;
      qq[lane] += integer * integer;
      wq[lane] += integer * weights[i + lane];
    }
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    moments.q += q[lane];
    moments.qq += qq[lane];
    moments.wq += wq[lane];
  }
}

// The scale, and the offset when not symmetric, with the least squared error (normal equations).
GroupFit solve(const Moments& m, bool symmetric) {
  if (symmetric) return {.scale = held(m.wq / m.qq)};
  const float scale = held((m.n * m.wq - m.w * m.q) / (m.n * m.qq - m.q * m.q));
  return {.scale = scale, .offset = held((m.w - scale * m.q) / m.n)};
}

// Of a fit with the same integers, as far as single precision goes.
double squared_error(const Moments& m, const GroupFit& fit) {
  const double s = fit.scale;
  const double o = fit.offset;
  return m.ww - 2 * s * m.wq - 2 * o * m.w + s * s * m.qq + 2 * s * o * m.q + o * o * m.n;
}

// Where the search begins: each is refined by `solve`.
std::vector<GroupFit> candidates(std::span<const float> weights, bool symmetric, IntegerRange range) {
  const auto [min, max] = std::ranges::minmax(weights);
  const auto steps = static_cast<float>(range.most - range.least);
  std::vector<GroupFit> all;
  if (symmetric) {
    const float extreme = -min > max ? min : max;
    for (int i = -4; i <= 4; ++i) {  // ± 2.25 steps at the extreme
      const float stretch = 1 + static_cast<float>(i) * 0.5625F / steps;
      all.push_back({.scale = extreme / static_cast<float>(range.least) * stretch});
      all.push_back({.scale = extreme / static_cast<float>(range.most) * stretch});
    }
    return all;
  }
  const float cut = (max - min) * 0.6F / steps;
  for (int low = 0; low < 5; ++low) {
    for (int high = 0; high < 5; ++high) {  // up to 2.4 steps off either end
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
  Moments group{.n = static_cast<double>(weights.size())};
  for (const float weight : weights) {
    group.w += weight;
    group.ww += static_cast<double>(weight) * weight;
  }
  std::vector<std::int16_t> integers(weights.size());
  for (GroupFit candidate : candidates(weights, symmetric, range)) {
    constexpr int refinements = 2;
    for (int i = 0; i < refinements && usable(candidate); ++i) {
      const GroupFit before = candidate;
      Moments moments = group;
      add_integers(weights, before, range, moments);
      candidate = solve(moments, symmetric);
      if (!usable(candidate) || squared_error(moments, candidate) >= least) continue;
      const float inverse = 1 / before.scale;
      for (std::size_t k = 0; k < weights.size(); ++k)
        integers[k] = static_cast<std::int16_t>(rounded(weights[k], before, inverse, range));
      const double error = squared_error(weights, integers, candidate);
      if (error >= least) continue;
      least = error;
      fit = candidate;
      std::ranges::copy(integers, q.begin());
    }
  }
}

}  // namespace runnel
