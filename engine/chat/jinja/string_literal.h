#pragma once

#include <string>
#include <string_view>

namespace runnel::jinja {

/// The value of a string literal, given what stands between its quotes: Python's escapes, line breaks as they are.
/// Throws Fault for an escape that is incomplete.
std::string string_value(std::string_view literal);

}  // namespace runnel::jinja
