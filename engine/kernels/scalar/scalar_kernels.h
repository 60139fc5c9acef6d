#pragma once

#include "kernels/kernels.h"

namespace runnel {

/// Plain C++, the definition of every operation.
const Kernels& scalar_kernels();

}  // namespace runnel
