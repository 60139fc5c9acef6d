#pragma once

#include <string>
#include <vector>

#include "format/tensor.h"
#include "runnel/model.h"

namespace runnel {

/// What ModelFacts::fingerprint says of a model with these facts and tensors, held as `options` say. Reads a few pages
/// of each tensor.
std::string fingerprint_of(const ModelFacts& facts, const std::vector<const TensorView*>& tensors,
                           const LoadOptions& options);

}  // namespace runnel
