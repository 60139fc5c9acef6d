#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/aligned_buffer.h"
#include "kernels/kernels.h"
#include "kernels/onednn/bf16_matmul.h"
#include "model/weights.h"
#include "threads/thread_pool.h"

namespace runnel {

/// Products of weight matrices and activations on all threads, in the form that the weights' packing asks for.
class MatrixProducts {
 public:
  struct Product {
    const Linear* linear;
    std::size_t offset;  ///< where its outputs begin in a row of `out`
  };

  /// `bf16_tokens`: from so many tokens on, products go through oneDNN in bfloat16; 0: never. Those with integer
  /// weights alone, unless `bf16_always`: the exact path stays exact.
  MatrixProducts(const Kernels& kernels, ThreadPool& pool, int bf16_tokens, bool bf16_always);

  /// out[t] = W x[t] + bias for matrices that read the same activations, x [tokens, columns], as one job shared out by
  /// groups of rows. `stride`: length of a row of `out`, which grows as needed.
  void multiply(std::span<const Product> products, const float* x, int tokens, AlignedBuffer<float>& out,
                std::size_t stride);

  /// The same for one matrix without a bias, never in bfloat16.
  void multiply(const PackedMatrix& matrix, const float* x, int tokens, AlignedBuffer<float>& out, std::size_t stride);

 private:
  Activations activations(const float* values, int columns, int tokens, bool integer);
  void multiply_bf16(std::span<const Product> products, const float* x, int tokens, AlignedBuffer<float>& out,
                     std::size_t stride);
  void add_bias(const Product& product, int first, int last, int tokens, float* out, std::size_t stride) const;

  const Kernels& kernels_;
  ThreadPool& pool_;
  int bf16_tokens_;
  bool bf16_always_;
  std::unique_ptr<Bf16Matmul> bf16_matmul_;
  AlignedBuffer<std::int8_t> quants_;
  AlignedBuffer<float> scales_;
  AlignedBuffer<std::int32_t> sums_;
  AlignedBuffer<float> scaled_sums_;
  AlignedBuffer<std::uint16_t> bf16_;  ///< [tokens, columns]
};

}  // namespace runnel
