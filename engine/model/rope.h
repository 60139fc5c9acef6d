#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/attention.h"
#include "model/config.h"
#include "threads/thread_pool.h"

namespace runnel {

/// Rotation angles per position, [dimensions / 2], after the scaling that `config` asks for. `divisors`, when given,
/// [dimensions / 2] (GGUF's rope_freqs.weight), divide the unscaled frequencies instead.
/// Linear: Chen et al. 2023, arXiv 2306.15595; yarn: Peng et al. 2023, arXiv 2309.00071, section 3; llama3: the scheme
/// published with Llama 3.1.
std::vector<double> rope_frequencies(const RopeConfig& config, std::span<const float> divisors = {});

/// What cos and sin are multiplied with (yarn's attention factor, else 1).
double rope_amplitude(const RopeConfig& config);

/// cos and sin for the positions of a batch. Angles are computed in double, so that nothing drifts however long a
/// conversation lasts.
class RotationTable {
 public:
  RotationTable(std::vector<double> frequencies, double amplitude)
      : frequencies_(std::move(frequencies)), amplitude_(amplitude) {}

  /// Valid until the next call.
  RotationRows rows(std::span<const std::int64_t> positions, ThreadPool& pool);

 private:
  std::vector<double> frequencies_;
  double amplitude_;
  AlignedBuffer<float> cos_;  ///< [positions, pairs]
  AlignedBuffer<float> sin_;
};

}  // namespace runnel
