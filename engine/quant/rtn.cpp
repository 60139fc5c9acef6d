#include "quant/rtn.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runnel/error.h"

namespace runnel {
namespace {

/// To the nearest, ties to even, for magnitudes below 2^31. From 2^52 on, doubles are whole numbers: adding 1.5 · 2^52
/// rounds as the processor does (the default mode, which nothing of ours changes), and vectorizes where nearbyint
/// does not.
int round_to_int(double value) {
  constexpr double whole = 0x1.8p52;
  return static_cast<int>(value + whole - whole);
}

struct Range {
  double min;
  double max;
};

/// Range of the weights and 0.
Range range_of(std::span<const float> weights) {
  float min = 0;
  float max = 0;
  bool finite = true;
  for (const float weight : weights) {
    finite &= std::abs(weight) <= std::numeric_limits<float>::max();
    min = std::min(min, weight);
    max = std::max(max, weight);
  }
  if (!finite) {
    const auto bad = std::ranges::find_if(weights, [](float weight) { return !std::isfinite(weight); });
    throw Error(fmt::format("A weight is {}, expected a finite number.", *bad));
  }
  return {min, max};
}

}  // namespace

void check(const RtnOptions& options) {
  if (options.bits != 4 && options.bits != 8) {
    throw Error(fmt::format("Weights can't be rounded to {} bits, expected 4 or 8.", options.bits));
  }
  constexpr int sizes[] = {32, 64, 128, -1};
  if (std::ranges::find(sizes, options.group_size) == std::end(sizes)) {
    throw Error(
        fmt::format("The group size can't be {}, expected 32, 64, 128, or -1 for whole rows.", options.group_size));
  }
}

RtnGroup quantize_rtn_group(std::span<const float> weights, const RtnOptions& options, std::span<std::int16_t> q) {
  const Range range = range_of(weights);
  const int largest = options.symmetric ? (1 << (options.bits - 1)) - 1 : (1 << options.bits) - 1;
  const int smallest = options.symmetric ? -largest : 0;
  const double width = options.symmetric ? std::max(-range.min, range.max) : range.max - range.min;
  const double scale = width / largest;
  if (scale == 0) {
    std::ranges::fill(q, std::int16_t{0});
    return {};
  }
  const int zero = options.symmetric ? 0 : round_to_int(-range.min / scale);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    q[i] = static_cast<std::int16_t>(std::clamp(round_to_int(weights[i] / scale) + zero, smallest, largest));
  }
  return {.scale = static_cast<float>(scale), .zero = zero};
}

RtnMatrix quantize_rtn(std::span<const float> weights, std::int64_t rows, std::int64_t columns,
                       const RtnOptions& options) {
  check(options);
  if (rows < 0 || columns < 1 || weights.size() != static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {
    throw Error(fmt::format("{} weights are no matrix of {} rows of {}.", weights.size(), rows, columns));
  }
  RtnMatrix matrix{.rows = rows, .columns = columns, .q = std::vector<std::int16_t>(weights.size()), .groups = {}};
  matrix.group_size = options.group_size == -1 ? columns : options.group_size;
  matrix.groups_per_row = (columns + matrix.group_size - 1) / matrix.group_size;
  matrix.groups.reserve(static_cast<std::size_t>(rows * matrix.groups_per_row));
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t first = 0; first < columns; first += matrix.group_size) {
      const auto offset = static_cast<std::size_t>(row * columns + first);
      const auto length = static_cast<std::size_t>(std::min(matrix.group_size, columns - first));
      matrix.groups.push_back(
          quantize_rtn_group(weights.subspan(offset, length), options, std::span(matrix.q).subspan(offset, length)));
    }
  }
  return matrix;
}

void dequantize_rtn(const RtnMatrix& matrix, std::span<float> values) {
  if (values.size() != matrix.q.size()) {
    throw Error(fmt::format("{} quantized weights can't be written to {} values.", matrix.q.size(), values.size()));
  }
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    for (std::int64_t column = 0; column < matrix.columns; ++column) {
      const auto i = static_cast<std::size_t>(row * matrix.columns + column);
      const RtnGroup& group =
          matrix.groups[static_cast<std::size_t>(row * matrix.groups_per_row + column / matrix.group_size)];
      values[i] = group.scale * static_cast<float>(matrix.q[i] - group.zero);
    }
  }
}

}  // namespace runnel
