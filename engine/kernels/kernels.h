#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa_levels.h"
#include "kernels/packing.h"

namespace runnel {

/// Activations of some tokens as the integer kernels take them: per token and block of 32 columns, x ≈ scale × q with
/// q = round(x / scale), scale = absmax / 127.
///
/// Tokens stand in tiles of `tile`, the last one perhaps smaller; within a tile the blocks follow each other and each
/// holds its tokens side by side, so that a kernel that works on a whole tile reads one stream.
struct QuantizedRows {
  std::int8_t* quants = nullptr;  ///< [tokens × blocks, 32], in the order that `at` gives
  float* scales = nullptr;        ///< [tokens × blocks]
  std::int32_t* sums = nullptr;   ///< [tokens × blocks]: sum of the block's quants
  float* scaled_sums = nullptr;   ///< [tokens × blocks]: scale × sum
  int tokens = 0;
  int tile = 1;  ///< Kernels::tile of the level that reads it

  /// Where block `block` of `blocks` of a token stands.
  [[gnu::always_inline]] std::size_t at(int token, int block, int blocks) const {
    const int first = token / tile * tile;
    const int width = tokens - first < tile ? tokens - first : tile;
    return static_cast<std::size_t>(first) * static_cast<std::size_t>(blocks) +
           static_cast<std::size_t>(block) * static_cast<std::size_t>(width) + static_cast<std::size_t>(token - first);
  }
};

/// A block whose absmax is smaller counts as zeros: 127 / absmax would leave the range of floats.
constexpr float least_absmax = 1e-36F;

/// What a matrix product reads, in the form its packing asks for.
struct Activations {
  const float* values = nullptr;  ///< [m, columns], for f16, bf16, f32
  QuantizedRows quantized;        ///< for int4 and int8
};

/// Elements of keys and values as types that overloads can tell apart.
struct Half {
  std::uint16_t bits;
};
struct Bfloat {
  std::uint16_t bits;
};

/// Keys in groups of 16 slots, [slots / 16][head_dim][16], values [slots][head_dim], both of one KvType.
struct KvView {
  const void* keys = nullptr;
  const void* values = nullptr;
  const float* key_scales = nullptr;  ///< [slots], whole groups of 16; q8 only
  const float* value_scales = nullptr;
  int head_dim = 0;
};

/// The two products of attention, for keys and values of one KvType.
struct KvKernels {
  /// scores[r][j] = q[r] · key(slot + j) for rows r in [0, rows), j in [0, count). q is [rows, head_dim], scores
  /// [rows, stride].
  void (*scores)(const float* q, int rows, const KvView& kv, int slot, int count, float* scores, std::size_t stride);

  /// out[r] += Σ_j weights[r][j] × value(slot + j); weights [rows, stride], out [rows, head_dim].
  void (*accumulate)(const float* weights, std::size_t stride, int rows, const KvView& kv, int slot, int count,
                     float* out);
};

/// cos and sin of the angles by which one position turns the pairs of dimensions, [pairs].
struct RotationRow {
  const float* cos = nullptr;
  const float* sin = nullptr;
  int pairs = 0;
};

/// Functions between the matrices of an MLP. gelu: x Φ(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415); gelu_tanh: its
/// approximation by tanh from the same paper; silu: x sigmoid(x).
enum class Activation : std::uint8_t { silu, gelu, gelu_tanh, relu };

/// One instruction level's operations. The scalar level is the definition; the others fill in what they do better, and
/// every one is tested against it. No operation allocates, locks or throws.
struct Kernels {
  Isa isa;
  int tile;  ///< tokens that the matrix product takes at once

  /// out[t][row] = Σ_c weights[row][c] × x[t][c] for tokens t in [0, m) and the 16 rows of groups [first, last).
  /// `out` is [m, stride], stride a multiple of 16 that covers all groups.
  void (*matmul)(const PackedView& weights, int first, int last, const Activations& x, int m, float* out,
                 std::size_t stride);

  /// Quantizes the activations of one token (`columns` a multiple of 32) into its places in `out`.
  void (*quantize_row)(const float* x, int columns, const QuantizedRows& out, int token);

  /// The 16 rows of a group as bfloat16: out[column × stride + lane], for all columns.
  void (*unpack_bf16)(const PackedView& weights, int group, std::uint16_t* out, std::size_t stride);

  /// out[i] = x[i] as bfloat16, rounded to nearest even.
  void (*to_bf16)(const float* x, int n, std::uint16_t* out);

  /// RMSNorm (Zhang and Sennrich 2019): out = x / sqrt(mean(x²) + epsilon) × weight.
  void (*rms_norm)(const float* x, const float* weight, int n, float epsilon, float* out);

  /// LayerNorm (Ba et al. 2016): out = (x − mean) / sqrt(variance + epsilon) × weight + bias. `bias` null: none.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, int n, float epsilon, float* out);

  /// out = activation(x); may be in place.
  void (*activate)(Activation activation, const float* x, int n, float* out);

  /// out = activation(gate) × up (Shazeer 2020, SwiGLU and the like); may be in place.
  void (*activate_gate)(Activation activation, const float* gate, const float* up, int n, float* out);

  /// x += y.
  void (*add)(const float* y, int n, float* x);

  KvKernels kv[4];  ///< [KvType]

  /// out = x [head_dim] rotated, times `scale`: dimension i with dimension i + pairs (RoPE, Su et al. 2021, eq. 34,
  /// halves); the dimensions behind them are only scaled.
  void (*rotate)(const float* x, int head_dim, const RotationRow& row, float scale, float* out);

  /// x[i] = cap × tanh(x[i] / cap).
  void (*soft_cap)(float* x, int n, float cap);

  /// x[i] += first + i × step.
  void (*add_ramp)(float* x, int n, float first, float step);

  /// The largest of x[0 … n), −infinity for n = 0.
  float (*largest)(const float* x, int n);

  /// out[i] = x[i] as f16, rounded to nearest even.
  void (*to_half)(const float* x, int n, std::uint16_t* out);

  /// absmax / 127 of x[0 … n); NaN where one of them is not finite.
  float (*int8_scale)(const float* x, int n);

  /// out[i] = round(x[i] / scale); zeros where the scale is too small to divide by (least_absmax) or not a number.
  void (*to_int8)(const float* x, int n, float scale, std::int8_t* out);

  /// x[i] = exp(x[i] − max) for i in [0, n); returns their sum. −infinity gives 0.
  float (*exp_sum)(float* x, int n, float max);
};

/// The operations of a level; each includes those of lower levels where it has nothing better.
const Kernels& kernels_for(Isa isa);

}  // namespace runnel
