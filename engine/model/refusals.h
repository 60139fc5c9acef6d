#pragma once

#include <string>

#include "model/hf_members.h"

namespace runnel {

/// Throws Error that says why an architecture without a row can't be used: because it works in a way that is not
/// supported, or because it is not known.
[[noreturn]] void refuse_architecture(const std::string& name, const std::string& label);

/// Throws Error for a layer that is neither full nor sliding-window attention.
[[noreturn]] void refuse_layer_type(const std::string& label, const std::string& type);

/// Throws Error naming the method when the folder's weights are quantized already (GPTQ, AWQ, AutoRound …).
void refuse_quantized_folder(const HfMembers& members);

/// Throws Error naming key and value when config.json asks for something that known families offer and that is not
/// supported.
void refuse_unsupported_members(const HfMembers& members);

}  // namespace runnel
