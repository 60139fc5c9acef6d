#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "quant/half.h"
#include "runnel/cache.h"

constexpr std::array kv_types{runnel::KvType::f32, runnel::KvType::f16, runnel::KvType::bf16, runnel::KvType::q8};

/// A key or value as a cache of this type holds it.
inline std::vector<float> rounded(runnel::KvType type, std::vector<float> row) {
  float absmax = 0;
  for (const float x : row) absmax = std::max(absmax, std::abs(x));
  const float scale = absmax / 127.0F;
  for (float& x : row) {
    if (type == runnel::KvType::f16) x = runnel::f16_to_f32(runnel::f32_to_f16(x));
    if (type == runnel::KvType::bf16) x = runnel::bf16_to_f32(runnel::f32_to_bf16(x));
    if (type == runnel::KvType::q8 && scale > 0) x = scale * std::nearbyint(x * (1.0F / scale));
  }
  return row;
}
