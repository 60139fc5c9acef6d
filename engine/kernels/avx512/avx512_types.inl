// Sixteen lanes in one AVX-512 register; see simd/vector_kernels.inl for what is wanted.

struct Floats {
  __m512 v;

  static Floats zero() { return {_mm512_setzero_ps()}; }
  static Floats set1(float x) { return {_mm512_set1_ps(x)}; }
  static Floats load(const float* at) { return {_mm512_loadu_ps(at)}; }
  static Floats load_half(const std::byte* at) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)))};
  }
  static Floats load_bfloat(const std::byte* at) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16))};
  }
  static Floats load_int8(const std::byte* at) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))))};
  }
  void store(float* at) const { _mm512_storeu_ps(at, v); }
  void store_half(std::uint16_t* at) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }

  // Round to nearest even: add half of what is cut off, and the bit above it where it decides a tie.
  void store_bfloat(std::uint16_t* at) const {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
  }

  static Floats fma(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Floats max(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Floats min(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }
  friend Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.v, b.v)}; }

  Floats abs() const { return {_mm512_abs_ps(v)}; }
  Floats round() const { return {_mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  Floats exp2i() const { return {_mm512_scalef_ps(_mm512_set1_ps(1.0F), v)}; }
  float sum() const { return _mm512_reduce_add_ps(v); }
  float largest() const { return _mm512_reduce_max_ps(v); }
  static Floats zero_where_below(Floats value, Floats x, float limit) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(limit), _CMP_GE_OQ), value.v)};
  }
};

struct Ints {
  __m512i v;

  static Ints set1(std::int32_t x) { return {_mm512_set1_epi32(x)}; }
  static Ints from_rounded(Floats x) { return {_mm512_cvtps_epi32(x.v)}; }
  friend Ints operator+(Ints a, Ints b) { return {_mm512_add_epi32(a.v, b.v)}; }
  Floats to_float() const { return {_mm512_cvtepi32_ps(v)}; }
  std::int32_t sum() const { return _mm512_reduce_add_epi32(v); }
  void store_int8(std::int8_t* at) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm512_cvtsepi32_epi8(v)); }
};

struct Bytes {
  __m512i v;

  static Bytes load(const std::byte* at) { return {_mm512_loadu_si512(at)}; }
  Ints unsigned_byte(int j) const {
    const __m512i shifted = _mm512_srlv_epi32(v, _mm512_set1_epi32(8 * j));
    return {_mm512_and_si512(shifted, _mm512_set1_epi32(255))};
  }
  Ints signed_byte(int j) const {
    const __m512i shifted = _mm512_sllv_epi32(v, _mm512_set1_epi32(24 - 8 * j));
    return {_mm512_srai_epi32(shifted, 24)};
  }
  Bytes low() const { return {_mm512_and_si512(v, _mm512_set1_epi8(15))}; }
  Bytes high() const { return {_mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15))}; }
};

inline float half_value(std::uint16_t bits) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits))); }

constexpr int tile_tokens = 8;
constexpr int value_rows = 4;
constexpr int value_chunks = 4;
