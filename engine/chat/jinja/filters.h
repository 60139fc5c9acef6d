#pragma once

#include "chat/jinja/functions.h"

namespace runnel::jinja {

/// Filters that make or change text.
Function find_text_filter(std::string_view name);

/// Filters that walk through lists.
Function find_sequence_filter(std::string_view name);

}  // namespace runnel::jinja
