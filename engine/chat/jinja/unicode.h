#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace runnel::jinja {

/// One character of a text that may contain invalid UTF-8: an invalid byte is a character of its own.
struct Character {
  char32_t code;       ///< code point; `invalid + byte` for a byte that is no UTF-8
  std::size_t length;  ///< in bytes, 1 … 4
};

/// Code points of bytes that are no UTF-8 begin here, above Unicode.
inline constexpr char32_t invalid = 0x200000;

/// The character at `bytes[at]`; `at` < bytes.size().
Character character_at(std::string_view bytes, std::size_t at);

/// The character that ends before `bytes[end]`; `end` > 0.
Character character_before(std::string_view bytes, std::size_t end);

/// Number of characters.
std::size_t count_characters(std::string_view bytes);

/// Appends the UTF-8 form of `code`; surrogates and what lies beyond Unicode become U+FFFD, invalid bytes themselves.
void append_utf8(std::string& out, char32_t code);

/// As str.isspace in Python.
bool is_space(char32_t code);

/// The ends of a line for str.splitlines in Python.
bool is_line_break(char32_t code);

/// Letters, digits and the underscore: what a name consists of.
bool is_word(char32_t code);

bool is_letter(char32_t code);
bool is_upper(char32_t code);
bool is_lower(char32_t code);

/// Simple case mappings; where one character becomes two, as ß in capitals, the character stays as it is.
char32_t to_upper(char32_t code);
char32_t to_lower(char32_t code);

/// `bytes` without white space at its ends.
std::string_view trimmed(std::string_view bytes);

}  // namespace runnel::jinja
