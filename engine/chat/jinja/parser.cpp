#include "chat/jinja/parser.h"

#include <algorithm>

#include "chat/jinja/expression_parser.h"

namespace runnel::jinja {

namespace {

class StatementParser : ExpressionParser {
 public:
  explicit StatementParser(std::string_view source) : ExpressionParser(source) {}

  Block run() {
    Block body;
    while (peek().kind != TokenKind::end) piece(body, {});
    return body;
  }

 private:
  using Names = std::initializer_list<std::string_view>;

  std::string piece(Block& body, Names ends);
  std::string block(Block& body, Names ends);
  void statement(Block& body, const std::string& name, int line);
  Statement& add(Block& body, Statement::Kind kind, int line);
  void end_tag();

  void choice(Block& body, int line);
  void loop(Block& body, int line);
  void set(Block& body, int line);
  void macro(Block& body, int line);
  void call(Block& body, int line);
  void with(Block& body, int line);
  void loop_control(Block& body, Statement::Kind kind, int line);
  std::vector<Parameter> parameters();

  int loops_ = 0;  // loops around the present place, within the present macro
};

Statement& StatementParser::add(Block& body, Statement::Kind kind, int line) {
  body.push_back(std::make_unique<Statement>());
  body.back()->kind = kind;
  body.back()->line = line;
  return *body.back();
}

void StatementParser::end_tag() {
  if (peek().kind != TokenKind::block_end) fail("unexpected " + shown(peek()) + " in a statement");
  next();
}

/// One piece of data, one printed expression or one statement. When it is one of `ends`, its name is returned and
/// the rest of its tag is left to the caller.
std::string StatementParser::piece(Block& body, Names ends) {
  const Lexeme lexeme = next();
  if (lexeme.kind == TokenKind::data) {
    add(body, Statement::Kind::data, lexeme.line).data = Text(lexeme.text);
    return {};
  }
  if (lexeme.kind == TokenKind::print_begin) {
    auto& print = add(body, Statement::Kind::print, lexeme.line);
    print.values.push_back(tuple_or_value(true));
    if (peek().kind != TokenKind::print_end) fail("unexpected " + shown(peek()) + " in an expression");
    next();
    return {};
  }
  const Lexeme name = next();
  if (name.kind != TokenKind::name) fail("a statement must begin with its name, not " + shown(name));
  if (std::find(ends.begin(), ends.end(), name.text) != ends.end()) return name.text;
  const Nested nested(*this);
  statement(body, name.text, name.line);
  return {};
}

/// Everything up to one of the statements `ends`, which is returned; begins behind a statement's last argument.
std::string StatementParser::block(Block& body, Names ends) {
  const int line = peek().line;
  end_tag();
  while (peek().kind != TokenKind::end) {
    std::string end = piece(body, ends);
    if (!end.empty()) return end;
  }
  throw SyntaxFault(line, "a statement is not closed with '" + std::string(*(ends.end() - 1)) + "'");
}

void StatementParser::statement(Block& body, const std::string& name, int line) {
  if (name == "if") return choice(body, line);
  if (name == "for") return loop(body, line);
  if (name == "set") return set(body, line);
  if (name == "macro") return macro(body, line);
  if (name == "call") return call(body, line);
  if (name == "with") return with(body, line);
  if (name == "break") return loop_control(body, Statement::Kind::break_loop, line);
  if (name == "continue") return loop_control(body, Statement::Kind::continue_loop, line);
  if (name == "generation") {
    block(add(body, Statement::Kind::scope, line).body, {"endgeneration"});
    return end_tag();
  }
  if (name == "filter") {
    auto& filter = add(body, Statement::Kind::filter, line);
    filter.filters = filters(true);
    block(filter.body, {"endfilter"});
    return end_tag();
  }
  throw SyntaxFault(line, "unknown statement '" + name + "'");
}

void StatementParser::choice(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::choice, line);
  const Conditional conditional(*this);
  std::string end = "elif";
  while (end == "elif") {
    auto condition = tuple_or_value(false);
    statement.branches.push_back({std::move(condition), {}});
    end = block(statement.branches.back().body, {"elif", "else", "endif"});
  }
  if (end == "else") {
    statement.branches.push_back({});
    block(statement.branches.back().body, {"endif"});
  }
  end_tag();
}

void StatementParser::loop(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::loop, line);
  statement.target = target(false);
  expect_name("in");
  statement.values.push_back(tuple_or_value(false));
  statement.values.push_back(take_name("if") ? expression() : nullptr);
  if (peek().kind == TokenKind::name && peek().text == "recursive") fail("'recursive' loops are not supported");
  ++loops_;
  const std::string end = block(statement.body, {"else", "endfor"});
  --loops_;
  if (end == "else") block(statement.alternative, {"endfor"});
  end_tag();
}

void StatementParser::set(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::assign, line);
  statement.target = target(true);
  if (take_symbol("=")) {
    statement.values.push_back(tuple_or_value(true));
    return end_tag();
  }
  statement.kind = Statement::Kind::capture;
  statement.filters = filters(false);
  block(statement.body, {"endset"});
  end_tag();
}

std::vector<Parameter> StatementParser::parameters() {
  std::vector<Parameter> result;
  expect_symbol("(");
  while (!take_symbol(")")) {
    if (!result.empty()) expect_symbol(",");
    const std::string name = expect_name();
    result.push_back({name, take_symbol("=") ? expression() : nullptr});
  }
  return result;
}

void StatementParser::macro(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::macro, line);
  statement.name = expect_name();
  statement.parameters = parameters();
  const int loops = std::exchange(loops_, 0);
  block(statement.body, {"endmacro"});
  loops_ = loops;
  end_tag();
}

void StatementParser::call(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::call, line);
  if (peek().kind == TokenKind::symbol && peek().text == "(") statement.parameters = parameters();
  statement.values.push_back(expression());
  const auto& called = *statement.values[0];
  if (called.kind != Expression::Kind::chain || called.links.back().kind != Link::Kind::call) {
    throw SyntaxFault(line, "'call' needs the call of a macro");
  }
  const int loops = std::exchange(loops_, 0);
  block(statement.body, {"endcall"});
  loops_ = loops;
  end_tag();
}

void StatementParser::with(Block& body, int line) {
  auto& statement = add(body, Statement::Kind::scope, line);
  while (peek().kind != TokenKind::block_end) {
    if (!statement.assigned.empty()) expect_symbol(",");
    statement.assigned.push_back(target(false));
    expect_symbol("=");
    statement.values.push_back(expression());
  }
  block(statement.body, {"endwith"});
  end_tag();
}

void StatementParser::loop_control(Block& body, Statement::Kind kind, int line) {
  if (loops_ == 0) throw SyntaxFault(line, "'break' and 'continue' are for loops only");
  add(body, kind, line);
  end_tag();
}

}  // namespace

Block parse(std::string_view source) {
  return StatementParser(source).run();
}

}  // namespace runnel::jinja
