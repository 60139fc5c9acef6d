// The interpreter's expressions.

#include "chat/jinja/functions.h"
#include "chat/jinja/interpreter.h"

namespace runnel::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  const Deeper deeper(*this);
  context_.meter.step();
  line_ = expression.line;
  switch (expression.kind) {
    case Expression::Kind::constant:
      return expression.constant;
    case Expression::Kind::name:
      return evaluate_name(expression);
    case Expression::Kind::list:
    case Expression::Kind::tuple:
      return evaluate_items(expression);
    case Expression::Kind::dict:
      return evaluate_dict(expression);
    case Expression::Kind::chain:
      return evaluate_chain(expression);
    case Expression::Kind::unary:
      return evaluate_unary(expression);
    case Expression::Kind::logical_not:
      return Value::boolean(!is_true(evaluate(*expression.operands[0])));
    case Expression::Kind::arithmetic:
      return evaluate_arithmetic(expression);
    case Expression::Kind::comparison:
      return evaluate_comparison(expression);
    case Expression::Kind::logical:
      return evaluate_logical(expression);
    case Expression::Kind::conditional:
      return evaluate_conditional(expression);
  }
  return {};
}

const Value* Interpreter::find_variable(std::string_view name) const {
  for (const Scope* scope = scope_.get(); scope; scope = scope->parent.get()) {
    context_.meter.walk(scope->variables.size());
    for (const auto& [own, value] : scope->variables) {
      if (own == name) return &value;
    }
  }
  return nullptr;
}

Value Interpreter::evaluate_name(const Expression& expression) {
  if (const Value* variable = find_variable(expression.name)) return *variable;
  if (const Function global = find_global(expression.name)) return context_.heap.make<Builtin>(global, Value());
  return Undefined{&expression.name};
}

Value Interpreter::evaluate_items(const Expression& expression) {
  auto items = context_.heap.make<List>(expression.kind == Expression::Kind::tuple);
  for (const auto& operand : expression.operands) items->append(evaluate(*operand));
  return items;
}

Value Interpreter::evaluate_dict(const Expression& expression) {
  auto dict = context_.heap.make<Dict>();
  for (std::size_t at = 0; at + 1 < expression.operands.size(); at += 2) {
    const Value key = evaluate(*expression.operands[at]);
    dict->set(key, evaluate(*expression.operands[at + 1]));
  }
  return dict;
}

Value Interpreter::evaluate_chain(const Expression& expression) {
  Value value = evaluate(*expression.operands[0]);
  for (const auto& link : expression.links) value = follow(link, value, nullptr);
  return value;
}

Value Interpreter::evaluate_unary(const Expression& expression) {
  Value value = evaluate(*expression.operands[0]);
  if (expression.operators[0] == Operator::subtract) return negated(value);
  if (!is_number(value)) throw Fault("'+' can't be used with '" + std::string(type_name(value)) + "'");
  return value;
}

Value Interpreter::evaluate_arithmetic(const Expression& expression) {
  Value value = evaluate(*expression.operands[0]);
  for (std::size_t at = 0; at < expression.operators.size(); ++at) {
    const Value right = evaluate(*expression.operands[at + 1]);
    value = arithmetic(context_, expression.operators[at], value, right);
  }
  return value;
}

Value Interpreter::evaluate_comparison(const Expression& expression) {
  Value left = evaluate(*expression.operands[0]);
  for (std::size_t at = 0; at < expression.operators.size(); ++at) {
    Value right = evaluate(*expression.operands[at + 1]);
    if (!holds(context_, expression.operators[at], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_logical(const Expression& expression) {
  const bool decisive = expression.operators[0] == Operator::logical_or;
  Value value = evaluate(*expression.operands[0]);
  for (std::size_t at = 1; at < expression.operands.size() && is_true(value) != decisive; ++at) {
    value = evaluate(*expression.operands[at]);
  }
  return value;
}

Value Interpreter::evaluate_conditional(const Expression& expression) {
  if (is_true(evaluate(*expression.operands[1]))) return evaluate(*expression.operands[0]);
  return expression.operands.size() > 2 ? evaluate(*expression.operands[2]) : Undefined{};
}

Value Interpreter::follow_slice(const Link& link, const Value& value) {
  Value bounds[3] = {None(), None(), None()};
  for (int part = 0; part < 3; ++part) {
    if (link.index[part]) bounds[part] = evaluate(*link.index[part]);
  }
  return sliced(context_, value, bounds[0], bounds[1], bounds[2]);
}

Value Interpreter::follow(const Link& link, const Value& value, const Value* caller) {
  context_.meter.step();
  switch (link.kind) {
    case Link::Kind::attribute:
      return attribute(context_, value, link.name);
    case Link::Kind::subscript:
      return subscript(context_, value, evaluate(*link.index[0]));
    case Link::Kind::slice:
      return follow_slice(link, value);
    default:
      break;
  }
  Arguments arguments = evaluate_arguments(link.arguments);
  line_ = link.line;
  if (link.kind == Link::Kind::call) {
    if (caller) arguments.named.emplace_back("caller", *caller);
    return call(value, arguments);
  }
  if (!link.code) {
    throw Fault(std::string(link.kind == Link::Kind::filter ? "unknown filter '" : "unknown test '") + link.name + "'");
  }
  const Value result = link.code(context_, value, arguments);
  return link.negated ? Value::boolean(!is_true(result)) : result;
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (const auto* builtin = callee.as<Ref<Builtin>>()) {
    const Ref<Builtin> kept = *builtin;  // `self` must outlive the call
    return kept->function(context_, kept->self, arguments);
  }
  if (const auto* macro = callee.as<Ref<Macro>>()) {
    const Ref<Macro> kept = *macro;
    return call_macro(*kept, arguments);
  }
  if (const auto* undefined = callee.as<Undefined>()) {
    throw Fault(undefined->name ? "'" + *undefined->name + "' is undefined" : "what is to be called is undefined");
  }
  throw Fault("a '" + std::string(type_name(callee)) + "' can't be called");
}

Arguments Interpreter::evaluate_arguments(const ArgumentList& list) {
  Arguments arguments;
  for (const auto& argument : list.positional) arguments.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : list.named) arguments.named.emplace_back(name, evaluate(*argument));
  if (list.star) {
    const Ref<List> items = to_list(context_, evaluate(*list.star));
    for (const auto& item : items->items) arguments.positional.push_back(item);
  }
  if (list.double_star) {
    const Value value = evaluate(*list.double_star);
    const auto* dict = value.as<Ref<Dict>>();
    if (!dict) throw Fault("'**' needs a dict, not '" + std::string(type_name(value)) + "'");
    for (const auto& [key, item] : (*dict)->entries) {
      arguments.named.emplace_back(std::string(need_text(key, "the name of an argument").bytes()), item);
    }
  }
  return arguments;
}

}  // namespace runnel::jinja
