// The tests of the language: `value is name`.

#include <cmath>

#include "chat/jinja/filters.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"

namespace runnel::jinja {

namespace {

template <bool (*check)(const Value&)>
Value plain(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return Value::boolean(check(self));
}

template <Operator op>
Value compared(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"other"}, 1);
  return Value::boolean(holds(context, op, self, *bound[0]));
}

bool is_defined(const Value& value) {
  return !value.is<Undefined>();
}
bool is_undefined(const Value& value) {
  return value.is<Undefined>();
}
bool is_none(const Value& value) {
  return value.is<None>();
}
bool is_string(const Value& value) {
  return value.is<Text>();
}
bool is_mapping(const Value& value) {
  return value.is<Ref<Dict>>();
}
bool is_boolean(const Value& value) {
  return value.is<bool>();
}
bool is_plain_integer(const Value& value) {
  return value.is<std::int64_t>();
}
bool is_float(const Value& value) {
  return value.is<double>();
}
bool is_true_itself(const Value& value) {
  return value.is<bool>() && *value.as<bool>();
}
bool is_false_itself(const Value& value) {
  return value.is<bool>() && !*value.as<bool>();
}
bool is_callable(const Value& value) {
  return value.is<Ref<Builtin>>() || value.is<Ref<Macro>>();
}
bool is_iterable(const Value& value) {
  return value.is<Text>() || value.is<Ref<List>>() || value.is<Ref<Dict>>() || value.is<Undefined>();
}

template <Text (*change)(Context&, const Text&), Text (*opposite)(Context&, const Text&)>
Value in_case(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const Text text = to_text(context, self);
  const bool changes = opposite(context, text).bytes() != text.bytes();  // it has letters at all
  return Value::boolean(changes && change(context, text).bytes() == text.bytes());
}

std::int64_t remainder(Context& context, const Value& self, const Value& divisor) {
  const Value rest = arithmetic(context, Operator::modulo, self, divisor);
  return is_integer(rest) ? as_integer(rest) : (as_real(rest) == 0 ? 0 : -1);
}

Value odd(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return Value::boolean(remainder(context, self, Value::integer(std::int64_t{2})) == 1);
}

Value even(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return Value::boolean(remainder(context, self, Value::integer(std::int64_t{2})) == 0);
}

Value divisible(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"num"}, 1);
  return Value::boolean(remainder(context, self, *bound[0]) == 0);
}

Value same_as(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"other"}, 1);
  if (self.kind.index() != bound[0]->kind.index()) return Value::boolean(false);
  if (const auto* list = self.as<Ref<List>>()) return Value::boolean(*list == *bound[0]->as<Ref<List>>());
  if (const auto* dict = self.as<Ref<Dict>>()) return Value::boolean(*dict == *bound[0]->as<Ref<Dict>>());
  return Value::boolean(equal(context, self, *bound[0]));
}

template <Function (*find)(std::string_view)>
Value known(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const auto* name = self.as<Text>();
  return Value::boolean(name && find(name->bytes()));
}

constexpr Entry tests[] = {
    {"defined", plain<is_defined>},
    {"undefined", plain<is_undefined>},
    {"none", plain<is_none>},
    {"string", plain<is_string>},
    {"mapping", plain<is_mapping>},
    {"iterable", plain<is_iterable>},
    {"sequence", plain<is_iterable>},
    {"number", plain<is_number>},
    {"integer", plain<is_plain_integer>},
    {"float", plain<is_float>},
    {"boolean", plain<is_boolean>},
    {"true", plain<is_true_itself>},
    {"false", plain<is_false_itself>},
    {"callable", plain<is_callable>},
    {"lower", in_case<lower, upper>},
    {"upper", in_case<upper, lower>},
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible},
    {"sameas", same_as},
    {"filter", known<find_filter>},
    {"test", known<find_test>},
    {"==", compared<Operator::equal>},
    {"eq", compared<Operator::equal>},
    {"equalto", compared<Operator::equal>},
    {"!=", compared<Operator::not_equal>},
    {"ne", compared<Operator::not_equal>},
    {"<", compared<Operator::less>},
    {"lt", compared<Operator::less>},
    {"lessthan", compared<Operator::less>},
    {"<=", compared<Operator::less_equal>},
    {"le", compared<Operator::less_equal>},
    {">", compared<Operator::greater>},
    {"gt", compared<Operator::greater>},
    {"greaterthan", compared<Operator::greater>},
    {">=", compared<Operator::greater_equal>},
    {"ge", compared<Operator::greater_equal>},
    {"in", compared<Operator::in>},
};

}  // namespace

Function find_test(std::string_view name) {
  return find_in(tests, name);
}

}  // namespace runnel::jinja
