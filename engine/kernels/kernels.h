#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa_levels.h"
#include "kernels/packing.h"

namespace runnel {

/// Activations of `m` tokens as the integer kernels take them: per token and block of 32 columns,
/// x ≈ scale × q with q = round(x / scale), scale = absmax / 127.
struct QuantizedRows {
  std::int8_t* quants = nullptr;  ///< [m, columns]
  float* scales = nullptr;        ///< [m, columns / 32]
  std::int32_t* sums = nullptr;   ///< [m, columns / 32]: sum of the block's quants
};

/// What a matrix product reads, in the form its packing asks for.
struct Activations {
  const float* values = nullptr;  ///< [m, columns], for f16, bf16, f32
  QuantizedRows quantized;        ///< for int4 and int8
};

/// Keys in groups of 16 slots, [slots / 16][head_dim][16], values [slots][head_dim], both f16 or f32.
struct KvView {
  const void* keys = nullptr;
  const void* values = nullptr;
  int head_dim = 0;
};

/// One instruction level's operations. The scalar level is the definition; the others fill in what they do better, and
/// every one is tested against it. No operation allocates, locks or throws.
struct Kernels {
  Isa isa;

  /// out[t][row] = Σ_c weights[row][c] × x[t][c] for tokens t in [0, m) and the 16 rows of groups [first, last).
  /// `out` is [m, stride], stride a multiple of 16 that covers all groups.
  void (*matmul)(const PackedView& weights, int first, int last, const Activations& x, int m, float* out,
                 std::size_t stride);

  /// Quantizes one token's activations (`columns` a multiple of 32) into row `row` of `out`.
  void (*quantize_row)(const float* x, int columns, QuantizedRows out, int row);

  /// RMSNorm (Zhang and Sennrich 2019): out = x / sqrt(mean(x²) + epsilon) × weight.
  void (*rms_norm)(const float* x, const float* weight, int n, float epsilon, float* out);

  /// out = silu(gate) × up (Shazeer 2020, SwiGLU); may be in place.
  void (*silu_mul)(const float* gate, const float* up, int n, float* out);

  /// x += y.
  void (*add)(const float* y, int n, float* x);

  /// scores[r][j] = q[r] · key(slot + j) for rows r in [0, rows), j in [0, count). q is [rows, head_dim], scores
  /// [rows, stride]. `_f16`, `_f32`: type of the keys.
  void (*scores_f16)(const float* q, int rows, const KvView& kv, int slot, int count, float* scores, std::size_t stride);
  void (*scores_f32)(const float* q, int rows, const KvView& kv, int slot, int count, float* scores, std::size_t stride);

  /// out[r] += Σ_j weights[r][j] × value(slot + j); weights [rows, stride], out [rows, head_dim].
  void (*accumulate_f16)(const float* weights, std::size_t stride, int rows, const KvView& kv, int slot, int count,
                         float* out);
  void (*accumulate_f32)(const float* weights, std::size_t stride, int rows, const KvView& kv, int slot, int count,
                         float* out);

  /// The largest of x[0 … n), −infinity for n = 0.
  float (*largest)(const float* x, int n);

  /// out[i] = x[i] as f16, rounded to nearest even.
  void (*to_half)(const float* x, int n, std::uint16_t* out);

  /// x[i] = exp(x[i] − max) for i in [0, n); returns their sum. −infinity gives 0.
  float (*exp_sum)(float* x, int n, float max);
};

/// The operations of a level; each includes those of lower levels where it has nothing better.
const Kernels& kernels_for(Isa isa);

}  // namespace runnel
