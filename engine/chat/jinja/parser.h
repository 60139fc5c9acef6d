#pragma once

#include <string_view>

#include "chat/jinja/ast.h"

namespace runnel::jinja {

/// Parses a template. Needs little stack whatever the source is. Throws SyntaxFault.
Block parse(std::string_view source);

}  // namespace runnel::jinja
