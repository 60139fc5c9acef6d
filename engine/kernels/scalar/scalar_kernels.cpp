#include "kernels/scalar/scalar_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "kernels/packed_matrix.h"
#include "quant/half.h"

namespace runnel {
namespace {

constexpr int lanes = group_rows;
constexpr float root_of_two_over_pi = 0.7978845608F;

float load(const std::uint16_t* half, std::size_t i) {
  return f16_to_f32(half[i]);
}
float load(const float* value, std::size_t i) {
  return value[i];
}
float load(const Half* value, std::size_t i) {
  return f16_to_f32(value[i].bits);
}
float load(const Bfloat* value, std::size_t i) {
  return bf16_to_f32(value[i].bits);
}
float load(const std::int8_t* value, std::size_t i) {
  return static_cast<float>(value[i]);
}

float bfloat(const std::uint16_t* bits, std::size_t i) {
  return bf16_to_f32(bits[i]);
}

bool has_offset(Packing packing) {
  return packing == Packing::q4_offset || packing == Packing::q8_offset;
}

bool is_int8(Packing packing) {
  return packing == Packing::q8 || packing == Packing::q8_offset;
}

// One block of 32 columns: sums[lane] += the integer dot product scaled by both sides.
void add_block(Packing packing, const std::byte* block, const std::int8_t* x, float x_scale, std::int32_t x_sum,
               float* sums) {
  const auto* scales = reinterpret_cast<const std::uint16_t*>(block);
  const auto* offsets = scales + lanes;
  const std::byte* quants = block + (has_offset(packing) ? 64 : 32);
  for (int lane = 0; lane < lanes; ++lane) {
    std::int32_t dot = 0;
    for (int i = 0; i < block_columns; ++i) {
      if (is_int8(packing)) {
        dot += static_cast<std::int8_t>(quants[i / 4 * 64 + lane * 4 + i % 4]) * x[i];
      } else {
        const int half = i % 16;
        const auto pair = static_cast<unsigned>(quants[half / 4 * 64 + lane * 4 + half % 4]);
        dot += static_cast<std::int32_t>(i < 16 ? pair & 15U : pair >> 4U) * x[i];
      }
    }
    if (packing == Packing::q4) dot -= 8 * x_sum;
    sums[lane] += f16_to_f32(scales[lane]) * x_scale * static_cast<float>(dot);
    if (has_offset(packing)) sums[lane] += f16_to_f32(offsets[lane]) * x_scale * static_cast<float>(x_sum);
  }
}

void integer_group(const PackedView& weights, int group, const QuantizedRows& x, int token, float* out) {
  const int blocks = weights.columns / block_columns;
  const std::size_t block_bytes = packed_block_bytes(weights.packing);
  const std::byte* start =
      weights.data + static_cast<std::size_t>(group) * static_cast<std::size_t>(blocks) * block_bytes;
  float sums[lanes] = {};
  for (int b = 0; b < blocks; ++b) {
    const std::size_t at = x.at(token, b, blocks);
    add_block(weights.packing, start + static_cast<std::size_t>(b) * block_bytes, x.quants + at * block_columns,
              x.scales[at], x.sums[at], sums);
  }
  std::copy_n(sums, lanes, out);
}

void float_group(const PackedView& weights, int group, const float* x, float* out) {
  float sums[lanes] = {};
  const std::size_t first = static_cast<std::size_t>(group) * static_cast<std::size_t>(weights.columns) * lanes;
  const auto* halves = reinterpret_cast<const std::uint16_t*>(weights.data) + first;
  const auto* floats = reinterpret_cast<const float*>(weights.data) + first;
  for (int column = 0; column < weights.columns; ++column) {
    for (int lane = 0; lane < lanes; ++lane) {
      const auto at = static_cast<std::size_t>(column * lanes + lane);
      const float weight = weights.packing == Packing::f32   ? floats[at]
                           : weights.packing == Packing::f16 ? load(halves, at)
                                                             : bfloat(halves, at);
      sums[lane] += weight * x[column];
    }
  }
  std::copy_n(sums, lanes, out);
}

void matmul(const PackedView& weights, int first, int last, const Activations& x, int m, float* out,
            std::size_t stride) {
  for (int group = first; group < last; ++group) {
    for (int token = 0; token < m; ++token) {
      float* to = out + static_cast<std::size_t>(token) * stride + static_cast<std::size_t>(group) * lanes;
      if (is_integer(weights.packing)) {
        integer_group(weights, group, x.quantized, token, to);
      } else {
        float_group(weights, group,
                    x.values + static_cast<std::size_t>(token) * static_cast<std::size_t>(weights.columns), to);
      }
    }
  }
}

float weight_at(const PackedView& weights, int group, int lane, int column) {
  if (!is_integer(weights.packing)) {
    const auto at = static_cast<std::size_t>((group * weights.columns + column) * lanes + lane);
    if (weights.packing == Packing::f32) return reinterpret_cast<const float*>(weights.data)[at];
    const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(weights.data)[at];
    return weights.packing == Packing::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
  }
  const std::size_t block_bytes = packed_block_bytes(weights.packing);
  const auto block = static_cast<std::size_t>(group * (weights.columns / block_columns) + column / block_columns);
  const std::byte* at = weights.data + block * block_bytes;
  const auto* scales = reinterpret_cast<const std::uint16_t*>(at);
  const std::byte* quants = at + (has_offset(weights.packing) ? 64 : 32);
  const float scale = f16_to_f32(scales[lane]);
  const int c = column % block_columns;
  const float offset = has_offset(weights.packing) ? f16_to_f32(scales[lanes + lane]) : 0;
  if (is_int8(weights.packing))
    return scale * static_cast<float>(static_cast<std::int8_t>(quants[c / 4 * 64 + lane * 4 + c % 4])) + offset;
  const auto pair = static_cast<unsigned>(quants[c % 16 / 4 * 64 + lane * 4 + c % 4]);
  const auto q = static_cast<float>(c < 16 ? pair & 15U : pair >> 4U);
  return weights.packing == Packing::q4 ? scale * (q - 8) : scale * q + offset;
}

void unpack_bf16(const PackedView& weights, int group, std::uint16_t* out, std::size_t stride) {
  for (int column = 0; column < weights.columns; ++column) {
    for (int lane = 0; lane < lanes; ++lane) {
      out[static_cast<std::size_t>(column) * stride + static_cast<std::size_t>(lane)] =
          f32_to_bf16(weight_at(weights, group, lane, column));
    }
  }
}

void to_bf16(const float* x, int n, std::uint16_t* out) {
  for (int i = 0; i < n; ++i) out[i] = f32_to_bf16(x[i]);
}

void quantize_row(const float* x, int columns, const QuantizedRows& out, int token) {
  const int blocks = columns / block_columns;
  for (int b = 0; b < blocks; ++b) {
    const std::size_t at = out.at(token, b, blocks);
    const float* from = x + b * block_columns;
    float largest = 0;
    for (int i = 0; i < block_columns; ++i) largest = std::max(largest, std::fabs(from[i]));
    const float scale = largest / 127.0F;
    const float inverse = largest >= least_absmax ? 127.0F / largest : 0.0F;
    std::int32_t sum = 0;
    for (int i = 0; i < block_columns; ++i) {
      const auto q = static_cast<std::int8_t>(std::nearbyint(from[i] * inverse));
      out.quants[at * block_columns + static_cast<std::size_t>(i)] = q;
      sum += q;
    }
    out.scales[at] = scale;
    out.sums[at] = sum;
    out.scaled_sums[at] = scale * static_cast<float>(sum);
  }
}

void rms_norm(const float* x, const float* weight, int n, float epsilon, float* out) {
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const float factor = 1.0F / std::sqrt(static_cast<float>(squares / n) + epsilon);
  for (int i = 0; i < n; ++i) out[i] = x[i] * factor * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, int n, float epsilon, float* out) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / n;
  double squares = 0;
  for (int i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float factor = 1.0F / std::sqrt(static_cast<float>(squares / n) + epsilon);
  for (int i = 0; i < n; ++i) {
    out[i] = (x[i] - static_cast<float>(mean)) * factor * weight[i] + (bias == nullptr ? 0.0F : bias[i]);
  }
}

float activated(Activation activation, float x) {
  switch (activation) {
    case Activation::silu:
      return x / (1.0F + std::exp(-x));
    case Activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x * std::numbers::sqrt2_v<float> / 2));
    case Activation::gelu_tanh:
      return 0.5F * x * (1.0F + std::tanh(root_of_two_over_pi * (x + 0.044715F * x * x * x)));
    case Activation::relu:
      return std::max(x, 0.0F);
  }
  return x;
}

void activate(Activation activation, const float* x, int n, float* out) {
  for (int i = 0; i < n; ++i) out[i] = activated(activation, x[i]);
}

void activate_gate(Activation activation, const float* gate, const float* up, int n, float* out) {
  for (int i = 0; i < n; ++i) out[i] = activated(activation, gate[i]) * up[i];
}

void soft_cap(float* x, int n, float cap) {
  for (int i = 0; i < n; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

void rotate(const float* x, int head_dim, const RotationRow& row, float scale, float* out) {
  const int pairs = row.pairs;
  for (int i = 0; i < pairs; ++i) {
    const float a = x[i];
    const float b = x[i + pairs];
    out[i] = (a * row.cos[i] - b * row.sin[i]) * scale;
    out[i + pairs] = (b * row.cos[i] + a * row.sin[i]) * scale;
  }
  for (int i = 2 * pairs; i < head_dim; ++i) out[i] = x[i] * scale;
}

void add_ramp(float* x, int n, float first, float step) {
  for (int i = 0; i < n; ++i) x[i] += first + static_cast<float>(i) * step;
}

void add(const float* y, int n, float* x) {
  for (int i = 0; i < n; ++i) x[i] += y[i];
}

template <typename T>
void scores(const float* q, int rows, const KvView& kv, int slot, int count, float* out, std::size_t stride) {
  const auto* keys = static_cast<const T*>(kv.keys);
  const auto dim = static_cast<std::size_t>(kv.head_dim);
  for (int r = 0; r < rows; ++r) {
    for (int j = 0; j < count; ++j) {
      const auto at = static_cast<std::size_t>(slot + j);
      float dot = 0;
      for (std::size_t d = 0; d < dim; ++d) {
        dot += q[static_cast<std::size_t>(r) * dim + d] * load(keys, (at / lanes * dim + d) * lanes + at % lanes);
      }
      if (kv.key_scales != nullptr) dot *= kv.key_scales[at];
      out[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(j)] = dot;
    }
  }
}

template <typename T>
void accumulate(const float* weights, std::size_t stride, int rows, const KvView& kv, int slot, int count, float* out) {
  const auto* values = static_cast<const T*>(kv.values);
  const auto dim = static_cast<std::size_t>(kv.head_dim);
  for (int r = 0; r < rows; ++r) {
    for (int j = 0; j < count; ++j) {
      float weight = weights[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(j)];
      if (kv.value_scales != nullptr) weight *= kv.value_scales[slot + j];
      for (std::size_t d = 0; d < dim; ++d) {
        out[static_cast<std::size_t>(r) * dim + d] +=
            weight * load(values, static_cast<std::size_t>(slot + j) * dim + d);
      }
    }
  }
}

float largest(const float* x, int n) {
  float result = -std::numeric_limits<float>::infinity();
  for (int i = 0; i < n; ++i) result = std::max(result, x[i]);
  return result;
}

void to_half(const float* x, int n, std::uint16_t* out) {
  for (int i = 0; i < n; ++i) out[i] = f32_to_f16(x[i]);
}

float int8_scale(const float* x, int n) {
  float absmax = 0;
  float check = 0;  // 0, but NaN where something is not finite
  for (int i = 0; i < n; ++i) {
    absmax = std::max(absmax, std::abs(x[i]));
    check += x[i] * 0.0F;
  }
  return absmax / 127.0F + check;
}

void to_int8(const float* x, int n, float scale, std::int8_t* out) {
  const float inverse = scale >= least_absmax / 127.0F ? 1.0F / scale : 0.0F;
  for (int i = 0; i < n; ++i) out[i] = static_cast<std::int8_t>(std::lrint(x[i] * inverse));
}

float exp_sum(float* x, int n, float max) {
  float sum = 0;
  for (int i = 0; i < n; ++i) {
    x[i] = std::exp(x[i] - max);
    sum += x[i];
  }
  return sum;
}

}  // namespace

const Kernels& scalar_kernels() {
  static constexpr Kernels kernels{.isa = Isa::scalar,
                                   .tile = 1,
                                   .matmul = matmul,
                                   .quantize_row = quantize_row,
                                   .unpack_bf16 = unpack_bf16,
                                   .to_bf16 = to_bf16,
                                   .rms_norm = rms_norm,
                                   .layer_norm = layer_norm,
                                   .activate = activate,
                                   .activate_gate = activate_gate,
                                   .add = add,
                                   .kv = {{scores<float>, accumulate<float>},
                                          {scores<Half>, accumulate<Half>},
                                          {scores<Bfloat>, accumulate<Bfloat>},
                                          {scores<std::int8_t>, accumulate<std::int8_t>}},
                                   .rotate = rotate,
                                   .soft_cap = soft_cap,
                                   .add_ramp = add_ramp,
                                   .largest = largest,
                                   .to_half = to_half,
                                   .int8_scale = int8_scale,
                                   .to_int8 = to_int8,
                                   .exp_sum = exp_sum};
  return kernels;
}

}  // namespace runnel
