#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/value.h"

namespace runnel::jinja {

/// Variables of a template, a loop's round, a macro's call … A name that is missing is looked for in the parent.
struct Scope : Object {
  Scope(Heap& heap, Ref<Scope> outer) : Object(heap), parent(std::move(outer)) {}
  ~Scope() override { heap().meter().release(held); }
  /// Names must live as long as the program.
  void set(std::string_view name, Value value);
  void clear() override {
    parent = {};
    variables.clear();
  }

  Ref<Scope> parent;
  std::vector<std::pair<std::string_view, Value>> variables;
  std::size_t held = 0;  ///< bytes told to the meter
};

/// A macro, with the scope it was defined in.
struct Macro : Object {
  Macro(Heap& heap, const Statement& statement, Ref<Scope> around)
      : Object(heap), definition(statement), scope(std::move(around)) {}
  void clear() override { scope = {}; }

  const Statement& definition;
  Ref<Scope> scope;
};

/// Runs a parsed template once.
class Interpreter {
 public:
  explicit Interpreter(Context& context)
      : context_(context), scope_(context.heap.make<Scope>(Ref<Scope>())), out_(context.meter) {}

  /// A variable for the whole template.
  void define(std::string_view name, Value value) { scope_->set(name, std::move(value)); }

  /// What the template puts out. Throws Fault; then line() is where.
  Text run(const Block& program);

  int line() const { return line_; }

 private:
  enum class Flow : std::uint8_t { onwards, break_loop, continue_loop };
  class Deeper;
  class InScope;

  // statements (interpreter.cpp)
  Flow run_block(const Block& block);
  Flow run_statement(const Statement& statement);
  Flow run_choice(const Statement& statement);
  Flow run_loop(const Statement& statement);
  Flow run_capture(const Statement& statement);
  Flow run_scope(const Statement& statement);
  void run_call(const Statement& statement);
  Ref<List> loop_items(const Statement& statement);
  void assign(const Target& target, const Value& value);
  void put(const Value& value);
  Value call_macro(const Macro& macro, const Arguments& arguments);
  void bind_parameters(const Macro& macro, const Arguments& arguments);

  // expressions (evaluator.cpp)
  Value evaluate(const Expression& expression);
  Value evaluate_name(const Expression& expression);
  Value evaluate_items(const Expression& expression);
  Value evaluate_dict(const Expression& expression);
  Value evaluate_chain(const Expression& expression);
  Value evaluate_arithmetic(const Expression& expression);
  Value evaluate_comparison(const Expression& expression);
  Value evaluate_logical(const Expression& expression);
  Value evaluate_conditional(const Expression& expression);
  Value evaluate_unary(const Expression& expression);
  Value follow(const Link& link, const Value& value, const Value* caller);
  Value follow_slice(const Link& link, const Value& value);
  Value call(const Value& callee, const Arguments& arguments);
  Arguments evaluate_arguments(const ArgumentList& list);
  const Value* find_variable(std::string_view name) const;

  Context& context_;
  Ref<Scope> scope_;
  TextBuilder out_;
  int line_ = 1;
  int depth_ = 0;
};

/// As long as it lives, one level more of evaluation; throws Fault when there are too many for a small stack.
class Interpreter::Deeper {
 public:
  explicit Deeper(Interpreter& interpreter);
  ~Deeper() { --interpreter_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& interpreter_;
};

/// As long as it lives, variables are set in a scope of its own inside `parent`.
class Interpreter::InScope {
 public:
  InScope(Interpreter& interpreter, Ref<Scope> parent)
      : interpreter_(interpreter),
        outer_(std::exchange(interpreter.scope_, interpreter.context_.heap.make<Scope>(std::move(parent)))) {}
  ~InScope() { interpreter_.scope_ = std::move(outer_); }
  InScope(const InScope&) = delete;
  InScope& operator=(const InScope&) = delete;

 private:
  Interpreter& interpreter_;
  Ref<Scope> outer_;
};

}  // namespace runnel::jinja
