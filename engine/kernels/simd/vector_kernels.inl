// The vector kernels, written once over a few types that each instruction level supplies before it includes this file,
// in an anonymous namespace:
//   Floats  16 floats: zero, set1, load, load_half, load_bfloat, load_int8, store, store_half, store_bfloat, fma(a, b, c) = a·b + c, +, −, ×, max, sum,
//           largest, abs, round, exp2i(n) = 2^n for whole n, zero_where_below(value, x, limit)
//   Ints    16 int32: set1, to_float, sum; from_rounded(Floats), store_int8
//   Bytes   64 bytes: load, low(), high() nibbles, unsigned_byte(j), signed_byte(j): Ints of byte j of each four
//   dot4_unsigned(Ints, Bytes weights in 0 … 15, int32 of four int8), dot4_signed(the same for int8 weights)
//   signed_zero: what dot4_signed adds to each weight, to be subtracted again as signed_zero × sum of x
//   half_value(bits): one f16 as float
//   tile_tokens, value_rows, value_chunks: sizes that fit the register file
// No header with inline functions is included by the levels' own files, since the linker could then pick a copy that was
// compiled for a processor this one is not.

inline std::int32_t four_bytes(const std::int8_t* at) {
  std::int32_t value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}

template <Packing packing>
constexpr bool has_offset = packing == Packing::q4_offset || packing == Packing::q8_offset;
template <Packing packing>
constexpr bool is_int8 = packing == Packing::q8 || packing == Packing::q8_offset;
template <Packing packing>
constexpr bool is_packed_integer = packing == Packing::q4 || packing == Packing::q4_offset || is_int8<packing>;
// Where a block's quants begin, and its size.
template <Packing packing>
constexpr std::size_t quants_at = has_offset<packing> ? 64 : 32;
template <Packing packing>
constexpr std::size_t block_bytes = quants_at<packing> + (is_int8<packing> ? 512 : 256);

// Dot products of one block with M tokens, whose quants stand 32 bytes apart.
template <Packing packing, int M>
inline void integer_block(const std::byte* quants, const std::int8_t* x, Ints* dots) {
  if constexpr (is_int8<packing>) {
    for (int chunk = 0; chunk < 8; ++chunk) {
      const Bytes weights = Bytes::load(quants + chunk * 64);
      for (int t = 0; t < M; ++t) dots[t] = dot4_signed(dots[t], weights, four_bytes(x + t * 32 + chunk * 4));
    }
  } else {
    for (int chunk = 0; chunk < 4; ++chunk) {
      const Bytes pairs = Bytes::load(quants + chunk * 64);
      const Bytes low = pairs.low();
      const Bytes high = pairs.high();
      for (int t = 0; t < M; ++t) {
        dots[t] = dot4_unsigned(dots[t], low, four_bytes(x + t * 32 + chunk * 4));
        dots[t] = dot4_unsigned(dots[t], high, four_bytes(x + t * 32 + 16 + chunk * 4));
      }
    }
  }
}

template <Packing packing, int M>
void integer_tile(const std::byte* group, int columns, const QuantizedRows& x, int token, float* out, std::size_t stride) {
  constexpr std::int32_t zero = packing == Packing::q4 ? 8 : is_int8<packing> ? signed_zero : 0;
  const int blocks = columns / block_columns;
  const std::size_t first = static_cast<std::size_t>(token) * static_cast<std::size_t>(blocks);
  const std::int8_t* quants = x.quants + first * block_columns;
  const float* scales = x.scales + first;
  const std::int32_t* integer_sums = x.sums + first;
  const float* scaled_sums = x.scaled_sums + first;
  Floats sums[M];
  for (int t = 0; t < M; ++t) sums[t] = Floats::zero();
  for (int b = 0; b < blocks; ++b) {
    Ints dots[M];
    for (int t = 0; t < M; ++t) dots[t] = zero == 0 ? Ints::set1(0) : Ints::set1(-zero * integer_sums[t]);
    integer_block<packing, M>(group + quants_at<packing>, quants, dots);
    const Floats scale = Floats::load_half(group);
    for (int t = 0; t < M; ++t) sums[t] = Floats::fma(dots[t].to_float(), scale * Floats::set1(scales[t]), sums[t]);
    if constexpr (has_offset<packing>) {
      const Floats offset = Floats::load_half(group + 32);
      for (int t = 0; t < M; ++t) sums[t] = Floats::fma(offset, Floats::set1(scaled_sums[t]), sums[t]);
    }
    group += block_bytes<packing>;
    quants += M * block_columns;
    scales += M;
    integer_sums += M;
    scaled_sums += M;
  }
  for (int t = 0; t < M; ++t) sums[t].store(out + static_cast<std::size_t>(t) * stride);
}

template <Packing packing>
inline Floats load_weights(const std::byte* group, std::size_t column) {
  if constexpr (packing == Packing::f32) return Floats::load(reinterpret_cast<const float*>(group) + column * group_rows);
  if constexpr (packing == Packing::f16) return Floats::load_half(group + column * group_rows * 2);
  return Floats::load_bfloat(group + column * group_rows * 2);
}

template <Packing packing, int M>
void float_tile(const std::byte* group, int columns, const float* x, float* out, std::size_t stride) {
  const auto width = static_cast<std::size_t>(columns);
  Floats sums[M];
  for (int t = 0; t < M; ++t) sums[t] = Floats::zero();
  for (std::size_t column = 0; column < width; ++column) {
    const Floats weights = load_weights<packing>(group, column);
    for (int t = 0; t < M; ++t) {
      sums[t] = Floats::fma(Floats::set1(x[static_cast<std::size_t>(t) * width + column]), weights, sums[t]);
    }
  }
  for (int t = 0; t < M; ++t) sums[t].store(out + static_cast<std::size_t>(t) * stride);
}

template <Packing packing, int M>
inline void tile(const PackedView& weights, const std::byte* group, const Activations& x, int token, float* out,
                 std::size_t stride) {
  float* to = out + static_cast<std::size_t>(token) * stride;
  if constexpr (is_packed_integer<packing>) {
    integer_tile<packing, M>(group, weights.columns, x.quantized, token, to, stride);
  } else {
    const float* from = x.values + static_cast<std::size_t>(token) * static_cast<std::size_t>(weights.columns);
    float_tile<packing, M>(group, weights.columns, from, to, stride);
  }
}

// The last tokens of a batch, fewer than a whole tile.
template <Packing packing, int M>
inline void rest(const PackedView& weights, const std::byte* group, const Activations& x, int token, int left, float* out,
                 std::size_t stride) {
  if constexpr (M > 0) {
    if (left == M) return tile<packing, M>(weights, group, x, token, out, stride);
    rest<packing, M - 1>(weights, group, x, token, left, out, stride);
  }
}

template <Packing packing>
void matmul_packed(const PackedView& weights, int first, int last, const Activations& x, int m, float* out,
                   std::size_t stride) {
  const auto width = static_cast<std::size_t>(weights.columns);
  const std::size_t group_bytes = packing == Packing::f32                             ? width * group_rows * 4
                                  : packing == Packing::f16 || packing == Packing::bf16 ? width * group_rows * 2
                                                                                      : width / block_columns * block_bytes<packing>;
  for (int index = first; index < last; ++index) {
    const std::byte* group = weights.data + static_cast<std::size_t>(index) * group_bytes;
    float* to = out + static_cast<std::size_t>(index) * group_rows;
    int token = 0;
    for (; token + tile_tokens <= m; token += tile_tokens) tile<packing, tile_tokens>(weights, group, x, token, to, stride);
    rest<packing, tile_tokens - 1>(weights, group, x, token, m - token, to, stride);
  }
}

void matmul(const PackedView& weights, int first, int last, const Activations& x, int m, float* out, std::size_t stride) {
  switch (weights.packing) {
    case Packing::q4: return matmul_packed<Packing::q4>(weights, first, last, x, m, out, stride);
    case Packing::q4_offset: return matmul_packed<Packing::q4_offset>(weights, first, last, x, m, out, stride);
    case Packing::q8: return matmul_packed<Packing::q8>(weights, first, last, x, m, out, stride);
    case Packing::q8_offset: return matmul_packed<Packing::q8_offset>(weights, first, last, x, m, out, stride);
    case Packing::f16: return matmul_packed<Packing::f16>(weights, first, last, x, m, out, stride);
    case Packing::bf16: return matmul_packed<Packing::bf16>(weights, first, last, x, m, out, stride);
    case Packing::f32: return matmul_packed<Packing::f32>(weights, first, last, x, m, out, stride);
  }
}

void quantize_row(const float* x, int columns, const QuantizedRows& out, int token) {
  const int blocks = columns / block_columns;
  for (int b = 0; b < blocks; ++b, x += block_columns) {
    const std::size_t at = out.at(token, b, blocks);
    const Floats low = Floats::load(x);
    const Floats high = Floats::load(x + 16);
    const float absmax = Floats::max(low.abs(), high.abs()).largest();
    const Floats inverse = Floats::set1(absmax >= least_absmax ? 127.0F / absmax : 0.0F);
    const Ints q_low = Ints::from_rounded(low * inverse);
    const Ints q_high = Ints::from_rounded(high * inverse);
    q_low.store_int8(out.quants + at * block_columns);
    q_high.store_int8(out.quants + at * block_columns + 16);
    out.scales[at] = absmax / 127.0F;
    out.sums[at] = (q_low + q_high).sum();
    out.scaled_sums[at] = out.scales[at] * static_cast<float>(out.sums[at]);
  }
}

// Column j of four lies in byte j of each row's 32-bit lane.
template <Packing packing>
inline void unpack_block(const std::byte* block, std::uint16_t* out, std::size_t stride) {
  const Floats scale = Floats::load_half(block);
  const Floats offset = has_offset<packing>           ? Floats::load_half(block + 32)
                        : packing == Packing::q4      ? Floats::zero() - scale * Floats::set1(8)
                                                      : Floats::zero();
  const std::byte* quants = block + quants_at<packing>;
  for (int chunk = 0; chunk < (is_int8<packing> ? 8 : 4); ++chunk) {
    const Bytes bytes = Bytes::load(quants + chunk * 64);
    for (int j = 0; j < 4; ++j) {
      std::uint16_t* to = out + static_cast<std::size_t>(chunk * 4 + j) * stride;
      if constexpr (is_int8<packing>) {
        Floats::fma(bytes.signed_byte(j).to_float(), scale, offset).store_bfloat(to);
      } else {
        Floats::fma(bytes.low().unsigned_byte(j).to_float(), scale, offset).store_bfloat(to);
        Floats::fma(bytes.high().unsigned_byte(j).to_float(), scale, offset).store_bfloat(to + 16 * stride);
      }
    }
  }
}

template <Packing packing>
void unpack_group(const PackedView& weights, int group, std::uint16_t* out, std::size_t stride) {
  const auto width = static_cast<std::size_t>(weights.columns);
  if constexpr (is_packed_integer<packing>) {
    const std::size_t blocks = width / block_columns;
    const std::byte* block = weights.data + static_cast<std::size_t>(group) * blocks * block_bytes<packing>;
    for (std::size_t b = 0; b < blocks; ++b, block += block_bytes<packing>) {
      unpack_block<packing>(block, out + b * block_columns * stride, stride);
    }
  } else {
    const std::size_t bytes = width * group_rows * (packing == Packing::f32 ? 4 : 2);
    const std::byte* from = weights.data + static_cast<std::size_t>(group) * bytes;
    for (std::size_t column = 0; column < width; ++column) load_weights<packing>(from, column).store_bfloat(out + column * stride);
  }
}

void unpack_bf16(const PackedView& weights, int group, std::uint16_t* out, std::size_t stride) {
  switch (weights.packing) {
    case Packing::q4: return unpack_group<Packing::q4>(weights, group, out, stride);
    case Packing::q4_offset: return unpack_group<Packing::q4_offset>(weights, group, out, stride);
    case Packing::q8: return unpack_group<Packing::q8>(weights, group, out, stride);
    case Packing::q8_offset: return unpack_group<Packing::q8_offset>(weights, group, out, stride);
    case Packing::f16: return unpack_group<Packing::f16>(weights, group, out, stride);
    case Packing::bf16: return unpack_group<Packing::bf16>(weights, group, out, stride);
    case Packing::f32: return unpack_group<Packing::f32>(weights, group, out, stride);
  }
}

void to_bf16(const float* x, int n, std::uint16_t* out) {
  int i = 0;
  for (; i + 16 <= n; i += 16) Floats::load(x + i).store_bfloat(out + i);
  if (i < n) {
    float in[16] = {};
    std::uint16_t result[16];
    for (int j = 0; j < n - i; ++j) in[j] = x[i + j];
    Floats::load(in).store_bfloat(result);
    for (int j = 0; j < n - i; ++j) out[i + j] = result[j];
  }
}

void rms_norm(const float* x, const float* weight, int n, float epsilon, float* out) {
  Floats squares = Floats::zero();
  int i = 0;
  for (; i + 16 <= n; i += 16) squares = Floats::fma(Floats::load(x + i), Floats::load(x + i), squares);
  float total = squares.sum();
  for (int j = i; j < n; ++j) total += x[j] * x[j];
  const float factor = 1.0F / __builtin_sqrtf(total / static_cast<float>(n) + epsilon);
  const Floats factors = Floats::set1(factor);
  for (i = 0; i + 16 <= n; i += 16) (Floats::load(x + i) * factors * Floats::load(weight + i)).store(out + i);
  for (; i < n; ++i) out[i] = x[i] * factor * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, int n, float epsilon, float* out) {
  Floats sums = Floats::zero();
  int i = 0;
  for (; i + 16 <= n; i += 16) sums = sums + Floats::load(x + i);
  float total = sums.sum();
  for (int j = i; j < n; ++j) total += x[j];
  const float mean = total / static_cast<float>(n);
  const Floats means = Floats::set1(mean);
  Floats squares = Floats::zero();
  for (i = 0; i + 16 <= n; i += 16) {
    const Floats centred = Floats::load(x + i) - means;
    squares = Floats::fma(centred, centred, squares);
  }
  total = squares.sum();
  for (int j = i; j < n; ++j) total += (x[j] - mean) * (x[j] - mean);
  const float factor = 1.0F / __builtin_sqrtf(total / static_cast<float>(n) + epsilon);
  const Floats factors = Floats::set1(factor);
  for (i = 0; i + 16 <= n; i += 16) {
    const Floats scaled = (Floats::load(x + i) - means) * factors;
    const Floats shift = bias == nullptr ? Floats::zero() : Floats::load(bias + i);
    Floats::fma(scaled, Floats::load(weight + i), shift).store(out + i);
  }
  for (; i < n; ++i) out[i] = (x[i] - mean) * factor * weight[i] + (bias == nullptr ? 0.0F : bias[i]);
}

// exp by e^x = 2^n · e^r with |r| ≤ ln 2 / 2 and the Taylor polynomial of degree 6: relative error below 2e-7.
inline Floats exp(Floats x) {
  const Floats limited = Floats::min(Floats::max(x, Floats::set1(-87.0F)), Floats::set1(88.0F));
  const Floats n = (limited * Floats::set1(1.44269504F)).round();
  Floats r = Floats::fma(n, Floats::set1(-0.693359375F), limited);
  r = Floats::fma(n, Floats::set1(2.12194440e-4F), r);
  Floats p = Floats::set1(1.0F / 720);
  p = Floats::fma(p, r, Floats::set1(1.0F / 120));
  p = Floats::fma(p, r, Floats::set1(1.0F / 24));
  p = Floats::fma(p, r, Floats::set1(1.0F / 6));
  p = Floats::fma(p, r, Floats::set1(0.5F));
  p = Floats::fma(p, r, Floats::set1(1.0F));
  p = Floats::fma(p, r, Floats::set1(1.0F));
  return Floats::zero_where_below(p * n.exp2i(), x, -87.0F);
}

// The lanes of a vector that lie in a row's last, incomplete sixteenth, through a buffer.
template <typename Operation>
inline void with_tail(int n, Operation&& operation, float* out, const float* a, const float* b, float filler) {
  float in_a[16];
  float in_b[16];
  float result[16];
  for (int j = 0; j < 16; ++j) {
    in_a[j] = j < n ? a[j] : filler;
    in_b[j] = j < n ? b[j] : filler;
  }
  operation(Floats::load(in_a), Floats::load(in_b)).store(result);
  for (int j = 0; j < n; ++j) out[j] = result[j];
}

// out = operation(a, b), sixteen at a time.
template <typename Operation>
inline void map(const float* a, const float* b, int n, float* out, Operation&& operation) {
  int i = 0;
  for (; i + 16 <= n; i += 16) operation(Floats::load(a + i), Floats::load(b + i)).store(out + i);
  if (i < n) with_tail(n - i, operation, out + i, a + i, b + i, 0.0F);
}

inline Floats over_one_plus_exp(Floats numerator, Floats exponent) {
  return numerator / (Floats::set1(1.0F) + exp(exponent));
}

inline Floats silu(Floats x) { return over_one_plus_exp(x, Floats::zero() - x); }

// (1 + tanh(u)) / 2 = 1 / (1 + e^−2u)
inline Floats gelu_tanh(Floats x) {
  const Floats cubic = Floats::fma(x * x * x, Floats::set1(0.044715F), x);
  return over_one_plus_exp(x, cubic * Floats::set1(-2 * 0.7978845608F));
}

// x erf(x / √2) is even in x; erfc by Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
inline Floats gelu(Floats x) {
  const Floats size = x.abs();
  const Floats z = size * Floats::set1(0.70710678F);
  const Floats t = Floats::set1(1.0F) / Floats::fma(z, Floats::set1(0.3275911F), Floats::set1(1.0F));
  Floats p = Floats::set1(1.061405429F);
  p = Floats::fma(p, t, Floats::set1(-1.453152027F));
  p = Floats::fma(p, t, Floats::set1(1.421413741F));
  p = Floats::fma(p, t, Floats::set1(-0.284496736F));
  p = Floats::fma(p, t, Floats::set1(0.254829592F));
  const Floats erfc = p * t * exp(Floats::zero() - z * z);
  return Floats::set1(0.5F) * (x + size * (Floats::set1(1.0F) - erfc));
}

inline Floats relu(Floats x) { return Floats::max(x, Floats::zero()); }

void activate(Activation activation, const float* x, int n, float* out) {
  switch (activation) {
    case Activation::silu: return map(x, x, n, out, [](Floats a, Floats) { return silu(a); });
    case Activation::gelu: return map(x, x, n, out, [](Floats a, Floats) { return gelu(a); });
    case Activation::gelu_tanh: return map(x, x, n, out, [](Floats a, Floats) { return gelu_tanh(a); });
    case Activation::relu: return map(x, x, n, out, [](Floats a, Floats) { return relu(a); });
  }
}

void activate_gate(Activation activation, const float* gate, const float* up, int n, float* out) {
  switch (activation) {
    case Activation::silu: return map(gate, up, n, out, [](Floats g, Floats u) { return silu(g) * u; });
    case Activation::gelu: return map(gate, up, n, out, [](Floats g, Floats u) { return gelu(g) * u; });
    case Activation::gelu_tanh: return map(gate, up, n, out, [](Floats g, Floats u) { return gelu_tanh(g) * u; });
    case Activation::relu: return map(gate, up, n, out, [](Floats g, Floats u) { return relu(g) * u; });
  }
}

void rotate(const float* x, int head_dim, const RotationRow& row, float scale, float* out) {
  const Floats scales = Floats::set1(scale);
  const int pairs = row.pairs;
  int i = 0;
  for (; i + 16 <= pairs; i += 16) {
    const Floats a = Floats::load(x + i);
    const Floats b = Floats::load(x + i + pairs);
    const Floats cos = Floats::load(row.cos + i);
    const Floats sin = Floats::load(row.sin + i);
    ((a * cos - b * sin) * scales).store(out + i);
    ((b * cos + a * sin) * scales).store(out + i + pairs);
  }
  for (; i < pairs; ++i) {
    out[i] = (x[i] * row.cos[i] - x[i + pairs] * row.sin[i]) * scale;
    out[i + pairs] = (x[i + pairs] * row.cos[i] + x[i] * row.sin[i]) * scale;
  }
  for (i = 2 * pairs; i + 16 <= head_dim; i += 16) (Floats::load(x + i) * scales).store(out + i);
  for (; i < head_dim; ++i) out[i] = x[i] * scale;
}

// tanh(u) = 1 − 2 / (1 + e^2u)
void soft_cap(float* x, int n, float cap) {
  const Floats caps = Floats::set1(cap);
  const Floats twice_inverse = Floats::set1(2.0F / cap);
  map(x, x, n, x, [caps, twice_inverse](Floats a, Floats) {
    return caps - over_one_plus_exp(caps + caps, a * twice_inverse);
  });
}

void add_ramp(float* x, int n, float first, float step) {
  float offsets[16];
  for (int j = 0; j < 16; ++j) offsets[j] = static_cast<float>(j);
  const Floats lanes = Floats::load(offsets);
  const Floats steps = Floats::set1(step);
  int i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats index = lanes + Floats::set1(static_cast<float>(i));
    (Floats::load(x + i) + Floats::fma(index, steps, Floats::set1(first))).store(x + i);
  }
  for (; i < n; ++i) x[i] += first + static_cast<float>(i) * step;
}

void add(const float* y, int n, float* x) {
  int i = 0;
  for (; i + 16 <= n; i += 16) (Floats::load(x + i) + Floats::load(y + i)).store(x + i);
  for (; i < n; ++i) x[i] += y[i];
}

float largest(const float* x, int n) {
  float result = -__builtin_inff();
  int i = 0;
  if (n >= 16) {
    Floats best = Floats::load(x);
    for (i = 16; i + 16 <= n; i += 16) best = Floats::max(best, Floats::load(x + i));
    result = best.largest();
  }
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

void to_half(const float* x, int n, std::uint16_t* out) {
  int i = 0;
  for (; i + 16 <= n; i += 16) Floats::load(x + i).store_half(out + i);
  if (i < n) {
    float in[16] = {};
    std::uint16_t result[16];
    for (int j = 0; j < n - i; ++j) in[j] = x[i + j];
    Floats::load(in).store_half(result);
    for (int j = 0; j < n - i; ++j) out[i + j] = result[j];
  }
}

float exp_sum(float* x, int n, float max) {
  const Floats maxima = Floats::set1(max);
  Floats sums = Floats::zero();
  int i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats e = exp(Floats::load(x + i) - maxima);
    e.store(x + i);
    sums = sums + e;
  }
  float total = sums.sum();
  if (i < n) {
    with_tail(n - i, [maxima](Floats a, Floats) { return exp(a - maxima); }, x + i, x + i, x + i, max);
    for (; i < n; ++i) total += x[i];
  }
  return total;
}

float int8_scale(const float* x, int n) {
  Floats most = Floats::zero();
  Floats check = Floats::zero();  // 0, but NaN where something is not finite
  int i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats values = Floats::load(x + i);
    most = Floats::max(most, values.abs());
    check = Floats::fma(values, Floats::zero(), check);
  }
  float absmax = most.largest();
  float finite = check.sum();
  for (; i < n; ++i) {
    const float magnitude = __builtin_fabsf(x[i]);
    absmax = magnitude > absmax ? magnitude : absmax;
    finite += x[i] * 0.0F;
  }
  return absmax / 127.0F + finite;
}

void to_int8(const float* x, int n, float scale, std::int8_t* out) {
  const Floats inverse = Floats::set1(scale >= least_absmax / 127.0F ? 1.0F / scale : 0.0F);
  int i = 0;
  for (; i + 16 <= n; i += 16) Ints::from_rounded(Floats::load(x + i) * inverse).store_int8(out + i);
  if (i < n) {
    float in[16] = {};
    std::int8_t result[16];
    for (int j = 0; j < n - i; ++j) in[j] = x[i + j];
    Ints::from_rounded(Floats::load(in) * inverse).store_int8(result);
    for (int j = 0; j < n - i; ++j) out[i + j] = result[j];
  }
}

inline const std::byte* bytes_at(const void* at) { return static_cast<const std::byte*>(at); }
inline Floats load_kv(const float* at) { return Floats::load(at); }
inline Floats load_kv(const Half* at) { return Floats::load_half(bytes_at(at)); }
inline Floats load_kv(const Bfloat* at) { return Floats::load_bfloat(bytes_at(at)); }
inline Floats load_kv(const std::int8_t* at) { return Floats::load_int8(bytes_at(at)); }

inline float one_value(const float* at) { return *at; }
inline float one_value(const Half* at) { return half_value(at->bits); }
inline float one_value(const Bfloat* at) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(at->bits) << 16); }
inline float one_value(const std::int8_t* at) { return static_cast<float>(*at); }

template <typename T>
constexpr bool has_scales = sizeof(T) == 1;

// Scores of up to tile_tokens queries against the 16 slots of one group of keys.
template <typename T, int R>
inline void score_group(const float* q, std::size_t dim, const T* keys, Floats* sums) {
  for (int r = 0; r < R; ++r) sums[r] = Floats::zero();
  for (std::size_t d = 0; d < dim; ++d) {
    const Floats key = load_kv(keys + d * group_rows);
    for (int r = 0; r < R; ++r) sums[r] = Floats::fma(Floats::set1(q[static_cast<std::size_t>(r) * dim + d]), key, sums[r]);
  }
}

template <typename T, int R>
void scores_rows(const float* q, const KvView& kv, int slot, int count, float* out, std::size_t stride) {
  const auto dim = static_cast<std::size_t>(kv.head_dim);
  for (int done = 0; done < count;) {
    const int lane = (slot + done) % group_rows;
    const int n = group_rows - lane < count - done ? group_rows - lane : count - done;
    const T* keys = static_cast<const T*>(kv.keys) + static_cast<std::size_t>((slot + done) / group_rows) * dim * group_rows;
    Floats sums[R];
    score_group<T, R>(q, dim, keys, sums);
    if constexpr (has_scales<T>) {
      const Floats scales = Floats::load(kv.key_scales + (slot + done) / group_rows * group_rows);
      for (int r = 0; r < R; ++r) sums[r] = sums[r] * scales;
    }
    for (int r = 0; r < R; ++r) {
      float* to = out + static_cast<std::size_t>(r) * stride + done;
      if (n == group_rows) {
        sums[r].store(to);
      } else {
        float all[group_rows];
        sums[r].store(all);
        for (int j = 0; j < n; ++j) to[j] = all[lane + j];
      }
    }
    done += n;
  }
}

template <typename T, int R>
inline void scores_rest(const float* q, int rows, const KvView& kv, int slot, int count, float* out, std::size_t stride) {
  if constexpr (R > 0) {
    if (rows == R) return scores_rows<T, R>(q, kv, slot, count, out, stride);
    scores_rest<T, R - 1>(q, rows, kv, slot, count, out, stride);
  }
}

template <typename T>
void scores(const float* q, int rows, const KvView& kv, int slot, int count, float* out, std::size_t stride) {
  const auto dim = static_cast<std::size_t>(kv.head_dim);
  for (; rows >= tile_tokens; rows -= tile_tokens) {
    scores_rows<T, tile_tokens>(q, kv, slot, count, out, stride);
    q += tile_tokens * dim;
    out += tile_tokens * stride;
  }
  scores_rest<T, tile_tokens - 1>(q, rows, kv, slot, count, out, stride);
}

// The weight of value j, times that value's scale.
template <typename T>
inline float scaled(float weight, const float* scales, int j) {
  if constexpr (has_scales<T>) return weight * scales[j];
  else return weight;
}

// R rows × C chunks of 16 dimensions, all of them held in registers while the values stream by.
template <typename T, int R, int C>
void accumulate_block(const float* weights, std::size_t stride, const T* values, const float* scales, std::size_t dim, int count,
                      float* out) {
  Floats sums[R][C];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r][c] = Floats::load(out + static_cast<std::size_t>(r) * dim + c * 16);
  }
  for (int j = 0; j < count; ++j, values += dim) {
    Floats value[C];
    for (int c = 0; c < C; ++c) value[c] = load_kv(values + c * 16);
    for (int r = 0; r < R; ++r) {
      const Floats weight = Floats::set1(scaled<T>(weights[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(j)], scales, j));
      for (int c = 0; c < C; ++c) sums[r][c] = Floats::fma(weight, value[c], sums[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) sums[r][c].store(out + static_cast<std::size_t>(r) * dim + c * 16);
  }
}

template <typename T, int R>
void accumulate_rows(const float* weights, std::size_t stride, const T* values, const float* scales, std::size_t dim, int count,
                     float* out) {
  std::size_t d = 0;
  for (; d + value_chunks * 16 <= dim; d += value_chunks * 16) {
    accumulate_block<T, R, value_chunks>(weights, stride, values + d, scales, dim, count, out + d);
  }
  for (; d + 16 <= dim; d += 16) accumulate_block<T, R, 1>(weights, stride, values + d, scales, dim, count, out + d);
  for (; d < dim; ++d) {
    for (int r = 0; r < R; ++r) {
      for (int j = 0; j < count; ++j) {
        out[static_cast<std::size_t>(r) * dim + d] +=
            scaled<T>(weights[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(j)], scales, j) *
            one_value(values + static_cast<std::size_t>(j) * dim + d);
      }
    }
  }
}

template <typename T, int R>
inline void accumulate_rest(const float* weights, std::size_t stride, int rows, const T* values, const float* scales, std::size_t dim,
                            int count, float* out) {
  if constexpr (R > 0) {
    if (rows == R) return accumulate_rows<T, R>(weights, stride, values, scales, dim, count, out);
    accumulate_rest<T, R - 1>(weights, stride, rows, values, scales, dim, count, out);
  }
}

template <typename T>
void accumulate(const float* weights, std::size_t stride, int rows, const KvView& kv, int slot, int count, float* out) {
  const auto dim = static_cast<std::size_t>(kv.head_dim);
  const T* values = static_cast<const T*>(kv.values) + static_cast<std::size_t>(slot) * dim;
  const float* scales = has_scales<T> ? kv.value_scales + slot : nullptr;
  for (; rows >= value_rows; rows -= value_rows) {
    accumulate_rows<T, value_rows>(weights, stride, values, scales, dim, count, out);
    weights += value_rows * stride;
    out += value_rows * dim;
  }
  accumulate_rest<T, value_rows - 1>(weights, stride, rows, values, scales, dim, count, out);
}

constexpr Kernels vector_kernels(Isa isa) {
  return {.isa = isa,
          .tile = tile_tokens,
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
}
