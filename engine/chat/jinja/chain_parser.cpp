// The part of the expression parser that reads what follows a value: attributes, subscripts, calls, filters, tests.

#include "chat/jinja/expression_parser.h"
#include "chat/jinja/functions.h"

namespace runnel::jinja {

/// A new link at the end of `expression`, which becomes a chain if it is none.
Link& ExpressionParser::link(ExpressionPtr& expression, Link::Kind kind) {
  if (expression->kind != Expression::Kind::chain) {
    auto chain = make(Expression::Kind::chain);
    chain->operands.push_back(std::move(expression));
    expression = std::move(chain);
  }
  auto& added = expression->links.emplace_back();
  added.kind = kind;
  added.line = peek().line;
  return added;
}

void ExpressionParser::postfix(ExpressionPtr& expression) {
  while (peek().kind == TokenKind::symbol) {
    if (peek().text == "(") {
      link(expression, Link::Kind::call).arguments = arguments();
    } else if (peek().text == "." || peek().text == "[") {
      subscript(expression);
    } else {
      return;
    }
  }
}

void ExpressionParser::subscript(ExpressionPtr& expression) {
  if (take_symbol(".")) {
    auto& added = link(expression, Link::Kind::attribute);
    if (peek().kind == TokenKind::integer) {
      added.kind = Link::Kind::subscript;
      added.index[0] = literal();
    } else {
      added.name = expect_name();
    }
    return;
  }
  auto& added = link(expression, Link::Kind::subscript);
  next();
  const auto at_end = [this] { return peek().kind == TokenKind::symbol && (peek().text == ":" || peek().text == "]"); };
  if (!at_end()) added.index[0] = tuple_or_value(true);
  for (int part = 1; part < 3 && take_symbol(":"); ++part) {
    added.kind = Link::Kind::slice;
    if (!at_end()) added.index[part] = this->expression();
  }
  expect_symbol("]");
  if (added.kind == Link::Kind::subscript && !added.index[0]) fail("an index is expected between '[' and ']'");
}

void ExpressionParser::filters_and_tests(ExpressionPtr& expression) {
  bool tested = false;
  while (true) {
    if (take_symbol("|")) {
      filter(link(expression, Link::Kind::filter));
      tested = false;
    } else if (peek().kind == TokenKind::name && peek().text == "is") {
      if (tested) fail("tests can't be chained with 'is'");
      next();
      test(link(expression, Link::Kind::test));
      tested = true;
    } else if (peek().kind == TokenKind::symbol && peek().text == "(") {
      link(expression, Link::Kind::call).arguments = arguments();
    } else {
      return;
    }
  }
}

void ExpressionParser::filter(Link& link) {
  link.name = expect_name();
  link.code = find_filter(link.name);
  if (!link.code && conditions_ == 0) fail("unknown filter '" + link.name + "'");
  if (peek().kind == TokenKind::symbol && peek().text == "(") link.arguments = arguments();
}

void ExpressionParser::test(Link& link) {
  link.negated = take_name("not");
  link.name = expect_name();
  link.code = find_test(link.name);
  if (!link.code && conditions_ == 0) fail("unknown test '" + link.name + "'");
  const Lexeme& lexeme = peek();
  if (lexeme.kind == TokenKind::symbol && lexeme.text == "(") {
    link.arguments = arguments();
    return;
  }
  const bool keyword =
      lexeme.kind == TokenKind::name && (lexeme.text == "else" || lexeme.text == "or" || lexeme.text == "and" ||
                                         lexeme.text == "is" || lexeme.text == "if");
  const bool value = lexeme.kind == TokenKind::name || lexeme.kind == TokenKind::string ||
                     lexeme.kind == TokenKind::integer || lexeme.kind == TokenKind::real ||
                     (lexeme.kind == TokenKind::symbol && (lexeme.text == "[" || lexeme.text == "{"));
  if (!value || keyword) return;
  const Nested nested(*this);
  auto argument = primary();
  postfix(argument);
  link.arguments.positional.push_back(std::move(argument));
}

std::vector<Link> ExpressionParser::filters(bool first) {
  std::vector<Link> result;
  while (first || take_symbol("|")) {
    first = false;
    auto& added = result.emplace_back();
    added.kind = Link::Kind::filter;
    added.line = peek().line;
    filter(added);
  }
  return result;
}

ArgumentList ExpressionParser::arguments() {
  ArgumentList result;
  expect_symbol("(");
  bool first = true;
  while (!take_symbol(")")) {
    if (!first) {
      expect_symbol(",");
      if (take_symbol(")")) break;
    }
    first = false;
    if (take_symbol("**")) {
      result.double_star = expression();
    } else if (take_symbol("*")) {
      result.star = expression();
    } else if (peek().kind == TokenKind::name && peek(1).kind == TokenKind::symbol && peek(1).text == "=") {
      std::string name = next().text;
      next();
      result.named.emplace_back(std::move(name), expression());
    } else {
      if (!result.named.empty()) fail("an argument without name follows one with a name");
      result.positional.push_back(expression());
    }
  }
  return result;
}

}  // namespace runnel::jinja
