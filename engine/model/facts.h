#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "format/tensor.h"
#include "model/config.h"
#include "runnel/model.h"

namespace runnel {

/// What config and tensors tell; tokenizer, template and the weights' memory are filled in by the loader.
ModelFacts facts_from(const Config& config, const std::vector<const TensorView*>& tensors);

}  // namespace runnel
