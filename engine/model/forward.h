#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/aligned_buffer.h"
#include "kernels/attention.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/rope.h"
#include "model/weights.h"
#include "threads/thread_pool.h"

namespace runnel {

/// The forward pass of a decoder: embedding; per layer norm, attention over the cache, norm, gated MLP, each added to
/// the residual stream; norm, output matrix. Holds the buffers it works in. Not thread-safe.
class Forward {
 public:
  Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool);

  /// Evaluates the tokens that `plan` gave slots to and writes their keys and values. False when `cancelled` was found
  /// set between two layers: then the cache's slots hold nothing of use.
  bool run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory, const std::atomic<bool>& cancelled);

  /// Logits [n_vocab] after one token of the last run; valid until the next call.
  std::span<const float> logits(int token);

 private:
  struct Product {
    const Linear* linear;
    std::size_t offset;  ///< where its outputs begin in a row of `out`
  };

  void embed(std::span<const Token> tokens);
  void attention_block(int layer, const BatchPlan& plan, KvMemory& memory, const RotationRows& rotations);
  void mlp_block(const LayerWeights& layer, int tokens);
  void write_keys_and_values(int layer, const BatchPlan& plan, KvMemory& memory, const RotationRows& rotations);
  void normalize(const std::vector<float>& weight, int tokens);
  Activations activations(const AlignedBuffer<float>& values, int columns, int tokens, bool integer);
  void multiply(std::span<const Product> products, const Activations& x, int tokens, AlignedBuffer<float>& out,
                std::size_t stride);
  void add_to_residual(int tokens);
  void for_tokens(int tokens, const std::function<void(int)>& job);

  const Config& config_;
  const Weights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Attention attention_;
  RotationTable rotation_table_;
  std::size_t width_;      ///< n_embd, padded to a multiple of 16
  std::size_t qkv_width_;  ///< query, key, value, each padded
  std::size_t key_offset_;
  std::size_t value_offset_;
  std::size_t ff_width_;   ///< n_ff, padded

  AlignedBuffer<float> residual_;    ///< [tokens, n_embd]
  AlignedBuffer<float> normed_;      ///< [tokens, n_embd]
  AlignedBuffer<float> qkv_;         ///< [tokens, qkv_width]
  AlignedBuffer<float> attended_;    ///< [tokens, n_heads × head_dim]
  AlignedBuffer<float> gate_up_;     ///< [tokens, 2 × ff_width]
  AlignedBuffer<float> hidden_;      ///< [tokens, n_ff]
  AlignedBuffer<float> projected_;   ///< [tokens, width]
  AlignedBuffer<float> logits_;      ///< [n_vocab, padded]
  AlignedBuffer<std::int8_t> quants_;
  AlignedBuffer<float> scales_;
  AlignedBuffer<std::int32_t> sums_;
  AlignedBuffer<float> rotated_keys_;  ///< [threads, head_dim]
};

}  // namespace runnel
