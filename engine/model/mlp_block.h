#pragma once

#include <cstddef>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "model/machine.h"

namespace runnel {

/// The feed-forward part of a layer: one MLP, or a mixture of experts. Holds the buffers it works in.
class MlpBlock {
 public:
  explicit MlpBlock(const Machine& machine);

  /// x [tokens, n_embd] → out [tokens, n_embd padded].
  void run(const LayerWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out);

 private:
  /// A token that one expert is to see, and how much its answer counts.
  struct Share {
    int token;
    float weight;
  };

  void run_one(const MlpWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out);
  void run_experts(const LayerWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out);
  void choose_experts(const Linear& router, const float* x, int tokens);
  void run_expert(const MlpWeights& weights, const std::vector<Share>& shares, const float* x, float* out);

  Machine machine_;
  const Config& config_;
  std::size_t ff_width_;                    ///< n_ff, padded
  AlignedBuffer<float> gate_up_;            ///< [tokens, 2 × ff_width], or ff_width where there is no gate
  AlignedBuffer<float> hidden_;             ///< [tokens, n_ff]
  AlignedBuffer<float> routed_;             ///< [tokens, n_experts padded]
  std::vector<std::vector<Share>> shares_;  ///< [n_experts]
  AlignedBuffer<float> gathered_;           ///< [tokens of one expert, n_embd]
  AlignedBuffer<float> answers_;            ///< [tokens of one expert, n_embd padded]
};

}  // namespace runnel
