// Sixteen lanes in two AVX2 registers; see simd/vector_kernels.inl for what is wanted.

struct Floats {
  __m256 a, b;

  static Floats zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Floats set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats load(const float* at) { return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)}; }
  static Floats load_half(const std::byte* at) {
    const auto* halves = reinterpret_cast<const __m128i*>(at);
    return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
  }
  static Floats load_bfloat(const std::byte* at) {
    const auto* halves = reinterpret_cast<const __m128i*>(at);
    const auto widen = [](__m128i bits) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)); };
    return {widen(_mm_loadu_si128(halves)), widen(_mm_loadu_si128(halves + 1))};
  }
  static Floats load_int8(const std::byte* at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
  }
  void store(float* at) const {
    _mm256_storeu_ps(at, a);
    _mm256_storeu_ps(at + 8, b);
  }
  void store_half(std::uint16_t* at) const {
    auto* halves = reinterpret_cast<__m128i*>(at);
    _mm_storeu_si128(halves, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(halves + 1, _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT));
  }

  // Round to nearest even: add half of what is cut off, and the bit above it where it decides a tie.
  void store_bfloat(std::uint16_t* at) const {
    const auto upper = [](__m256 x) {
      const __m256i bits = _mm256_castps_si256(x);
      const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
      return _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    };
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(upper(a), upper(b)), 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), words);
  }

  static Floats fma(Floats x, Floats y, Floats z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
  static Floats max(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  static Floats min(Floats x, Floats y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
  friend Floats operator+(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  friend Floats operator-(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  friend Floats operator*(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  friend Floats operator/(Floats x, Floats y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }

  Floats abs() const {
    const __m256 sign = _mm256_set1_ps(-0.0F);
    return {_mm256_andnot_ps(sign, a), _mm256_andnot_ps(sign, b)};
  }
  Floats round() const {
    constexpr int mode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a, mode), _mm256_round_ps(b, mode)};
  }
  Floats exp2i() const {
    const auto power = [](__m256 n) {
      const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
      return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
    };
    return {power(a), power(b)};
  }
  float sum() const {
    const __m256 eight = _mm256_add_ps(a, b);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
  }
  float largest() const {
    const __m256 eight = _mm256_max_ps(a, b);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  static Floats zero_where_below(Floats value, Floats x, float limit) {
    const __m256 least = _mm256_set1_ps(limit);
    return {_mm256_and_ps(value.a, _mm256_cmp_ps(x.a, least, _CMP_GE_OQ)),
            _mm256_and_ps(value.b, _mm256_cmp_ps(x.b, least, _CMP_GE_OQ))};
  }
};

struct Ints {
  __m256i a, b;

  static Ints set1(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static Ints from_rounded(Floats x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
  friend Ints operator+(Ints x, Ints y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
  Floats to_float() const { return {_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b)}; }
  std::int32_t sum() const {
    const __m256i eight = _mm256_add_epi32(a, b);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
  }
  void store_int8(std::int8_t* at) const {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at), bytes);
  }
};

struct Bytes {
  __m256i a, b;

  static Bytes load(const std::byte* at) {
    const auto* halves = reinterpret_cast<const __m256i*>(at);
    return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
  }
  Ints unsigned_byte(int j) const {
    const __m256i mask = _mm256_set1_epi32(255);
    const __m256i by = _mm256_set1_epi32(8 * j);
    return {_mm256_and_si256(_mm256_srlv_epi32(a, by), mask), _mm256_and_si256(_mm256_srlv_epi32(b, by), mask)};
  }
  Ints signed_byte(int j) const {
    const __m256i by = _mm256_set1_epi32(24 - 8 * j);
    return {_mm256_srai_epi32(_mm256_sllv_epi32(a, by), 24), _mm256_srai_epi32(_mm256_sllv_epi32(b, by), 24)};
  }
  Bytes low() const {
    const __m256i mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(a, mask), _mm256_and_si256(b, mask)};
  }
  Bytes high() const {
    const __m256i mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(_mm256_srli_epi16(a, 4), mask), _mm256_and_si256(_mm256_srli_epi16(b, 4), mask)};
  }
};

inline float half_value(std::uint16_t bits) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits))); }

constexpr int tile_tokens = 3;
constexpr int value_rows = 2;
constexpr int value_chunks = 2;
