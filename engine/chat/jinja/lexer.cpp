#include "chat/jinja/lexer.h"

#include <algorithm>

#include "chat/jinja/string_literal.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

/// All line breaks as "\n", and without the last one.
std::string with_plain_line_breaks(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r') {
      result.push_back(source[at]);
      continue;
    }
    result.push_back('\n');
    if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
  }
  if (!result.empty() && result.back() == '\n') result.pop_back();
  return result;
}

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_plain_line_breaks(source)), text_(source_) {}

  std::vector<Lexeme> run();

 private:
  bool starts_with(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void take(std::size_t count);
  void skip_space();
  void add(TokenKind kind, std::string_view text) { lexemes_.push_back({kind, std::string(text), line_}); }

  std::size_t find_tag(std::size_t from) const;
  std::string_view left_stripped(std::string_view data, char sign, bool block) const;
  void take_data(std::size_t end, char sign, bool block);
  char sign_at(std::size_t at) const;
  void comment();
  bool raw();
  void tag(TokenKind begin, TokenKind end, std::string_view closing);
  bool tag_end(TokenKind end, std::string_view closing);
  void token();
  void name();
  void number();
  void string();
  void symbol();
  void balance(char bracket);

  std::string source_;
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // what was taken last ended with a line break
  std::string brackets_;       // closing brackets that are still to come
  std::vector<Lexeme> lexemes_;
};

void Lexer::take(std::size_t count) {
  const std::string_view taken = text_.substr(at_, count);
  line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
  at_ += count;
  line_starting_ = taken.ends_with('\n');
}

void Lexer::skip_space() {
  std::size_t end = at_;
  while (end < text_.size()) {
    const Character next = character_at(text_, end);
    if (!is_space(next.code)) break;
    end += next.length;
  }
  if (end > at_) take(end - at_);
}

std::size_t Lexer::find_tag(std::size_t from) const {
  for (std::size_t at = text_.find('{', from); at != std::string_view::npos; at = text_.find('{', at + 1)) {
    if (at + 1 < text_.size() && std::string_view("{%#").find(text_[at + 1]) != std::string_view::npos) return at;
  }
  return text_.size();
}

/// What white space control leaves of the data before a tag.
std::string_view Lexer::left_stripped(std::string_view data, char sign, bool block) const {
  if (sign == '-') {
    while (!data.empty()) {
      const Character last = character_before(data, data.size());
      if (!is_space(last.code)) break;
      data.remove_suffix(last.length);
    }
    return data;
  }
  if (sign == '+' || !block) return data;
  const std::size_t line = data.rfind('\n') + 1;  // npos + 1 is 0
  if (line == 0 && !line_starting_) return data;
  return trimmed(data.substr(line)).empty() ? data.substr(0, line) : data;
}

void Lexer::take_data(std::size_t end, char sign, bool block) {
  const std::string_view data = text_.substr(at_, end - at_);
  const std::string_view left = left_stripped(data, sign, block);
  if (!left.empty()) add(TokenKind::data, left);
  if (!data.empty()) take(data.size());
}

char Lexer::sign_at(std::size_t at) const {
  return at < text_.size() && (text_[at] == '-' || text_[at] == '+') ? text_[at] : ' ';
}

std::vector<Lexeme> Lexer::run() {
  while (at_ < text_.size()) {
    const std::size_t begin = find_tag(at_);
    if (begin == text_.size()) {
      take_data(begin, '+', false);
      break;
    }
    const char sign = sign_at(begin + 2);
    take_data(begin, sign, text_[begin + 1] != '{');
    if (text_[begin + 1] == '#') {
      comment();
    } else if (text_[begin + 1] == '{') {
      tag(TokenKind::print_begin, TokenKind::print_end, "}}");
    } else if (!raw()) {
      tag(TokenKind::block_begin, TokenKind::block_end, "%}");
    }
  }
  add(TokenKind::end, "");
  return std::move(lexemes_);
}

void Lexer::comment() {
  const int first_line = line_;
  take(2);
  if (sign_at(at_) != ' ') take(1);
  const std::size_t close = text_.find("#}", at_);
  if (close == std::string_view::npos) throw SyntaxFault(first_line, "a comment is not closed with '#}'");
  const char sign = close > at_ ? sign_at(close - 1) : ' ';
  take(close + 2 - at_);
  if (sign == '-') skip_space();
  if (sign == ' ' && starts_with("\n")) take(1);
}

/// The length of a tag `{% word %}` that begins at `at`, with its signs, or 0.
std::size_t word_tag(std::string_view text, std::size_t at, std::string_view word, char& last_sign) {
  const std::size_t begin = at;
  const auto skip_spaces = [&] {
    while (at < text.size() && is_space(character_at(text, at).code)) at += character_at(text, at).length;
  };
  if (!text.substr(at).starts_with("{%")) return 0;
  at += 2;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  skip_spaces();
  if (!text.substr(at).starts_with(word)) return 0;
  at += word.size();
  skip_spaces();
  last_sign = at < text.size() && (text[at] == '-' || text[at] == '+') ? text[at++] : ' ';
  return text.substr(at).starts_with("%}") ? at + 2 - begin : 0;
}

/// A raw block, if one begins here.
bool Lexer::raw() {
  char sign = ' ';
  const std::size_t length = word_tag(text_, at_, "raw", sign);
  if (length == 0 || sign == '+') return false;
  const int first_line = line_;
  take(length);
  if (sign == '-') skip_space();
  for (std::size_t at = text_.find("{%", at_); at != std::string_view::npos; at = text_.find("{%", at + 2)) {
    const std::size_t end_length = word_tag(text_, at, "endraw", sign);
    if (end_length == 0) continue;
    take_data(at, sign_at(at + 2), true);
    take(end_length);
    if (sign == '-') skip_space();
    if (sign == ' ' && starts_with("\n")) take(1);
    return true;
  }
  throw SyntaxFault(first_line, "'raw' is not closed with 'endraw'");
}

void Lexer::tag(TokenKind begin, TokenKind end, std::string_view closing) {
  add(begin, text_.substr(at_, 2));
  const int first_line = line_;
  take(2);
  if (sign_at(at_) != ' ') take(1);
  while (at_ < text_.size()) {
    if (tag_end(end, closing)) return;
    if (is_space(character_at(text_, at_).code)) {
      skip_space();
    } else {
      token();
    }
  }
  throw SyntaxFault(first_line, "a tag is not closed with '" + std::string(closing) + "'");
}

/// Takes the end of the tag, with the white space it swallows, if it is here.
bool Lexer::tag_end(TokenKind end, std::string_view closing) {
  if (!brackets_.empty()) return false;
  const bool block = end == TokenKind::block_end;
  const char sign = sign_at(at_);
  if (sign == '+' && !block) return false;
  const std::size_t length = closing.size() + (sign != ' ');
  if (!text_.substr(at_ + (sign != ' ')).starts_with(closing)) return false;
  add(end, closing);
  take(length);
  if (sign == '-') skip_space();
  if (sign == ' ' && block && starts_with("\n")) take(1);
  return true;
}

void Lexer::token() {
  const char byte = text_[at_];
  if (is_digit(byte)) {
    number();
  } else if (byte == '\'' || byte == '"') {
    string();
  } else if (is_word(character_at(text_, at_).code)) {
    name();
  } else {
    symbol();
  }
}

void Lexer::name() {
  std::size_t end = at_;
  while (end < text_.size() && is_word(character_at(text_, end).code)) end += character_at(text_, end).length;
  add(TokenKind::name, text_.substr(at_, end - at_));
  take(end - at_);
}

void Lexer::number() {
  const auto digits = [this](std::size_t at) {
    while (at < text_.size() && (is_digit(text_[at]) || text_[at] == '_')) ++at;
    return at;
  };
  std::size_t end = digits(at_);
  TokenKind kind = TokenKind::integer;
  if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1]) && (at_ == 0 || text_[at_ - 1] != '.')) {
    end = digits(end + 1);
    kind = TokenKind::real;
  }
  if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (sign_at(exponent) != ' ') ++exponent;
    if (exponent < text_.size() && is_digit(text_[exponent])) {
      end = digits(exponent);
      kind = TokenKind::real;
    }
  }
  std::string plain(text_.substr(at_, end - at_));
  std::erase(plain, '_');
  add(kind, plain);
  take(end - at_);
}

void Lexer::string() {
  const char quote = text_[at_];
  std::size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
  if (end >= text_.size()) throw SyntaxFault(line_, "a string is not closed");
  try {
    add(TokenKind::string, string_value(text_.substr(at_ + 1, end - at_ - 1)));
  } catch (const SyntaxFault&) {
    throw;
  } catch (const Fault& fault) {
    throw SyntaxFault(line_, fault.what());
  }
  take(end + 1 - at_);
}

void Lexer::symbol() {
  static constexpr std::string_view symbols[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                                 "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
  for (const auto symbol : symbols) {
    if (!starts_with(symbol)) continue;
    if (symbol.size() == 1) balance(symbol[0]);
    add(TokenKind::symbol, symbol);
    take(symbol.size());
    return;
  }
  const std::string character(text_.substr(at_, character_at(text_, at_).length));
  throw SyntaxFault(line_, "unexpected character '" + character + "'");
}

void Lexer::balance(char bracket) {
  static constexpr std::string_view opening = "([{";
  static constexpr std::string_view closing = ")]}";
  if (const auto kind = opening.find(bracket); kind != std::string_view::npos) {
    brackets_.push_back(closing[kind]);
  } else if (closing.find(bracket) != std::string_view::npos) {
    if (brackets_.empty() || brackets_.back() != bracket) {
      throw SyntaxFault(line_, std::string("unexpected '") + bracket + "'");
    }
    brackets_.pop_back();
  }
}

}  // namespace

std::vector<Lexeme> lex(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace runnel::jinja
