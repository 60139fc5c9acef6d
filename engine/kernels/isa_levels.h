#pragma once

#include <cstdint>

namespace runnel {

/// Instruction levels we have kernels for, lowest first. `amx`: those of avx512_vnni, and many tokens through oneDNN.
enum class Isa : std::uint8_t { scalar, avx2, avx2_vnni, avx512, avx512_vnni, amx };

}  // namespace runnel
