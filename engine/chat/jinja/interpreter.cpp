#include "chat/jinja/interpreter.h"

#include <algorithm>

namespace runnel::jinja {

namespace {

/// Levels of statements, expressions and macro calls inside each other while rendering; a thread with 256 KB of stack
/// has room for them.
constexpr int depth_limit = 150;

}  // namespace

void Scope::set(std::string_view name, Value value) {
  for (auto& [own, known] : variables) {
    if (own != name) continue;
    known = std::move(value);
    return;
  }
  heap().meter().hold(sizeof(variables[0]));
  held += sizeof(variables[0]);
  variables.emplace_back(name, std::move(value));
}

Interpreter::Deeper::Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
  if (interpreter.depth_ >= depth_limit) throw Fault("macros and expressions call each other too deeply");
  ++interpreter.depth_;
}

Text Interpreter::run(const Block& program) {
  run_block(program);
  return out_.finish();
}

Interpreter::Flow Interpreter::run_block(const Block& block) {
  for (const auto& statement : block) {
    const Flow flow = run_statement(*statement);
    if (flow != Flow::onwards) return flow;
  }
  return Flow::onwards;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement) {
  const Deeper deeper(*this);
  context_.meter.step();
  line_ = statement.line;
  switch (statement.kind) {
    case Statement::Kind::data:
      out_.append(statement.data);
      break;
    case Statement::Kind::print:
      put(evaluate(*statement.values[0]));
      break;
    case Statement::Kind::choice:
      return run_choice(statement);
    case Statement::Kind::loop:
      return run_loop(statement);
    case Statement::Kind::assign:
      assign(statement.target, evaluate(*statement.values[0]));
      break;
    case Statement::Kind::capture:
    case Statement::Kind::filter:
      return run_capture(statement);
    case Statement::Kind::macro:
      scope_->set(statement.name, context_.heap.make<Macro>(statement, scope_));
      break;
    case Statement::Kind::call:
      run_call(statement);
      break;
    case Statement::Kind::scope:
      return run_scope(statement);
    case Statement::Kind::break_loop:
      return Flow::break_loop;
    case Statement::Kind::continue_loop:
      return Flow::continue_loop;
  }
  return Flow::onwards;
}

void Interpreter::put(const Value& value) {
  const Text text = to_text(context_, value);
  context_.meter.walk(text.size());
  out_.append(text);
}

Interpreter::Flow Interpreter::run_choice(const Statement& statement) {
  for (const auto& branch : statement.branches) {
    if (!branch.condition || is_true(evaluate(*branch.condition))) return run_block(branch.body);
  }
  return Flow::onwards;
}

Ref<List> Interpreter::loop_items(const Statement& statement) {
  Ref<List> all = to_list(context_, evaluate(*statement.values[0]));
  if (!statement.values[1]) return all;
  Ref<List> chosen = context_.list();
  for (const auto& item : all->items) {
    const InScope scope(*this, scope_);
    assign(statement.target, item);
    if (is_true(evaluate(*statement.values[1]))) chosen->append(item);
  }
  return chosen;
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement) {
  const Ref<Loop> loop = context_.heap.make<Loop>();
  loop->items = loop_items(statement);
  if (loop->items->items.empty()) {
    const InScope scope(*this, scope_);
    return run_block(statement.alternative);
  }
  for (; loop->index < loop->items->items.size(); ++loop->index) {
    context_.meter.step();
    const InScope scope(*this, scope_);
    scope_->set("loop", loop);
    assign(statement.target, loop->items->items[loop->index]);
    if (run_block(statement.body) == Flow::break_loop) break;
  }
  return Flow::onwards;
}

/// `{% set x %}…{% endset %}` and `{% filter f %}…{% endfilter %}`.
Interpreter::Flow Interpreter::run_capture(const Statement& statement) {
  TextBuilder outer = std::exchange(out_, TextBuilder(context_.meter));
  Flow flow = Flow::onwards;
  {
    const InScope scope(*this, scope_);
    flow = run_block(statement.body);
  }
  Value captured = std::exchange(out_, std::move(outer)).finish();
  if (flow != Flow::onwards) return flow;
  for (const auto& filter : statement.filters) captured = follow(filter, captured, nullptr);
  if (statement.kind == Statement::Kind::filter) {
    put(captured);
  } else {
    assign(statement.target, captured);
  }
  return flow;
}

Interpreter::Flow Interpreter::run_scope(const Statement& statement) {
  std::vector<Value> values;
  values.reserve(statement.values.size());
  for (const auto& value : statement.values) values.push_back(evaluate(*value));
  const InScope scope(*this, scope_);
  for (std::size_t at = 0; at < values.size(); ++at) assign(statement.assigned[at], values[at]);
  return run_block(statement.body);
}

/// `{% call m(x) %}…{% endcall %}`: the body becomes the macro `caller` of the called one.
void Interpreter::run_call(const Statement& statement) {
  const Expression& chain = *statement.values[0];
  const Value caller = context_.heap.make<Macro>(statement, scope_);
  Value value = evaluate(*chain.operands[0]);
  for (const auto& link : chain.links) value = follow(link, value, &link == &chain.links.back() ? &caller : nullptr);
  put(value);
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.kind == Target::Kind::name) {
    scope_->set(target.name, value);
    return;
  }
  if (target.kind == Target::Kind::attribute) {
    const Value* object = find_variable(target.name);
    const auto* space = object ? object->as<Ref<Namespace>>() : nullptr;
    if (!space) throw Fault("'" + target.name + "' is no namespace, so its attributes can't be set");
    (*space)->set(target.attribute, value);
    return;
  }
  const Ref<List> parts = to_list(context_, value);
  if (parts->items.size() != target.parts.size()) {
    throw Fault(std::to_string(target.parts.size()) + " values are expected, not " +
                std::to_string(parts->items.size()));
  }
  for (std::size_t at = 0; at < target.parts.size(); ++at) assign(target.parts[at], parts->items[at]);
}

Value Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  TextBuilder outer = std::exchange(out_, TextBuilder(context_.meter));
  {
    const InScope scope(*this, macro.scope);
    bind_parameters(macro, arguments);
    run_block(macro.definition.body);
  }
  return std::exchange(out_, std::move(outer)).finish();
}

void Interpreter::bind_parameters(const Macro& macro, const Arguments& arguments) {
  const auto& parameters = macro.definition.parameters;
  auto rest = context_.tuple();
  for (std::size_t at = parameters.size(); at < arguments.positional.size(); ++at) {
    rest->append(arguments.positional[at]);
  }
  auto others = context_.heap.make<Dict>();
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::find_if(parameters.begin(), parameters.end(),
                                    [&wanted = name](const Parameter& parameter) { return parameter.name == wanted; });
    if (known != parameters.end()) continue;
    if (name == "caller") {
      scope_->set("caller", value);
    } else {
      others->set(text(name), value);
    }
  }
  scope_->set("varargs", rest);
  scope_->set("kwargs", others);
  for (std::size_t at = 0; at < parameters.size(); ++at) {
    const auto& parameter = parameters[at];
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& argument) { return argument.first == parameter.name; });
    if (at < arguments.positional.size()) {
      scope_->set(parameter.name, arguments.positional[at]);
    } else if (named != arguments.named.end()) {
      scope_->set(parameter.name, named->second);
    } else {
      scope_->set(parameter.name, parameter.fallback ? evaluate(*parameter.fallback) : Undefined{&parameter.name});
    }
  }
}

}  // namespace runnel::jinja
