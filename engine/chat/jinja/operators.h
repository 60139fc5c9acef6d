#pragma once

#include "chat/jinja/value.h"

namespace runnel::jinja {

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  concatenate,
  logical_and,
  logical_or,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

/// The result of `left op right` as in Python, for the arithmetical operators and `~`. Throws Fault for types that
/// don't go together, division by zero and integers beyond 64 bits.
Value arithmetic(Context& context, Operator op, const Value& left, const Value& right);

/// The truth of `left op right`, for the comparisons, `in` and `not in`.
bool holds(Context& context, Operator op, const Value& left, const Value& right);

Value negated(const Value& value);

/// Text formatting as `text % values` in Python: %s, %r, %d, %i, %x, %f and the like, with flags, width, precision.
Text format_percent(Context& context, const Text& pattern, const Value& values);

/// Bounds of a Python slice over `size` entries. Throws Fault for a step of 0.
struct Slice {
  std::int64_t start, stop, step;
};
Slice slice_bounds(const Value& start, const Value& stop, const Value& step, std::size_t size);

/// `value[start:stop:step]` of a string, list or tuple; none or undefined bounds are left out.
Value sliced(Context& context, const Value& value, const Value& start, const Value& stop, const Value& step);

/// Offsets where the characters of `bytes` begin, with the end of the text as the last one.
std::vector<std::size_t> character_offsets(std::string_view bytes);

}  // namespace runnel::jinja
