#include "kernels/avx2/avx2_kernels.h"

#include <immintrin.h>

namespace runnel {
namespace {

#include "kernels/avx2/avx2_types.inl"

inline __m256i four_products(__m256i sum, __m256i unsigned_bytes, __m256i signed_bytes) {
  const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

inline Ints dot4_unsigned(Ints sum, Bytes weights, std::int32_t x) {
  const __m256i broadcast = _mm256_set1_epi32(x);
  return {four_products(sum.a, weights.a, broadcast), four_products(sum.b, weights.b, broadcast)};
}

// maddubs takes one unsigned side: |w| × (x with w's sign), which stays below its saturation since |w| ≤ 128, |x| ≤
// 127.
constexpr std::int32_t signed_zero = 0;
inline Ints dot4_signed(Ints sum, Bytes weights, std::int32_t x) {
  const __m256i broadcast = _mm256_set1_epi32(x);
  return {four_products(sum.a, _mm256_abs_epi8(weights.a), _mm256_sign_epi8(broadcast, weights.a)),
          four_products(sum.b, _mm256_abs_epi8(weights.b), _mm256_sign_epi8(broadcast, weights.b))};
}

#include "kernels/simd/vector_kernels.inl"

}  // namespace

const Kernels& avx2_kernels() {
  static constexpr Kernels kernels = vector_kernels(Isa::avx2);
  return kernels;
}

}  // namespace runnel
