#pragma once

#include <string>

#include "model/config.h"

namespace runnel {

/// Throws Error unless every size of `config` is positive and within what any real model has.
void check_sizes(const Config& config, const std::string& label);

/// Throws Error unless every size is positive, within what any real model has, and consistent with the others, so that
/// code behind it may multiply them. `label`: what to call the file.
void check_config(const Config& config, const std::string& label);

}  // namespace runnel
