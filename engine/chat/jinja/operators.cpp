#include "chat/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

[[noreturn]] void refuse(std::string_view op, const Value& left, const Value& right) {
  for (const Value* side : {&left, &right}) {
    if (const auto* undefined = side->as<Undefined>()) {
      throw Fault(undefined->name ? "'" + *undefined->name + "' is undefined" : "a value is undefined");
    }
  }
  throw Fault("'" + std::string(op) + "' can't be used with '" + std::string(type_name(left)) + "' and '" +
              std::string(type_name(right)) + "'");
}

[[noreturn]] void refuse_large() {
  throw Fault("an integer does not fit into 64 bits");
}

std::int64_t floor_quotient(std::int64_t left, std::int64_t right) {
  if (right == 0) throw Fault("division by zero");
  if (right == -1) {
    std::int64_t result;
    if (__builtin_sub_overflow(std::int64_t{0}, left, &result)) refuse_large();
    return result;
  }
  const std::int64_t quotient = left / right;
  return (left % right != 0 && (left < 0) != (right < 0)) ? quotient - 1 : quotient;
}

Value integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) throw Fault("division by zero");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  if (base == 0 || base == 1) return Value::integer(exponent == 0 ? std::int64_t{1} : base);
  if (base == -1) return Value::integer(exponent % 2 == 0 ? std::int64_t{1} : std::int64_t{-1});
  for (; exponent > 0; --exponent) {  // at most 63 rounds: then it overflows
    if (__builtin_mul_overflow(result, base, &result)) refuse_large();
  }
  return Value::integer(result);
}

Value integer_arithmetic(Operator op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::add:
      overflow = __builtin_add_overflow(left, right, &result);
      break;
    case Operator::subtract:
      overflow = __builtin_sub_overflow(left, right, &result);
      break;
    case Operator::multiply:
      overflow = __builtin_mul_overflow(left, right, &result);
      break;
    case Operator::floor_divide:
      result = floor_quotient(left, right);
      break;
    case Operator::modulo:
      if (right == 0) throw Fault("division by zero");
      result = right == -1 ? 0 : left % right;
      if (result != 0 && (result < 0) != (right < 0)) result += right;
      break;
    case Operator::power:
      return integer_power(left, right);
    default:
      if (right == 0) throw Fault("division by zero");
      return Value::real(static_cast<double>(left) / static_cast<double>(right));
  }
  if (overflow) refuse_large();
  return Value::integer(result);
}

Value real_arithmetic(Operator op, double left, double right) {
  const bool divides = op == Operator::divide || op == Operator::floor_divide || op == Operator::modulo;
  if (divides && right == 0) throw Fault("division by zero");
  switch (op) {
    case Operator::add:
      return Value::real(left + right);
    case Operator::subtract:
      return Value::real(left - right);
    case Operator::multiply:
      return Value::real(left * right);
    case Operator::floor_divide:
      return Value::real(std::floor(left / right));
    case Operator::modulo: {
      const double rest = std::fmod(left, right);
      return Value::real(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
    }
    case Operator::power:
      return Value::real(std::pow(left, right));
    default:
      return Value::real(left / right);
  }
}

Value joined_texts(Context& context, const Text& left, const Text& right) {
  if (right.empty()) return left;
  if (left.empty()) return right;
  context.meter.walk(left.size() + right.size());
  TextBuilder out(context.meter);
  out.append(left);
  out.append(right);
  return out.finish();
}

Value repeated(Context& context, const Value& value, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  if (const auto* string = value.as<Text>()) {
    TextBuilder out(context.meter);
    for (std::int64_t round = 0; round < times && !string->empty(); ++round) {
      context.meter.walk(string->size());
      out.append(*string);
    }
    return out.finish();
  }
  const auto& source = *value.as<Ref<List>>();
  auto result = context.heap.make<List>(source->tuple);
  for (std::int64_t round = 0; round < times && !source->items.empty(); ++round) {
    context.meter.walk(source->items.size());
    for (const auto& item : source->items) result->append(item);
  }
  return result;
}

Value joined_lists(Context& context, const List& left, const List& right) {
  context.meter.walk(left.items.size() + right.items.size());
  auto result = context.heap.make<List>(left.tuple);
  for (const auto& item : left.items) result->append(item);
  for (const auto& item : right.items) result->append(item);
  return result;
}

bool is_sequence(const Value& value) {
  return value.is<Text>() || value.is<Ref<List>>();
}

std::string_view symbol(Operator op) {
  static constexpr std::string_view symbols[] = {"+",  "-",  "*",  "/", "//", "%", "**", "~",  "and",
                                                 "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  return symbols[static_cast<std::size_t>(op)];
}

bool contains(Context& context, const Value& container, const Value& item) {
  if (const auto* string = container.as<Text>()) {
    const auto* part = item.as<Text>();
    if (!part) throw Fault("only a string can be 'in' a string, not '" + std::string(type_name(item)) + "'");
    context.meter.walk(string->size() + part->size());
    return find(string->bytes(), part->bytes()) != std::string_view::npos;
  }
  if (const auto* list = container.as<Ref<List>>()) {
    return std::any_of((*list)->items.begin(), (*list)->items.end(),
                       [&](const Value& entry) { return equal(context, entry, item); });
  }
  if (const auto* dict = container.as<Ref<Dict>>()) return (*dict)->find(item) != nullptr;
  if (container.is<Undefined>()) return false;
  throw Fault("'in' can't be used with '" + std::string(type_name(container)) + "'");
}

}  // namespace

Value arithmetic(Context& context, Operator op, const Value& left, const Value& right) {
  if (op == Operator::concatenate) return joined_texts(context, to_text(context, left), to_text(context, right));
  if (is_integer(left) && is_integer(right)) return integer_arithmetic(op, as_integer(left), as_integer(right));
  if (is_number(left) && is_number(right)) return real_arithmetic(op, as_real(left), as_real(right));
  const auto* text = left.as<Text>();
  if (op == Operator::add) {
    if (text && right.is<Text>()) return joined_texts(context, *text, *right.as<Text>());
    const auto* list = left.as<Ref<List>>();
    const auto* other = right.as<Ref<List>>();
    if (list && other && (*list)->tuple == (*other)->tuple) return joined_lists(context, **list, **other);
  }
  if (op == Operator::multiply) {
    if (is_sequence(left) && is_integer(right)) return repeated(context, left, as_integer(right));
    if (is_integer(left) && is_sequence(right)) return repeated(context, right, as_integer(left));
  }
  if (op == Operator::modulo && text && !right.is<Undefined>()) return format_percent(context, *text, right);
  refuse(symbol(op), left, right);
}

bool holds(Context& context, Operator op, const Value& left, const Value& right) {
  switch (op) {
    case Operator::equal:
      return equal(context, left, right);
    case Operator::not_equal:
      return !equal(context, left, right);
    case Operator::in:
      return contains(context, right, left);
    case Operator::not_in:
      return !contains(context, right, left);
    default:
      break;
  }
  if (left.is<Undefined>() || right.is<Undefined>()) refuse(symbol(op), left, right);
  const bool numbers = is_number(left) && is_number(right);
  if (numbers && (std::isnan(as_real(left)) || std::isnan(as_real(right)))) return false;
  const int order = compare(context, left, right);
  switch (op) {
    case Operator::less:
      return order < 0;
    case Operator::less_equal:
      return order <= 0;
    case Operator::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

Value negated(const Value& value) {
  if (is_integer(value)) return integer_arithmetic(Operator::subtract, 0, as_integer(value));
  if (const auto* real = value.as<double>()) return Value::real(-*real);
  throw Fault("'-' can't be used with '" + std::string(type_name(value)) + "'");
}

}  // namespace runnel::jinja
