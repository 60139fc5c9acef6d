#pragma once

#include <cstddef>
#include <span>

#include "format/tensor.h"

namespace runnel {

/// Values of `rows`, which are whole blocks of `type` as a file holds them. This is the definition of the block types:
/// every packed format and kernel must agree with it. `values` takes exactly as many values as the blocks hold, else
/// Error is thrown. Any bytes are valid blocks; scales that are infinite or NaN give values that are.
void dequantize(BlockType type, std::span<const std::byte> rows, std::span<float> values);

}  // namespace runnel
