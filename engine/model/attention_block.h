#pragma once

#include <cstddef>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/aligned_buffer.h"
#include "kernels/attention.h"
#include "model/machine.h"

namespace runnel {

/// Queries, keys and values of a batch, the cache's new entries, attention over the cache, output matrix. Holds the
/// buffers it works in.
class AttentionBlock {
 public:
  explicit AttentionBlock(const Machine& machine);

  /// A batch follows, to be run through all layers.
  void begin(const BatchPlan& plan);

  /// x [tokens, n_embd] → out [tokens, n_embd padded]. `plan`: that of the batch. `rotations`: of the plan's positions,
  /// for this layer. `watch`: as in AttentionCall.
  void run(int layer, const LayerWeights& weights, const float* x, const BatchPlan& plan, KvMemory& memory,
           const RotationRows& rotations, AlignedBuffer<float>& out, AttentionWatch* watch);

 private:
  void adjust_queries_and_keys(const LayerWeights& weights, const BatchPlan& plan);
  void scale_query(int rank, float* row) const;
  void normalize_heads(const NormWeights& norm, int heads, float* row) const;
  void write_keys_and_values(int layer, const BatchPlan& plan, KvMemory& memory, const RotationRows& rotations);

  Machine machine_;
  const Config& config_;
  Attention attention_;
  std::vector<int> windows_;              ///< that layers have, each once
  std::vector<AttentionLayout> layouts_;  ///< of the present batch, for each of them
  std::vector<float> slopes_;             ///< ALiBi, [n_heads]; or empty
  std::size_t key_offset_;
  std::size_t value_offset_;
  std::size_t qkv_width_;              ///< query, key, value, each padded
  AlignedBuffer<float> qkv_;           ///< [tokens, qkv_width]
  AlignedBuffer<float> attended_;      ///< [tokens, n_heads × head_dim]
  AlignedBuffer<float> rotated_keys_;  ///< [threads, head_dim]
};

/// ALiBi's slopes for any number of heads (Press et al. 2021, section 3 and its authors' scheme for numbers that are no
/// power of two): 2^(−bias × i / n) for the largest power n of two up to `heads`, then those of 2n that are not among
/// them.
std::vector<float> alibi_slopes(int heads, float bias);

}  // namespace runnel
