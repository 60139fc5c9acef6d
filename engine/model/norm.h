#pragma once

#include "kernels/kernels.h"
#include "model/config.h"
#include "model/weights.h"

namespace runnel {

/// out = norm(x) over n values; `weight` and `bias` (null: none) [n]. May be in place.
inline void normalize(const Kernels& kernels, const Config& config, const float* weight, const float* bias,
                      const float* x, int n, float* out) {
  if (config.design.norm == NormKind::rms) {
    kernels.rms_norm(x, weight, n, config.norm_epsilon, out);
  } else {
    kernels.layer_norm(x, weight, bias, n, config.norm_epsilon, out);
  }
}

inline void normalize(const Kernels& kernels, const Config& config, const NormWeights& norm, const float* x,
                      float* out) {
  normalize(kernels, config, norm.weight.data(), norm.bias.empty() ? nullptr : norm.bias.data(), x,
            static_cast<int>(norm.weight.size()), out);
}

}  // namespace runnel
