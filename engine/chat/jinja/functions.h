#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "chat/jinja/value.h"

namespace runnel::jinja {

/// The functions, filters, tests and methods of the language by name; null when there is none of that name.
/// Filters and tests take what they are applied to as `self`; tests return a bool.
Function find_filter(std::string_view name);
Function find_test(std::string_view name);
Function find_global(std::string_view name);

/// The attribute or method `name` of a value; undefined (named `undefined_name`) when there is none.
Value attribute(Context& context, const Value& value, const std::string& name);

/// `value[index]`; undefined when there is no such entry.
Value subscript(Context& context, const Value& value, const Value& index);

/// A table of functions; small, so it is searched from the front.
struct Entry {
  std::string_view name;
  Function function;
};

template <std::size_t size>
Function find_in(const Entry (&table)[size], std::string_view name) {
  for (const auto& entry : table) {
    if (entry.name == name) return entry.function;
  }
  return nullptr;
}

/// Arguments of a call matched with parameters, as Python does it.
class Bound {
 public:
  /// Throws Fault when there are too many arguments, an unknown or a doubled name, or less than `required` of them.
  Bound(const Arguments& arguments, std::initializer_list<std::string_view> parameters, std::size_t required = 0);

  /// Null when the argument was left out.
  const Value* operator[](std::size_t parameter) const { return values_[parameter]; }

  const Text* text(std::size_t parameter, std::string_view what) const;
  std::int64_t integer(std::size_t parameter, std::string_view what, std::int64_t fallback) const;
  bool truth(std::size_t parameter, bool fallback) const;

 private:
  std::vector<const Value*> values_;
};

}  // namespace runnel::jinja
