#pragma once

#include "model/config.h"
#include "model/hf_members.h"

namespace runnel {

/// Reads how queries and keys are rotated into `config.ropes`: one way, or a second for layers with a sliding window
/// (Gemma 3). Takes head_dim and trained_context from `config`. Knows the old spelling (rope_theta beside rope_scaling)
/// and the new (rope_parameters). Throws Error naming key and value.
void read_ropes(const HfMembers& members, Config& config);

}  // namespace runnel
