#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace runnel {

/// How weights are rounded to the nearest of a few integers.
struct RtnOptions {
  int bits = 4;           ///< 4 or 8
  int group_size = 32;    ///< weights that share a scale: 32, 64, 128, or -1: a whole row
  bool symmetric = true;  ///< integers around 0; else 0 … 2^bits - 1 around a zero point
};

/// Throws Error naming the option and what it may be.
void check(const RtnOptions& options);

/// What the integers of a group mean: value = scale · (q − zero).
struct RtnGroup {
  float scale = 0;  ///< 0 for a group of zeros
  int zero = 0;     ///< 0 when symmetric
};

/// Rounds one group to the nearest, ties to even; `q` takes as many integers as there are weights.
/// Symmetric: scale = max|w| / (2^(bits−1) − 1), q = round(w / scale).
/// Else: the range is widened to include 0, scale = (max − min) / (2^bits − 1), zero = round(−min / scale),
/// q = round(w / scale) + zero. Computed in double precision; the scale is rounded to float afterwards.
/// Throws Error when a weight is infinite or NaN.
RtnGroup quantize_rtn_group(std::span<const float> weights, const RtnOptions& options, std::span<std::int16_t> q);

/// A quantized matrix. A row that is no multiple of the group size ends in a shorter group.
struct RtnMatrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t group_size = 0;  ///< weights per group; the row's length when RtnOptions said -1
  std::int64_t groups_per_row = 0;
  std::vector<std::int16_t> q;   ///< [rows, columns]
  std::vector<RtnGroup> groups;  ///< [rows, groups_per_row]
};

/// `weights` is [rows, columns], row-major. Throws Error when an option is out of range or a weight is not finite.
RtnMatrix quantize_rtn(std::span<const float> weights, std::int64_t rows, std::int64_t columns,
                       const RtnOptions& options);

/// The values that the integers stand for, [rows, columns].
void dequantize_rtn(const RtnMatrix& matrix, std::span<float> values);

}  // namespace runnel
