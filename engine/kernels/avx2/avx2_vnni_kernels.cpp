#include <immintrin.h>

#include "kernels/avx2/avx2_kernels.h"

namespace runnel {
namespace {

#include "kernels/avx2/avx2_types.inl"

inline Ints dot4_unsigned(Ints sum, Bytes weights, std::int32_t x) {
  const __m256i broadcast = _mm256_set1_epi32(x);
  return {_mm256_dpbusd_avx_epi32(sum.a, weights.a, broadcast), _mm256_dpbusd_avx_epi32(sum.b, weights.b, broadcast)};
}

// The instruction takes unsigned weights: flipping the sign bit adds 128 to each.
constexpr std::int32_t signed_zero = 128;
inline Ints dot4_signed(Ints sum, Bytes weights, std::int32_t x) {
  const __m256i flip = _mm256_set1_epi8(-128);
  return dot4_unsigned(sum, {_mm256_xor_si256(weights.a, flip), _mm256_xor_si256(weights.b, flip)}, x);
}

#include "kernels/simd/vector_kernels.inl"

}  // namespace

const Kernels& avx2_vnni_kernels() {
  static constexpr Kernels kernels = vector_kernels(Isa::avx2_vnni);
  return kernels;
}

}  // namespace runnel
