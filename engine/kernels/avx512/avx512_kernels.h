#pragma once

#include "kernels/kernels.h"

namespace runnel {

/// AVX-512 F, BW, DQ, VL; int8 products by widening multiplies.
const Kernels& avx512_kernels();

/// The same with VNNI's four-way int8 dot product.
const Kernels& avx512_vnni_kernels();

}  // namespace runnel
