#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "format/tensor.h"
#include "model/config.h"
#include "model/file_names.h"
#include "runnel/model.h"

namespace runnel {

/// What config and tensors tell; tokenizer, template and the weights' memory are filled in by the loader.
ModelFacts facts_from(const Config& config, const std::vector<const TensorView*>& tensors);

/// Bytes that tensors take in memory when they are held as `options` say. `names` tell what each is for.
std::uint64_t held_bytes(const std::vector<const TensorView*>& tensors, const FileNames& names,
                         const LoadOptions& options);

}  // namespace runnel
