#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/heap.h"
#include "chat/jinja/text.h"

namespace runnel::jinja {

struct List;
struct Dict;
struct Namespace;
struct Loop;
struct Builtin;
struct Macro;
struct Value;

/// The value of a name or attribute that does not exist, as jinja2's default Undefined: prints as nothing, is false,
/// empty when iterated, an error when anything else is done with it. `name` belongs to the program; may be null.
struct Undefined {
  const std::string* name = nullptr;
};

struct None {};

/// Any value a template can handle. Copies share lists, dicts and the like, as in Python.
struct Value {
  using Kinds = std::variant<Undefined, None, bool, std::int64_t, double, Text, Ref<List>, Ref<Dict>, Ref<Namespace>,
                             Ref<Loop>, Ref<Builtin>, Ref<Macro>>;
  Kinds kind;

  Value() = default;
  Value(Undefined undefined) : kind(undefined) {}
  Value(None none) : kind(none) {}
  Value(Text text) : kind(std::move(text)) {}
  template <typename T>
  Value(Ref<T> object) : kind(std::move(object)) {}
  /// Numbers and truths only through these, so that nothing becomes one by accident.
  static Value boolean(bool truth);
  static Value integer(std::int64_t number);
  static Value integer(std::size_t number) { return integer(static_cast<std::int64_t>(number)); }
  static Value real(double number);

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&kind);
  }
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(kind);
  }
};

/// A list, or a tuple, which can't be changed.
struct List : Object {
  List(Heap& heap, bool is_tuple) : Object(heap), tuple(is_tuple) {}
  ~List() override { heap().meter().release(held); }
  void append(Value value);
  void clear() override { items.clear(); }

  std::vector<Value> items;
  bool tuple;
  std::size_t held = 0;  ///< bytes told to the meter
};

/// Keys in the order of insertion.
struct Dict : Object {
  explicit Dict(Heap& heap) : Object(heap) {}
  ~Dict() override { heap().meter().release(held); }
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  /// Throws Fault for a key that Python could not hash.
  void set(const Value& key, Value value);
  void clear() override { entries.clear(); }

  std::vector<std::pair<Value, Value>> entries;
  std::size_t held = 0;  ///< bytes told to the meter
};

/// What `namespace()` makes: attributes that can be set from inside loops.
struct Namespace : Object {
  explicit Namespace(Heap& heap) : Object(heap) {}
  ~Namespace() override { heap().meter().release(held); }
  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
  void clear() override { members.clear(); }

  std::vector<std::pair<std::string, Value>> members;
  std::size_t held = 0;  ///< bytes told to the meter
};

/// The variable `loop`.
struct Loop : Object {
  explicit Loop(Heap& heap) : Object(heap) {}
  void clear() override {
    items = {};
    last_changed = {};
  }

  Ref<List> items;
  std::size_t index = 0;
  Ref<List> last_changed;  ///< arguments of the last call of `loop.changed`
};

struct Context;

/// The arguments of a call, a filter or a test.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

using Function = Value (*)(Context& context, const Value& self, const Arguments& arguments);

/// A function of ours, or a method together with its object.
struct Builtin : Object {
  Builtin(Heap& heap, Function code, Value object) : Object(heap), function(code), self(std::move(object)) {}
  void clear() override { self = {}; }

  Function function;
  Value self;
};

/// What functions, filters, tests and methods may use.
struct Context {
  Heap& heap;
  Meter& meter;
  std::int64_t now;  ///< seconds since the epoch

  Ref<List> list() { return heap.make<List>(false); }
  Ref<List> tuple() { return heap.make<List>(true); }
  Ref<List> list(std::vector<Value> items);
};

/// A text in the words of the template.
inline Value text(std::string_view bytes) {
  return Text(std::string(bytes));
}

/// As Python's names of types, for messages.
std::string_view type_name(const Value& value);

bool is_true(const Value& value);

/// The number in an int, a float or a bool (which is an int in Python).
bool is_number(const Value& value);
bool is_integer(const Value& value);
double as_real(const Value& number);
std::int64_t as_integer(const Value& integer);

/// int() of a float in Python; throws Fault when the result does not fit into 64 bits.
std::int64_t truncated(double number);

/// Throws Fault when the values are nested too deeply or contain themselves.
bool equal(Context& context, const Value& left, const Value& right);

/// Negative, 0 or positive. Throws Fault when the two can't be ordered.
int compare(Context& context, const Value& left, const Value& right);

/// As str() in Python.
Text to_text(Context& context, const Value& value);

/// As repr() in Python, appended.
void append_repr(Context& context, TextBuilder& out, const Value& value, int depth = 0);

/// As repr() of a float in Python.
std::string repr(double number);

/// What a loop or a filter walks through: the entries of a list, the keys of a dict, the characters of a string,
/// nothing for undefined. Throws Fault for anything else.
Ref<List> to_list(Context& context, const Value& value);

/// Throws Fault unless `value` is a string; `what` says which argument it is.
const Text& need_text(const Value& value, std::string_view what);
std::int64_t need_integer(const Value& value, std::string_view what);

}  // namespace runnel::jinja
