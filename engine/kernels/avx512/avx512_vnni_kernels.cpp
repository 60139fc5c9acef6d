#include <immintrin.h>

#include "kernels/avx512/avx512_kernels.h"

namespace runnel {
namespace {

#include "kernels/avx512/avx512_types.inl"

inline Ints dot4_unsigned(Ints sum, Bytes weights, std::int32_t x) {
  return {_mm512_dpbusd_epi32(sum.v, weights.v, _mm512_set1_epi32(x))};
}

// The instruction takes unsigned weights: flipping the sign bit adds 128 to each.
constexpr std::int32_t signed_zero = 128;
inline Ints dot4_signed(Ints sum, Bytes weights, std::int32_t x) {
  return {_mm512_dpbusd_epi32(sum.v, _mm512_xor_si512(weights.v, _mm512_set1_epi8(-128)), _mm512_set1_epi32(x))};
}

#include "kernels/simd/vector_kernels.inl"

}  // namespace

const Kernels& avx512_vnni_kernels() {
  static constexpr Kernels kernels = vector_kernels(Isa::avx512_vnni);
  return kernels;
}

}  // namespace runnel
