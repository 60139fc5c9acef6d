#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/fault.h"

namespace runnel::jinja {

enum class TokenKind : std::uint8_t {
  data,  ///< text between tags
  block_begin,
  block_end,
  print_begin,
  print_end,
  name,
  string,
  integer,
  real,
  symbol,  ///< operators and brackets
  end,
};

/// A part of a template.
struct Lexeme {
  TokenKind kind;
  std::string text;  ///< for strings the value; for data what is left after white space control
  int line;          ///< 1-based
};

/// A fault that knows its line.
class SyntaxFault : public Fault {
 public:
  SyntaxFault(int line, const std::string& what) : Fault(what), line_(line) {}
  int line() const { return line_; }

 private:
  int line_;
};

/// Splits a template as jinja2 does with trim_blocks and lstrip_blocks and without keep_trailing_newline; comments are
/// left out, raw blocks have become data. Ends with a lexeme of kind `end`. Throws SyntaxFault.
std::vector<Lexeme> lex(std::string_view source);

}  // namespace runnel::jinja
