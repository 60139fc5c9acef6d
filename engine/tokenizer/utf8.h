#pragma once

#include <cstddef>
#include <string_view>

namespace runnel {

/// What the beginning of a text is, read as UTF-8.
struct Utf8Step {
  enum class Kind {
    character,   ///< a well-formed character
    invalid,     ///< a maximal invalid part: U+FFFD stands for all of it
    unfinished,  ///< the whole text is the beginning of a character
  };
  Kind kind;
  std::size_t length;  ///< bytes; 1 … 4, 0 only for an empty text
};

/// The first step through `text`: well-formed sequences after table 3-7 of the Unicode standard 15, section 3.9, and
/// invalid parts as its "substitution of maximal subparts" cuts them. Never reads beyond 4 bytes.
Utf8Step utf8_step(std::string_view text);

/// Number of leading bytes of `text` that are well-formed UTF-8.
std::size_t utf8_valid_prefix(std::string_view text);

}  // namespace runnel
