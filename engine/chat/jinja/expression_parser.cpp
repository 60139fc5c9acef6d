#include "chat/jinja/expression_parser.h"

#include <charconv>
#include <optional>

#include "chat/jinja/functions.h"

namespace runnel::jinja {

namespace {

/// Levels of nesting of statements and expressions together; a thread with 256 KB of stack has room for them.
constexpr int depth_limit = 64;

struct BinaryOperator {
  std::string_view symbol;
  Operator op;
  int level;  ///< binds the tighter the higher it is
};

constexpr int comparison_level = 2;

constexpr BinaryOperator binary_operators[] = {
    {"or", Operator::logical_or, 0}, {"and", Operator::logical_and, 1},
    {"==", Operator::equal, 2},      {"!=", Operator::not_equal, 2},
    {"<", Operator::less, 2},        {"<=", Operator::less_equal, 2},
    {">", Operator::greater, 2},     {">=", Operator::greater_equal, 2},
    {"in", Operator::in, 2},         {"not", Operator::not_in, 2},
    {"+", Operator::add, 3},         {"-", Operator::subtract, 3},
    {"~", Operator::concatenate, 4}, {"*", Operator::multiply, 5},
    {"/", Operator::divide, 5},      {"//", Operator::floor_divide, 5},
    {"%", Operator::modulo, 5},      {"**", Operator::power, 6},
};

Expression::Kind kind_of(int level) {
  if (level < comparison_level) return Expression::Kind::logical;
  return level == comparison_level ? Expression::Kind::comparison : Expression::Kind::arithmetic;
}

std::optional<BinaryOperator> operator_at(const Lexeme& lexeme, const Lexeme& after) {
  if (lexeme.kind != TokenKind::symbol && lexeme.kind != TokenKind::name) return {};
  if (lexeme.text == "not" && (after.kind != TokenKind::name || after.text != "in")) return {};
  for (const auto& candidate : binary_operators) {
    if (candidate.symbol == lexeme.text) return candidate;
  }
  return {};
}

}  // namespace

ExpressionParser::Nested::Nested(ExpressionParser& parser) : parser_(parser) {
  if (parser.depth_ >= depth_limit) parser.fail("statements and expressions are nested too deeply");
  ++parser.depth_;
}

const Lexeme& ExpressionParser::peek(std::size_t ahead) const {
  return lexemes_[std::min(at_ + ahead, lexemes_.size() - 1)];
}

Lexeme ExpressionParser::next() {
  Lexeme lexeme = peek();
  if (at_ + 1 < lexemes_.size()) ++at_;
  return lexeme;
}

bool ExpressionParser::take_symbol(std::string_view symbol) {
  if (peek().kind != TokenKind::symbol || peek().text != symbol) return false;
  next();
  return true;
}

bool ExpressionParser::take_name(std::string_view name) {
  if (peek().kind != TokenKind::name || peek().text != name) return false;
  next();
  return true;
}

void ExpressionParser::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) fail("'" + std::string(symbol) + "' is expected, not " + shown(peek()));
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!take_name(name)) fail("'" + std::string(name) + "' is expected, not " + shown(peek()));
}

std::string ExpressionParser::expect_name() {
  if (peek().kind != TokenKind::name) fail("a name is expected, not " + shown(peek()));
  return next().text;
}

std::string ExpressionParser::shown(const Lexeme& lexeme) {
  switch (lexeme.kind) {
    case TokenKind::data:
      return "text";
    case TokenKind::string:
      return "a string";
    case TokenKind::end:
      return "the end of the template";
    default:
      return "'" + lexeme.text + "'";
  }
}

void ExpressionParser::fail(const std::string& what) const {
  throw SyntaxFault(peek().line, what);
}

ExpressionPtr ExpressionParser::make(Expression::Kind kind) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = peek().line;
  return made;
}

ExpressionPtr ExpressionParser::expression() {
  const Nested nested(*this);
  ExpressionPtr value = binary(0);
  if (!take_name("if")) return value;
  const Conditional conditional(*this);
  auto choice = make(Expression::Kind::conditional);
  choice->operands.push_back(std::move(value));
  choice->operands.push_back(binary(0));
  if (take_name("else")) choice->operands.push_back(expression());
  return choice;
}

/// Operators of level `lowest` and above. Operators of one level make one flat node.
ExpressionPtr ExpressionParser::binary(int lowest) {
  ExpressionPtr left = operand();
  for (auto found = operator_at(peek(), peek(1)); found && found->level >= lowest;
       found = operator_at(peek(), peek(1))) {
    const int level = found->level;
    auto node = make(kind_of(level));
    node->operands.push_back(std::move(left));
    while (found && found->level == level) {
      next();
      if (found->op == Operator::not_in) next();
      node->operators.push_back(found->op);
      node->operands.push_back(binary(level + 1));
      found = operator_at(peek(), peek(1));
    }
    left = std::move(node);
  }
  return left;
}

ExpressionPtr ExpressionParser::operand() {
  if (peek().kind != TokenKind::name || peek().text != "not") return unary(true);
  const Nested nested(*this);
  auto node = make(Expression::Kind::logical_not);
  next();
  node->operands.push_back(binary(comparison_level));
  return node;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const bool minus = peek().kind == TokenKind::symbol && peek().text == "-";
  const bool plus = peek().kind == TokenKind::symbol && peek().text == "+";
  ExpressionPtr result;
  if (minus || plus) {
    const Nested nested(*this);
    result = make(Expression::Kind::unary);
    next();
    result->operators.push_back(minus ? Operator::subtract : Operator::add);
    result->operands.push_back(unary(false));
  } else {
    result = primary();
    postfix(result);
  }
  if (with_filters) filters_and_tests(result);
  return result;
}

ExpressionPtr ExpressionParser::primary() {
  const Lexeme& lexeme = peek();
  if (lexeme.kind == TokenKind::symbol) {
    if (lexeme.text == "[") return list();
    if (lexeme.text == "{") return dict();
    if (!take_symbol("(")) fail("an expression is expected, not " + shown(lexeme));
    auto inner = tuple_or_value(true, true);
    expect_symbol(")");
    return inner;
  }
  return literal();
}

ExpressionPtr ExpressionParser::literal() {
  auto node = make(Expression::Kind::constant);
  const Lexeme lexeme = peek();
  const char* const first = lexeme.text.data();
  const char* const last = first + lexeme.text.size();
  switch (lexeme.kind) {
    case TokenKind::name:
      if (lexeme.text == "true" || lexeme.text == "True" || lexeme.text == "false" || lexeme.text == "False") {
        node->constant = Value::boolean(lexeme.text == "true" || lexeme.text == "True");
      } else if (lexeme.text == "none" || lexeme.text == "None") {
        node->constant = None();
      } else {
        node->kind = Expression::Kind::name;
        node->name = lexeme.text;
      }
      break;
    case TokenKind::integer: {
      std::int64_t number = 0;
      if (std::from_chars(first, last, number).ec != std::errc()) fail("the number " + lexeme.text + " is too large");
      node->constant = Value::integer(number);
      break;
    }
    case TokenKind::real: {
      double number = 0;
      if (std::from_chars(first, last, number).ec != std::errc()) fail("the number " + lexeme.text + " is too large");
      node->constant = Value::real(number);
      break;
    }
    case TokenKind::string: {
      std::string joined = lexeme.text;
      while (peek(1).kind == TokenKind::string) {
        next();
        joined += peek().text;
      }
      node->constant = Text(joined);
      break;
    }
    default:
      fail("an expression is expected, not " + shown(lexeme));
  }
  next();
  return node;
}

ExpressionPtr ExpressionParser::list() {
  auto node = make(Expression::Kind::list);
  expect_symbol("[");
  while (!take_symbol("]")) {
    if (!node->operands.empty()) {
      expect_symbol(",");
      if (take_symbol("]")) break;
    }
    node->operands.push_back(expression());
  }
  return node;
}

ExpressionPtr ExpressionParser::dict() {
  auto node = make(Expression::Kind::dict);
  expect_symbol("{");
  while (!take_symbol("}")) {
    if (!node->operands.empty()) {
      expect_symbol(",");
      if (take_symbol("}")) break;
    }
    node->operands.push_back(expression());
    expect_symbol(":");
    node->operands.push_back(expression());
  }
  return node;
}

bool ExpressionParser::at_tuple_end() const {
  const Lexeme& lexeme = peek();
  return lexeme.kind == TokenKind::print_end || lexeme.kind == TokenKind::block_end ||
         (lexeme.kind == TokenKind::symbol && lexeme.text == ")");
}

ExpressionPtr ExpressionParser::tuple_or_value(bool conditional, bool in_parentheses) {
  auto tuple = make(Expression::Kind::tuple);
  bool is_tuple = false;
  while (!at_tuple_end()) {
    tuple->operands.push_back(conditional ? expression() : binary(0));
    if (!take_symbol(",")) break;
    is_tuple = true;
  }
  if (is_tuple) return tuple;
  if (!tuple->operands.empty()) return std::move(tuple->operands[0]);
  if (!in_parentheses) fail("an expression is expected, not " + shown(peek()));
  return tuple;
}

Target ExpressionParser::single_target(bool attributes) {
  Target result;
  if (take_symbol("(")) {
    const Nested nested(*this);
    result = target(attributes);
    expect_symbol(")");
    return result;
  }
  result.name = expect_name();
  if (attributes && take_symbol(".")) {
    result.kind = Target::Kind::attribute;
    result.attribute = expect_name();
  }
  return result;
}

Target ExpressionParser::target(bool attributes) {
  Target first = single_target(attributes);
  if (!take_symbol(",")) return first;
  Target tuple;
  tuple.kind = Target::Kind::tuple;
  tuple.parts.push_back(std::move(first));
  while (peek().kind == TokenKind::name ? peek().text != "in" : peek().text == "(") {
    tuple.parts.push_back(single_target(attributes));
    if (!take_symbol(",")) break;
  }
  return tuple;
}

}  // namespace runnel::jinja
