#include "runnel/token_label.h"

#include <spdlog/fmt/fmt.h>
#include <utf8proc.h>

#include <cstddef>
#include <cstdint>

#include "tokenizer/utf8.h"

namespace runnel {
namespace {

constexpr int kMostCharacters = 24;
constexpr std::size_t kMostBytes = 8;

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes.substr(0, kMostBytes)) {
    text += fmt::format("{}{:02X}", text.empty() ? "" : " ", static_cast<std::uint8_t>(byte));
  }
  return bytes.size() > kMostBytes ? text + " …" : text;
}

/// Whether a reader would not see the character, or not know it from another: Default_Ignorable_Code_Point (Unicode
/// 15, section 5.21), controls, formats, blanks besides the space, and what has no look of its own.
bool is_hidden(utf8proc_int32_t character) {
  if (character == ' ') return false;
  if (utf8proc_get_property(character)->ignorable) return true;
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return true;
    default:
      return false;
  }
}

std::string visible(std::string_view character) {
  if (character == "\n") return "⏎";
  if (character == "\r") return "␍";
  if (character == "\t") return "⇥";
  utf8proc_int32_t code = 0;
  utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(character.data()),
                   static_cast<utf8proc_ssize_t>(character.size()), &code);
  return is_hidden(code) ? fmt::format("‹U+{:04X}›", code) : std::string(character);
}

/// `text` must be valid UTF-8.
std::string visible_line(std::string_view text) {
  std::string line;
  for (int count = 0; !text.empty(); ++count) {
    if (count == kMostCharacters) return line + "…";
    const std::size_t length = utf8_step(text).length;
    line += visible(text.substr(0, length));
    text.remove_prefix(length);
  }
  return line;
}

bool is_text(std::string_view bytes) {
  return utf8_valid_prefix(bytes) == bytes.size();
}

}  // namespace

std::string token_label(const Tokenizer& tokenizer, Token token) {
  const std::string bytes = tokenizer.bytes(token);
  return tokenizer.is_control(token) && is_text(bytes) ? visible_line(bytes) : label_of_bytes(bytes);
}

std::string label_of_bytes(std::string_view bytes) {
  return is_text(bytes) ? "“" + visible_line(bytes) + "”" : hexadecimal(bytes);
}

}  // namespace runnel
