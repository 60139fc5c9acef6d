#include "chat/jinja/unicode.h"

#include <utf8proc.h>

namespace runnel::jinja {

namespace {

const utf8proc_uint8_t* unsigned_bytes(std::string_view bytes, std::size_t at) {
  return reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()) + at;
}

utf8proc_category_t category(char32_t code) {
  return code < invalid ? utf8proc_category(static_cast<utf8proc_int32_t>(code)) : UTF8PROC_CATEGORY_CN;
}

}  // namespace

Character character_at(std::string_view bytes, std::size_t at) {
  const auto first = static_cast<unsigned char>(bytes[at]);
  if (first < 0x80) return {first, 1};
  utf8proc_int32_t code = 0;
  const auto length =
      utf8proc_iterate(unsigned_bytes(bytes, at), static_cast<utf8proc_ssize_t>(bytes.size() - at), &code);
  if (length <= 0) return {invalid + first, 1};
  return {static_cast<char32_t>(code), static_cast<std::size_t>(length)};
}

Character character_before(std::string_view bytes, std::size_t end) {
  std::size_t first = end - 1;
  while (first > 0 && end - first < 4 && (static_cast<unsigned char>(bytes[first]) & 0xC0) == 0x80) --first;
  const Character found = character_at(bytes.substr(0, end), first);
  if (first + found.length == end) return found;
  return {invalid + static_cast<unsigned char>(bytes[end - 1]), 1};
}

std::size_t count_characters(std::string_view bytes) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); at += character_at(bytes, at).length) ++count;
  return count;
}

void append_utf8(std::string& out, char32_t code) {
  if (code >= invalid) {
    out.push_back(static_cast<char>(code - invalid));
    return;
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  utf8proc_uint8_t buffer[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(length));
}

bool is_space(char32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_line_break(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

bool is_letter(char32_t code) {
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_word(char32_t code) {
  if (code < 0x80) {
    return code == '_' || (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  }
  const auto kind = category(code);
  return is_letter(code) || (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO);
}

bool is_upper(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU;
}

bool is_lower(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LL;
}

char32_t to_upper(char32_t code) {
  return code < invalid ? static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(code))) : code;
}

char32_t to_lower(char32_t code) {
  return code < invalid ? static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))) : code;
}

std::string_view trimmed(std::string_view bytes) {
  while (!bytes.empty()) {
    const Character last = character_before(bytes, bytes.size());
    if (!is_space(last.code)) break;
    bytes.remove_suffix(last.length);
  }
  while (!bytes.empty()) {
    const Character first = character_at(bytes, 0);
    if (!is_space(first.code)) break;
    bytes.remove_prefix(first.length);
  }
  return bytes;
}

}  // namespace runnel::jinja
