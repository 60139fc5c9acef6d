#pragma once

#include <cstdint>
#include <span>

namespace runnel {

/// How a group of weights is held: weight ≈ scale · q + offset, scale and offset exactly representable in f16.
struct GroupFit {
  float scale = 0;
  float offset = 0;  ///< 0 when symmetric
};

/// The integers that a group may use.
struct IntegerRange {
  int least;
  int most;
};

/// Sum of the squares of weight − (scale · q + offset).
double squared_error(std::span<const float> weights, std::span<const std::int16_t> q, const GroupFit& fit);

/// Lowers the squared error of a group that `fit` and `q` already hold: tries scales around those that map the largest
/// magnitude to either end of `range` (symmetric), or ranges that leave out some of the extremes (asymmetric), rounds
/// the weights to each, solves for the scale (and offset) that suits these integers best, and keeps what has the least
/// error; `fit` and `q` stay when nothing is better. The weights are finite, and a multiple of 8.
void search_scale(std::span<const float> weights, bool symmetric, IntegerRange range, GroupFit& fit,
                  std::span<std::int16_t> q);

}  // namespace runnel
