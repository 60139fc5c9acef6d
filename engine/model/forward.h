#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/aligned_buffer.h"
#include "kernels/attention.h"
#include "kernels/kernels.h"
#include "kernels/onednn/bf16_matmul.h"
#include "model/config.h"
#include "model/rope.h"
#include "model/weights.h"
#include "threads/thread_pool.h"

namespace runnel {

/// The forward pass of a decoder: embedding; per layer norm, attention over the cache, norm, gated MLP, each added to
/// the residual stream; norm, output matrix. Holds the buffers it works in. Not thread-safe.
class Forward {
 public:
  /// `bf16_tokens`: from so many tokens on, products go through oneDNN in bfloat16; 0: never.
  Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool, int bf16_tokens);

  /// Evaluates the tokens that `plan` gave slots to and writes their keys and values. False when `cancelled` was found
  /// set between two layers: then the cache's slots hold nothing of use.
  bool run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory, const std::atomic<bool>& cancelled);

  /// Logits after `count` tokens of the last run from `first` on; row r is `[r × logits_stride(), … + n_vocab)`. Valid
  /// until the next call.
  std::span<const float> logits(int first, int count);
  std::size_t logits_stride() const;

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
  void multiply(std::span<const Product> products, const AlignedBuffer<float>& x, int tokens, AlignedBuffer<float>& out,
                std::size_t stride);
  Activations activations(const AlignedBuffer<float>& values, int columns, int tokens, bool integer);
  void multiply_bf16(std::span<const Product> products, const float* x, int tokens, AlignedBuffer<float>& out,
                     std::size_t stride);
  void add_bias(const Product& product, int first, int last, int tokens, float* out, std::size_t stride) const;
  void add_to_residual(int tokens);
  void for_tokens(int tokens, const std::function<void(int)>& job);

  const Config& config_;
  const Weights& weights_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Attention attention_;
  RotationTable rotation_table_;
  int bf16_tokens_;
  std::unique_ptr<Bf16Matmul> bf16_matmul_;
  std::size_t width_;      ///< n_embd, padded to a multiple of 16
  std::size_t qkv_width_;  ///< query, key, value, each padded
  std::size_t key_offset_;
  std::size_t value_offset_;
  std::size_t ff_width_;  ///< n_ff, padded

  AlignedBuffer<float> residual_;   ///< [tokens, n_embd]
  AlignedBuffer<float> normed_;     ///< [tokens, n_embd]
  AlignedBuffer<float> qkv_;        ///< [tokens, qkv_width]
  AlignedBuffer<float> attended_;   ///< [tokens, n_heads × head_dim]
  AlignedBuffer<float> gate_up_;    ///< [tokens, 2 × ff_width]
  AlignedBuffer<float> hidden_;     ///< [tokens, n_ff]
  AlignedBuffer<float> projected_;  ///< [tokens, width]
  AlignedBuffer<float> logits_;     ///< [tokens asked for, n_vocab padded]
  AlignedBuffer<std::int8_t> quants_;
  AlignedBuffer<float> scales_;
  AlignedBuffer<std::int32_t> sums_;
  AlignedBuffer<float> scaled_sums_;
  AlignedBuffer<std::uint16_t> bf16_;  ///< [tokens, columns]
  AlignedBuffer<float> rotated_keys_;  ///< [threads, head_dim]
};

}  // namespace runnel
