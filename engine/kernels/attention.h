#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/aligned_buffer.h"
#include "kernels/attention_watch.h"
#include "kernels/kernels.h"
#include "threads/thread_pool.h"

namespace runnel {

/// cos and sin of the rotation angles, one row for each of a batch's positions.
struct RotationRows {
  const float* cos = nullptr;  ///< [positions, pairs]
  const float* sin = nullptr;
  int pairs = 0;  ///< half of the dimensions that are rotated; 0: none are
};

/// out = x rotated: dimension i with dimension i + pairs (RoPE, Su et al. 2021, eq. 34, halves); the rest is copied.
void rotate(const float* x, int head_dim, const RotationRows& rows, std::size_t row, float scale, float* out);

/// One layer's attention of a batch.
struct AttentionCall {
  const float* queries = nullptr;  ///< [tokens, stride]: heads × head_dim, not rotated
  std::size_t query_stride = 0;
  float* out = nullptr;  ///< [tokens, heads × head_dim]
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  float scale = 1;                  ///< of the scores
  int window = 0;                   ///< keys at cache-relative distance < window are seen; 0: all
  float soft_cap = 0;               ///< of the scores: cap × tanh(score / cap), before ALiBi; 0: none
  std::span<const float> slopes{};  ///< ALiBi, [heads]; empty: none
  RotationRows rotations;
  const BatchPlan* plan = nullptr;
  const KvMemory* memory = nullptr;
  int layer = 0;
  AttentionWatch* watch = nullptr;  ///< told where the last token looks; null: nobody watches
};

/// Attention over the runs of the cache in one pass with a running maximum and sum (online softmax, Milakov and
/// Gimelshein 2018), so that no row of scores as long as the cache is ever held. A query is rotated once for each
/// distinct gap between runs; K is never touched.
class Attention {
 public:
  Attention(const Kernels& kernels, ThreadPool& pool);
  ~Attention();
  void run(const AttentionCall& call);

 private:
  struct Scratch;
  struct Task;
  struct Partial;

  void prepare(const AttentionCall& call, int parts);
  void attend(const AttentionCall& call, const Task& task, Scratch& scratch) const;
  static void collect_views(const AttentionCall& call, const Task& task, Scratch& scratch);
  static int collect_ranges(const AttentionCall& call, const Task& task, Scratch& scratch);
  void rotate_queries(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t span) const;
  void add_chunk(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t span, int slot,
                 int count) const;
  void finish(const AttentionCall& call, const Task& task, Scratch& scratch);
  static bool is_watched(const AttentionCall& call, const Task& task, int row);
  void merge(const AttentionCall& call, int parts);

  const Kernels& kernels_;
  ThreadPool& pool_;
  std::vector<Scratch> scratch_;   ///< one for each thread
  AlignedBuffer<float> partials_;  ///< [kv_heads, parts, rows, head_dim + 2]
};

}  // namespace runnel
