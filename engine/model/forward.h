#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/aligned_buffer.h"
#include "kernels/kernels.h"
#include "model/attention_block.h"
#include "model/config.h"
#include "model/machine.h"
#include "model/matrix_products.h"
#include "model/mlp_block.h"
#include "model/rope.h"
#include "model/weights.h"
#include "threads/thread_pool.h"

namespace runnel {

/// The forward pass of a decoder: embedding; per layer attention over the cache and an MLP, with norms and joined to
/// the residual stream as the config's design says; norm, output matrix. Holds the buffers it works in. Not
/// thread-safe.
class Forward {
 public:
  /// `ctx_size` decides once what depends on the length of the context (see rope_frequencies). `bf16_tokens`: from so
  /// many tokens on, products go through oneDNN in bfloat16; 0: never.
  Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool, int ctx_size,
          int bf16_tokens);

  /// Evaluates the tokens that `plan` gave slots to and writes their keys and values. False when `cancelled` was found
  /// set between two layers: then the cache's slots hold nothing of use. `watch`: told where the last token looks.
  bool run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory, const std::atomic<bool>& cancelled,
           AttentionWatch* watch = nullptr);

  /// Logits after `count` tokens of the last run from `first` on; row r is `[r × logits_stride(), … + n_vocab)`. Valid
  /// until the next call.
  std::span<const float> logits(int first, int count);
  std::size_t logits_stride() const;

 private:
  void embed(std::span<const Token> tokens, const BatchPlan& plan);
  void run_layer(int layer, const BatchPlan& plan, KvMemory& memory, AttentionWatch* watch);
  const float* normalized(const NormWeights& norm, int tokens);
  void normalize_answer(const NormWeights& norm, int tokens, AlignedBuffer<float>& answer) const;
  void add_to_residual(AlignedBuffer<float>& answer, int tokens);
  void finish_logits(float* row) const;

  const Config& config_;
  const Weights& weights_;
  MatrixProducts products_;
  Machine machine_;
  AttentionBlock attention_;
  MlpBlock mlp_;
  std::vector<RotationTable> rotation_tables_;  ///< one for each of Config::ropes
  std::vector<RotationRows> rotations_;         ///< likewise, for the present batch
  std::size_t width_;                           ///< n_embd, padded

  AlignedBuffer<float> residual_;  ///< [tokens, n_embd]
  AlignedBuffer<float> normed_;    ///< [tokens, n_embd]
  AlignedBuffer<float> attended_;  ///< [tokens, width]
  AlignedBuffer<float> answered_;  ///< by the MLP, [tokens, width]
  AlignedBuffer<float> logits_;    ///< [tokens asked for, n_vocab padded]
};

}  // namespace runnel
