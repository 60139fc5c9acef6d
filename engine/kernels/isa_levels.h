#pragma once

#include <cstdint>

namespace runnel {

/// Instruction levels we have kernels for, lowest first.
enum class Isa : std::uint8_t { scalar, avx2, avx2_vnni, avx512, avx512_vnni };

}  // namespace runnel
