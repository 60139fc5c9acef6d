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

/// Rotation angles per position, [dimensions / 2], after the scaling that `config` asks for. What depends on the length
/// of the context is decided by `ctx_size`: longrope's long divisors where it exceeds the original context, dynamic
/// NTK's base. Linear: Chen et al. 2023, arXiv 2306.15595; yarn: Peng et al. 2023, arXiv 2309.00071, section 3; llama3:
/// the scheme published with Llama 3.1; longrope: Ding et al. 2024, arXiv 2402.13753; dynamic NTK: as transformers
/// computes it.
std::vector<double> rope_frequencies(const RopeConfig& config, int ctx_size);

/// The trained context, in tokens, where yarn says to what it was stretched; `stated` else.
int context_after_scaling(const RopeConfig& config, int stated);

/// Whether keys that were rotated for one ctx_size are right for another.
bool rotates_alike(const Config& config, int ctx_size, int other_ctx_size);

/// What cos and sin are multiplied with (the attention factor of yarn and longrope, else 1).
double rope_amplitude(const RopeConfig& config);

/// cos and sin for the positions of a batch. Angles are computed in double, so that nothing drifts however long a
/// conversation lasts. Rows that the batch before had in the same place are not computed anew: what pins need stays the
/// same from token to token.
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
  std::vector<std::int64_t> present_;  ///< positions whose rows these are
};

}  // namespace runnel
