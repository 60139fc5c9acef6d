#include "chat/jinja/string_literal.h"

#include <algorithm>

#include "chat/jinja/fault.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/// Reads `count` hexadecimal digits at `at`.
char32_t hex_code(std::string_view literal, std::size_t& at, int count) {
  char32_t code = 0;
  for (int digit = 0; digit < count; ++digit, ++at) {
    const int value = at < literal.size() ? hex_digit(literal[at]) : -1;
    if (value < 0) throw Fault("an escape sequence in a string is incomplete");
    code = code * 16 + static_cast<char32_t>(value);
  }
  return std::min(code, char32_t{0x110000});  // what lies beyond Unicode becomes U+FFFD
}

char32_t octal_code(std::string_view literal, std::size_t& at) {
  char32_t code = 0;
  for (int digit = 0; digit < 3 && at < literal.size() && literal[at] >= '0' && literal[at] <= '7'; ++digit) {
    code = code * 8 + static_cast<char32_t>(literal[at++] - '0');
  }
  return code;
}

}  // namespace

std::string string_value(std::string_view literal) {
  static constexpr std::string_view names = "abfnrtv\\'\"";
  static constexpr std::string_view values = "\a\b\f\n\r\t\v\\'\"";
  std::string result;
  for (std::size_t at = 0; at < literal.size();) {
    const char byte = literal[at++];
    if (byte != '\\' || at == literal.size()) {
      result.push_back(byte);
      continue;
    }
    const char escape = literal[at];
    if (const auto known = names.find(escape); known != std::string_view::npos) {
      result.push_back(values[known]);
      ++at;
    } else if (escape == '\n') {
      ++at;  // an escaped line break continues the line
    } else if (escape == 'x' || escape == 'u' || escape == 'U') {
      ++at;
      append_utf8(result, hex_code(literal, at, escape == 'x' ? 2 : escape == 'u' ? 4 : 8));
    } else if (escape >= '0' && escape <= '7') {
      append_utf8(result, octal_code(literal, at));
    } else {
      result.push_back('\\');  // as in Python, an unknown escape stands for itself
    }
  }
  return result;
}

}  // namespace runnel::jinja
