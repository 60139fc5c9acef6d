#pragma once

#include "kernels/kernels.h"

namespace runnel {

/// AVX2, FMA, F16C; int8 products by widening multiplies.
const Kernels& avx2_kernels();

/// The same with AVX-VNNI's four-way int8 dot product.
const Kernels& avx2_vnni_kernels();

}  // namespace runnel
