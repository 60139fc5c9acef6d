#pragma once

#include "format/gguf_writer.h"
#include "model/config.h"

namespace runnel {

/// Writes the name and the sizes and constants of a model under the keys that GGUF gives them (specification,
/// "Standardized key-value pairs"). Throws Error naming what there is no key for.
void write_hyperparameters(GgufWriter& writer, const Config& config);

/// The numbers by which frequencies are divided for a rope scaling that GGUF holds as a tensor (rope_freqs.weight,
/// [dimensions / 2]); empty for all others.
std::vector<float> rope_divisors(const RopeConfig& rope);

}  // namespace runnel
