// Filters that walk through lists, dicts and strings, as jinja2 defines them.

#include <algorithm>
#include <charconv>

#include "chat/jinja/filters.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"

namespace runnel::jinja {

namespace {

Value fallback(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"default_value", "boolean"});
  const bool taken = self.is<Undefined>() || (bound.truth(1, false) && !is_true(self));
  if (!taken) return self;
  return bound[0] ? *bound[0] : Text();
}

Value length(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (const auto* text = self.as<Text>()) {
    if (text->ascii()) return Value::integer(text->size());
    context.meter.walk(text->size());
    return Value::integer(character_offsets(text->bytes()).size() - 1);
  }
  if (const auto* list = self.as<Ref<List>>()) return Value::integer((*list)->items.size());
  if (const auto* dict = self.as<Ref<Dict>>()) return Value::integer((*dict)->entries.size());
  if (self.is<Undefined>()) return Value::integer(std::int64_t{0});
  throw Fault("a '" + std::string(type_name(self)) + "' has no length");
}

Value first(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (self.is<Text>() || self.is<Ref<List>>()) return subscript(context, self, Value::integer(std::int64_t{0}));
  const Ref<List> items = to_list(context, self);
  return items->items.empty() ? Undefined() : items->items.front();
}

Value last(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (self.is<Text>() || self.is<Ref<List>>()) return subscript(context, self, Value::integer(std::int64_t{-1}));
  const Ref<List> items = to_list(context, self);
  return items->items.empty() ? Undefined() : items->items.back();
}

Value list(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return to_list(context, self);
}

/// `value.a.0.b`, given as the text "a.0.b" or as a number; each step that finds nothing gives `otherwise`.
Value at_path(Context& context, Value value, const Value& path, const Value& otherwise = Undefined()) {
  const auto take = [&](const Value& index) {
    value = subscript(context, value, index);
    if (value.is<Undefined>()) value = otherwise;
  };
  const auto* text = path.as<Text>();
  if (!text) {
    take(path);
    return value;
  }
  std::string_view rest = text->bytes();
  context.meter.walk(rest.size());
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view step = rest.substr(0, dot);
    std::int64_t index = 0;
    const auto number = std::from_chars(step.data(), step.data() + step.size(), index);
    const bool numbered = number.ec == std::errc() && number.ptr == step.data() + step.size() && step[0] != '-';
    take(numbered ? Value::integer(index) : Text(std::string(step)));
    if (dot == rest.size()) return value;
    rest.remove_prefix(dot + 1);
  }
}

/// The value by which a filter with `attribute=` looks at an item.
Value key_of(Context& context, const Value& item, const Value* path) {
  return path && !path->is<None>() ? at_path(context, item, *path) : item;
}

/// Small letters, unless case counts.
Value folded(Context& context, const Value& key, bool case_sensitive) {
  const auto* text = key.as<Text>();
  return text && !case_sensitive ? Value(lower(context, *text)) : key;
}

Value join(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"d", "attribute"});
  const Ref<List> items = to_list(context, self);
  for (auto& item : items->items) item = key_of(context, item, bound[1]);
  return joined(context, bound[0] ? to_text(context, *bound[0]) : Text(), *items, false);
}

Value items(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (self.is<Undefined>()) return context.list();
  if (!self.is<Ref<Dict>>()) throw Fault("items needs a dict, not '" + std::string(type_name(self)) + "'");
  auto result = context.list();
  for (const auto& [key, value] : (*self.as<Ref<Dict>>())->entries) {
    auto pair = context.tuple();
    pair->append(key);
    pair->append(value);
    result->append(pair);
  }
  context.meter.walk(result->items.size());
  return result;
}

/// Sorts items by keys, both of the same length; the order of equal ones stays.
Ref<List> sorted(Context& context, const Ref<List>& list, const std::vector<Value>& keys, bool reverse) {
  std::vector<std::size_t> order(keys.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    return reverse ? compare(context, keys[right], keys[left]) < 0 : compare(context, keys[left], keys[right]) < 0;
  });
  auto result = context.list();
  for (const std::size_t at : order) result->append(list->items[at]);
  return result;
}

Value sort(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"reverse", "case_sensitive", "attribute"});
  const Ref<List> all = to_list(context, self);
  std::vector<Value> keys;
  for (const auto& item : all->items) {
    keys.push_back(folded(context, key_of(context, item, bound[2]), bound.truth(1, false)));
  }
  return sorted(context, all, keys, bound.truth(0, false));
}

Value dict_sort(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"case_sensitive", "by", "reverse"});
  const Text* by = bound.text(1, "the argument 'by' of dictsort");
  if (by && by->bytes() != "key" && by->bytes() != "value") throw Fault("dictsort sorts by 'key' or 'value'");
  const Value pairs = items(context, self, Arguments());
  const auto& list = *pairs.as<Ref<List>>();
  std::vector<Value> keys;
  for (const auto& pair : list->items) {
    const auto& parts = (*pair.as<Ref<List>>())->items;
    keys.push_back(folded(context, parts[by && by->bytes() == "value" ? 1 : 0], bound.truth(0, false)));
  }
  return sorted(context, list, keys, bound.truth(2, false));
}

Value reverse(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (self.is<Text>()) return sliced(context, self, None(), None(), Value::integer(std::int64_t{-1}));
  auto result = to_list(context, self);
  std::reverse(result->items.begin(), result->items.end());
  return result;
}

Value unique(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"case_sensitive", "attribute"});
  const Ref<List> all = to_list(context, self);
  std::vector<Value> seen;
  auto result = context.list();
  for (const auto& item : all->items) {
    Value key = folded(context, key_of(context, item, bound[1]), bound.truth(0, false));
    const bool known =
        std::any_of(seen.begin(), seen.end(), [&](const Value& other) { return equal(context, key, other); });
    if (known) continue;
    seen.push_back(std::move(key));
    result->append(item);
  }
  return result;
}

template <bool largest>
Value extreme(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"case_sensitive", "attribute"});
  const Ref<List> all = to_list(context, self);
  std::vector<Value> keys;
  std::size_t best = 0;
  for (const auto& item : all->items) {
    keys.push_back(folded(context, key_of(context, item, bound[1]), bound.truth(0, false)));
    const int order = compare(context, keys.back(), keys[best]);
    if (largest ? order > 0 : order < 0) best = keys.size() - 1;
  }
  return keys.empty() ? Undefined() : all->items[best];
}

Value sum(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"attribute", "start"});
  Value total = bound[1] ? *bound[1] : Value::integer(std::int64_t{0});
  const Ref<List> all = to_list(context, self);
  for (const auto& item : all->items) {
    total = arithmetic(context, Operator::add, total, key_of(context, item, bound[0]));
  }
  return total;
}

/// As to_list, but what is false has no entries, not even none.
Ref<List> to_list_if_true(Context& context, const Value& value) {
  if (!is_true(value)) return context.list();
  return to_list(context, value);
}

/// `map('upper')`, `map(attribute='role')`.
Value map(Context& context, const Value& self, const Arguments& arguments) {
  auto result = to_list_if_true(context, self);
  if (arguments.positional.empty()) {
    const Bound bound(arguments, {"attribute", "default"}, 1);
    for (auto& item : result->items) item = at_path(context, item, *bound[0], bound[1] ? *bound[1] : Undefined());
    return result;
  }
  const Text& name = need_text(arguments.positional[0], "the name of a filter");
  const Function filter = find_filter(name.bytes());
  if (!filter) throw Fault("unknown filter '" + std::string(name.bytes()) + "'");
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin());
  for (auto& item : result->items) {
    context.meter.step();
    item = filter(context, item, rest);
  }
  return result;
}

/// select, reject, selectattr, rejectattr: the items (or those whose attribute) a test holds for, or the others.
template <bool of_attribute, bool wanted>
Value select(Context& context, const Value& self, const Arguments& arguments) {
  Arguments rest = arguments;
  Value path;
  if (of_attribute) {
    if (rest.positional.empty()) throw Fault("the name of an attribute is missing");
    path = rest.positional.front();
    rest.positional.erase(rest.positional.begin());
  }
  Function test = nullptr;
  if (!rest.positional.empty()) {
    const Text name = need_text(rest.positional.front(), "the name of a test");
    test = find_test(name.bytes());
    if (!test) throw Fault("unknown test '" + std::string(name.bytes()) + "'");
    rest.positional.erase(rest.positional.begin());
  }
  const Ref<List> all = to_list_if_true(context, self);
  auto result = context.list();
  for (const auto& item : all->items) {
    context.meter.step();
    const Value key = of_attribute ? at_path(context, item, path) : item;
    if (is_true(test ? test(context, key, rest) : key) == wanted) result->append(item);
  }
  return result;
}

constexpr Entry filters[] = {
    {"default", fallback},
    {"d", fallback},
    {"length", length},
    {"count", length},
    {"first", first},
    {"last", last},
    {"list", list},
    {"join", join},
    {"items", items},
    {"dictsort", dict_sort},
    {"sort", sort},
    {"reverse", reverse},
    {"unique", unique},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"sum", sum},
    {"map", map},
    {"select", select<false, true>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<true, false>},
};

}  // namespace

Function find_sequence_filter(std::string_view name) {
  return find_in(filters, name);
}

}  // namespace runnel::jinja
