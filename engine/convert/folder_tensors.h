#pragma once

#include <vector>

#include "convert/tensor_encoder.h"
#include "model/weight_source.h"

namespace runnel {

/// The tensors of a Hugging Face folder as a GGUF file has them: under GGUF's names, rows of Q and K interleaved where
/// the architecture's row asks for that. The views belong to the folder. Throws Error naming a tensor that is missing
/// or of another shape than the config says.
std::vector<PlannedTensor> tensors_of_folder(const HfFolder& folder, const Config& config);

}  // namespace runnel
