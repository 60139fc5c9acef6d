#pragma once

#include <string_view>

#include "chat/jinja/functions.h"

namespace runnel::jinja {

/// The method `name` of strings; null when there is none.
Function find_string_method(std::string_view name);

/// Operations on strings that methods and filters share.

/// As str.strip: without the characters of `characters` (null: white space) at its ends.
Text stripped(Context& context, const Text& text, const Text* characters, bool left, bool right);

/// As str.replace; `limit` < 0: all occurrences.
Text replaced(Context& context, const Text& text, const Text& old, const Text& by, std::int64_t limit);

/// Every character mapped by `map(code, is_first_of_word)`; origins stay.
Text upper(Context& context, const Text& text);
Text lower(Context& context, const Text& text);
Text capitalized(Context& context, const Text& text);

/// As str.splitlines.
Ref<List> lines(Context& context, const Text& text, bool with_breaks = false);

/// The entries of `list` as text, with `separator` between them. `strict`: they must be strings.
Text joined(Context& context, const Text& separator, const List& list, bool strict);

}  // namespace runnel::jinja
