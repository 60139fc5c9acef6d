#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cache/kv_memory.h"
#include "kernels/aligned_buffer.h"
#include "kernels/attention_layout.h"
#include "kernels/attention_watch.h"
#include "kernels/kernels.h"
#include "threads/thread_pool.h"

namespace runnel {

/// cos and sin of the rotation angles, one row for each of a batch's positions.
struct RotationRows {
  const float* cos = nullptr;  ///< [positions, pairs]
  const float* sin = nullptr;
  int pairs = 0;  ///< half of the dimensions that are rotated; 0: none are

  RotationRow row(int position) const {
    const std::size_t at = static_cast<std::size_t>(position) * static_cast<std::size_t>(pairs);
    return {.cos = cos + at, .sin = sin + at, .pairs = pairs};
  }
};

/// One layer's attention of a batch.
struct AttentionCall {
  const float* queries = nullptr;  ///< [tokens, stride]: heads × head_dim, not rotated
  std::size_t query_stride = 0;
  float* out = nullptr;  ///< [tokens, heads × head_dim]
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  float scale = 1;                  ///< of the scores
  float soft_cap = 0;               ///< of the scores: cap × tanh(score / cap), before ALiBi; 0: none
  std::span<const float> slopes{};  ///< ALiBi, [heads]; empty: none
  RotationRows rotations;
  const AttentionLayout* layout = nullptr;  ///< of the batch and the layer's window
  const KvMemory* memory = nullptr;
  int layer = 0;
  AttentionWatch* watch = nullptr;  ///< told where the last token looks; null: nobody watches
};

/// Attention over the runs of the cache in one pass with a running maximum and sum (online softmax, Milakov and
/// Gimelshein 2018), so that no row of scores as long as the cache is ever held. Keys are taken in the order of their
/// slots, a chunk of neighbours at a time, whatever runs they belong to; what a run costs besides is a rotation of the
/// query. K is never touched.
class Attention {
 public:
  Attention(const Kernels& kernels, ThreadPool& pool);
  ~Attention();
  void run(const AttentionCall& call);

  /// Tokens of an AttentionLayout's block, for a model with so many heads.
  static int block_tokens(int heads, int kv_heads);

 private:
  struct Scratch;
  struct Task;
  using Pieces = std::span<const AttentionLayout::Piece>;

  void prepare(const AttentionCall& call, int parts);
  void attend(const AttentionCall& call, const Task& task, Scratch& scratch) const;
  void add_chunk(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t chunk) const;
  void rotate_queries(const AttentionCall& call, const Task& task, Scratch& scratch,
                      const AttentionLayout::Scoring& scoring) const;
  static void fill_holes(Pieces pieces, int rows, Scratch& scratch);
  void adjust_scores(const AttentionCall& call, const Task& task, Scratch& scratch, Pieces pieces, int row) const;
  void weigh_scores(const AttentionCall& call, const Task& task, Scratch& scratch, Pieces pieces, int row) const;
  void finish(const AttentionCall& call, const Task& task, Scratch& scratch);
  static bool is_watched(const AttentionCall& call, const Task& task, int row);
  void merge(const AttentionCall& call, int parts);

  const Kernels& kernels_;
  ThreadPool& pool_;
  std::vector<Scratch> scratch_;   ///< one for each thread
  AlignedBuffer<float> partials_;  ///< [kv_heads, parts, rows, head_dim + 2]
};

}  // namespace runnel
