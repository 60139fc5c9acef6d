#pragma once

#include <bit>
#include <cstdint>

namespace runnel {

/// IEEE 754 binary16 → binary32; exact. A NaN stays one and keeps its payload in the upper bits.
constexpr float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu;
  const std::uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
  // Zero or subnormal: mantissa · 2^-24, which binary32 holds exactly.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// binary32 → binary16, to nearest, ties to even. Beyond 65519 → infinity, below the subnormals → zero; a NaN becomes a
/// quiet NaN with the upper bits of its payload.
constexpr std::uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000u) {
    half = 0x7E00u | (magnitude >> 13 & 0x1FFu);
  } else if (magnitude >= 0x477FF000u) {  // 65520, halfway between the largest half and what would follow it
    half = 0x7C00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14, the smallest normal half; a carry may run into the exponent
    const std::uint32_t rebiased = magnitude - ((127u - 15u) << 23);
    half = (rebiased + 0xFFFu + (rebiased >> 13 & 1u)) >> 13;
  } else if (magnitude > 0x33000000u) {  // 2^-25, which ties to zero
    const std::uint32_t exponent = magnitude >> 23;
    const std::uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    const std::uint32_t shift = 126 - exponent;  // 14 … 24: units of 2^-24
    const std::uint32_t below_half = (1u << (shift - 1)) - 1;
    half = (mantissa + below_half + (mantissa >> shift & 1u)) >> shift;
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// bfloat16 (the upper half of a binary32) → binary32; exact.
constexpr float bf16_to_f32(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

/// binary32 → bfloat16, to nearest, ties to even; a NaN becomes a quiet NaN.
constexpr std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace runnel
