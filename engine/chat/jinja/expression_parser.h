#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/lexer.h"

namespace runnel::jinja {

/// Parses the expressions of a template; the statements are its subclass's.
class ExpressionParser {
 protected:
  explicit ExpressionParser(std::string_view source) : lexemes_(lex(source)) {}
  ~ExpressionParser() = default;

  /// As long as it lives, one level of nesting more; throws SyntaxFault when there are too many.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };

  /// As long as it lives, what is parsed may never be reached: an unknown filter or test is no error yet.
  class Conditional {
   public:
    explicit Conditional(ExpressionParser& parser) : parser_(parser) { ++parser_.conditions_; }
    ~Conditional() { --parser_.conditions_; }
    Conditional(const Conditional&) = delete;
    Conditional& operator=(const Conditional&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Lexeme& peek(std::size_t ahead = 0) const;
  Lexeme next();
  bool take_symbol(std::string_view symbol);
  bool take_name(std::string_view name);
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);
  std::string expect_name();
  static std::string shown(const Lexeme& lexeme);
  [[noreturn]] void fail(const std::string& what) const;

  ExpressionPtr expression();

  /// Several expressions with commas between them, which make a tuple, or a single one.
  /// `conditional`: a single one may be `a if b else c`.
  ExpressionPtr tuple_or_value(bool conditional, bool in_parentheses = false);

  /// What is assigned to. `attributes`: may be an attribute of a namespace.
  Target target(bool attributes);

  /// A chain of filters; `first`: it begins without `|`.
  std::vector<Link> filters(bool first);

 private:
  ExpressionPtr make(Expression::Kind kind) const;
  ExpressionPtr binary(int lowest);
  ExpressionPtr operand();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr primary();
  ExpressionPtr literal();
  ExpressionPtr list();
  ExpressionPtr dict();
  bool at_tuple_end() const;
  void postfix(ExpressionPtr& expression);
  void filters_and_tests(ExpressionPtr& expression);
  Link& link(ExpressionPtr& expression, Link::Kind kind);
  void subscript(ExpressionPtr& expression);
  void filter(Link& link);
  void test(Link& link);
  ArgumentList arguments();
  Target single_target(bool attributes);

  std::vector<Lexeme> lexemes_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int conditions_ = 0;
};

}  // namespace runnel::jinja
