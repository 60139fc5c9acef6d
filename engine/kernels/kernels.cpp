#include "kernels/kernels.h"

#include "kernels/avx2/avx2_kernels.h"
#include "kernels/avx512/avx512_kernels.h"
#include "kernels/scalar/scalar_kernels.h"

namespace runnel {

const Kernels& kernels_for(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::avx2:
      return avx2_kernels();
    case Isa::avx2_vnni:
      return avx2_vnni_kernels();
    case Isa::avx512:
      return avx512_kernels();
    case Isa::avx512_vnni:
    case Isa::amx:
      return avx512_vnni_kernels();
#endif
    default:
      return scalar_kernels();
  }
}

}  // namespace runnel
