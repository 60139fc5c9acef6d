#include "kernels/avx512/avx512_kernels.h"

#include <immintrin.h>

namespace runnel {
namespace {

#include "kernels/avx512/avx512_types.inl"

inline Ints dot4_unsigned(Ints sum, Bytes weights, std::int32_t x) {
  const __m512i pairs = _mm512_maddubs_epi16(weights.v, _mm512_set1_epi32(x));
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
}

// maddubs takes one unsigned side: |w| × (x with w's sign), which stays below its saturation since |w| ≤ 128, |x| ≤
// 127.
constexpr std::int32_t signed_zero = 0;
inline Ints dot4_signed(Ints sum, Bytes weights, std::int32_t x) {
  const __m512i broadcast = _mm512_set1_epi32(x);
  const __mmask64 negative = _mm512_movepi8_mask(weights.v);
  const __m512i signed_x = _mm512_mask_sub_epi8(broadcast, negative, _mm512_setzero_si512(), broadcast);
  const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8(weights.v), signed_x);
  return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
}

#include "kernels/simd/vector_kernels.inl"

}  // namespace

const Kernels& avx512_kernels() {
  static constexpr Kernels kernels = vector_kernels(Isa::avx512);
  return kernels;
}

}  // namespace runnel
