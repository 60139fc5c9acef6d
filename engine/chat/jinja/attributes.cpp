// Attributes, subscripts and the methods of lists, dicts and loops.

#include <algorithm>

#include "chat/jinja/functions.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

List& list_of(const Value& self) {
  return **self.as<Ref<List>>();
}
Dict& dict_of(const Value& self) {
  return **self.as<Ref<Dict>>();
}
Loop& loop_of(const Value& self) {
  return **self.as<Ref<Loop>>();
}

Value pair(Context& context, const Value& first, const Value& second) {
  auto result = context.tuple();
  result->append(first);
  result->append(second);
  return result;
}

Value list_append(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"object"}, 1);
  list_of(self).append(*bound[0]);
  return None();
}

Value list_extend(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"iterable"}, 1);
  const Ref<List> more = to_list(context, *bound[0]);
  for (const auto& item : more->items) list_of(self).append(item);
  return None();
}

std::size_t position(const List& list, std::int64_t at) {
  const auto size = static_cast<std::int64_t>(list.items.size());
  if (at < 0) at += size;
  if (at < 0 || at >= size) throw Fault("an index is out of range");
  return static_cast<std::size_t>(at);
}

Value list_insert(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"index", "object"}, 2);
  List& list = list_of(self);
  const auto size = static_cast<std::int64_t>(list.items.size());
  std::int64_t at = bound.integer(0, "an index", 0);
  if (at < 0) at += size;
  at = std::clamp<std::int64_t>(at, 0, size);
  context.meter.walk(list.items.size());
  list.append(*bound[1]);
  std::rotate(list.items.begin() + at, list.items.end() - 1, list.items.end());
  return None();
}

Value list_pop(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"index"});
  List& list = list_of(self);
  const std::size_t at = position(list, bound.integer(0, "an index", -1));
  context.meter.walk(list.items.size() - at);
  Value taken = list.items[at];
  list.items.erase(list.items.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

Value list_index(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"value"}, 1);
  const auto& items = list_of(self).items;
  for (std::size_t at = 0; at < items.size(); ++at) {
    if (equal(context, items[at], *bound[0])) return Value::integer(at);
  }
  throw Fault("a list does not have the value that is looked for");
}

Value list_count(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"value"}, 1);
  const auto& items = list_of(self).items;
  return Value::integer(
      std::count_if(items.begin(), items.end(), [&](const Value& item) { return equal(context, item, *bound[0]); }));
}

constexpr Entry list_methods[] = {
    {"append", list_append}, {"extend", list_extend}, {"insert", list_insert},
    {"pop", list_pop},       {"index", list_index},   {"count", list_count},
};

Value dict_items(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  auto result = context.list();
  for (const auto& [key, value] : dict_of(self).entries) result->append(pair(context, key, value));
  context.meter.walk(result->items.size());
  return result;
}

Value dict_keys(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return to_list(context, self);
}

Value dict_values(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  auto result = context.list();
  for (const auto& entry : dict_of(self).entries) result->append(entry.second);
  context.meter.walk(result->items.size());
  return result;
}

Value dict_get(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"key", "default"}, 1);
  const Value* found = dict_of(self).find(*bound[0]);
  if (found) return *found;
  return bound[1] ? *bound[1] : None();
}

Value dict_update(Context& context, const Value& self, const Arguments& arguments) {
  Arguments sources = arguments;
  for (const auto& source : sources.positional) {
    const Ref<List> keys = to_list(context, source);
    for (const auto& key : keys->items) dict_of(self).set(key, subscript(context, source, key));
  }
  for (const auto& [name, value] : sources.named) dict_of(self).set(text(name), value);
  return None();
}

Value dict_pop(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"key", "default"}, 1);
  const Value* found = dict_of(self).find(*bound[0]);
  if (!found && !bound[1]) throw Fault("a dict does not have the key that is looked for");
  if (!found) return *bound[1];
  Value taken = *found;
  auto& entries = dict_of(self).entries;
  context.meter.walk(entries.size());
  entries.erase(
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return &entry.second == found; }));
  return taken;
}

constexpr Entry dict_methods[] = {
    {"items", dict_items}, {"keys", dict_keys},     {"values", dict_values},
    {"get", dict_get},     {"update", dict_update}, {"pop", dict_pop},
};

Value loop_cycle(Context&, const Value& self, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Fault("loop.cycle needs values");
  return arguments.positional[loop_of(self).index % arguments.positional.size()];
}

Value loop_changed(Context& context, const Value& self, const Arguments& arguments) {
  Loop& loop = loop_of(self);
  Ref<List> values = context.list(arguments.positional);
  const bool same = loop.last_changed && equal(context, loop.last_changed, values);
  loop.last_changed = values;
  return Value::boolean(!same);
}

Value loop_attribute(Context& context, const Value& self, const std::string& name) {
  const Loop& loop = loop_of(self);
  const auto& items = loop.items->items;
  if (name == "index") return Value::integer(loop.index + 1);
  if (name == "index0") return Value::integer(loop.index);
  if (name == "revindex") return Value::integer(items.size() - loop.index);
  if (name == "revindex0") return Value::integer(items.size() - loop.index - 1);
  if (name == "first") return Value::boolean(loop.index == 0);
  if (name == "last") return Value::boolean(loop.index + 1 == items.size());
  if (name == "length") return Value::integer(items.size());
  // The depth of recursion, which we don't have; loops inside loops don't count.
  if (name == "depth") return Value::integer(std::int64_t{1});
  if (name == "depth0") return Value::integer(std::int64_t{0});
  if (name == "previtem" && loop.index > 0) return items[loop.index - 1];
  if (name == "nextitem" && loop.index + 1 < items.size()) return items[loop.index + 1];
  if (name == "cycle") return context.heap.make<Builtin>(loop_cycle, self);
  if (name == "changed") return context.heap.make<Builtin>(loop_changed, self);
  return Undefined{&name};
}

/// The method `name` bound to `value`, or undefined.
Value method(Context& context, const Value& value, std::string_view name) {
  Function code = nullptr;
  if (value.is<Text>()) code = find_string_method(name);
  if (value.is<Ref<Dict>>()) code = find_in(dict_methods, name);
  if (const auto* list = value.as<Ref<List>>()) {
    code = find_in(list_methods, name);
    if ((*list)->tuple && name != "index" && name != "count") code = nullptr;
  }
  if (!code) return Undefined();
  return context.heap.make<Builtin>(code, value);
}

[[noreturn]] void refuse_undefined(const Value& value) {
  const auto* name = value.as<Undefined>()->name;
  throw Fault(name ? "'" + *name + "' is undefined" : "a value is undefined");
}

Value character(Context& context, const Text& text, std::int64_t at) {
  const Value stop = at == -1 ? Value(None()) : Value::integer(at + 1);
  return sliced(context, text, Value::integer(at), stop, None());
}

}  // namespace

Value attribute(Context& context, const Value& value, const std::string& name) {
  if (value.is<Undefined>()) refuse_undefined(value);
  if (value.is<Ref<Loop>>()) return loop_attribute(context, value, name);
  if (const auto* space = value.as<Ref<Namespace>>()) {
    const Value* member = (*space)->find(name);
    return member ? *member : Undefined{&name};
  }
  Value found = method(context, value, name);
  if (!found.is<Undefined>()) return found;
  if (const auto* dict = value.as<Ref<Dict>>()) {
    const Value* entry = (*dict)->find(std::string_view(name));
    if (entry) return *entry;
  }
  return Undefined{&name};
}

Value subscript(Context& context, const Value& value, const Value& index) {
  if (value.is<Undefined>()) refuse_undefined(value);
  if (const auto* dict = value.as<Ref<Dict>>()) {
    if (const Value* entry = (*dict)->find(index)) return *entry;
  }
  if (const auto* list = value.as<Ref<List>>(); list && is_integer(index)) {
    const auto size = static_cast<std::int64_t>((*list)->items.size());
    const std::int64_t at = as_integer(index) < 0 ? as_integer(index) + size : as_integer(index);
    return at >= 0 && at < size ? (*list)->items[static_cast<std::size_t>(at)] : Undefined();
  }
  if (const auto* string = value.as<Text>(); string && is_integer(index)) {
    const std::int64_t at = as_integer(index);
    if (at >= static_cast<std::int64_t>(string->size()) || at < -static_cast<std::int64_t>(string->size())) {
      return Undefined();
    }
    Value found = character(context, *string, at);
    return found.as<Text>()->empty() ? Undefined() : found;
  }
  const auto* name = index.as<Text>();
  if (!name) return Undefined();
  if (const auto* space = value.as<Ref<Namespace>>()) {
    const Value* member = (*space)->find(name->bytes());
    return member ? *member : Undefined();
  }
  return method(context, value, name->bytes());
}

}  // namespace runnel::jinja
