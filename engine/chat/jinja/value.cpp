#include "chat/jinja/value.h"

#include <algorithm>
#include <cmath>

#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

constexpr int depth_limit = 60;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

bool is_hashable(const Value& value) {
  if (const auto* list = value.as<Ref<List>>()) {
    return (*list)->tuple && std::none_of((*list)->items.begin(), (*list)->items.end(),
                                          [](const Value& item) { return item.is<Ref<List>>() || !is_hashable(item); });
  }
  return !value.is<Ref<Dict>>();
}

/// Equality of what a dict may have for a key.
bool same_key(const Value& left, const Value& right) {
  const auto* left_text = left.as<Text>();
  const auto* right_text = right.as<Text>();
  if (left_text || right_text) return left_text && right_text && left_text->bytes() == right_text->bytes();
  if (is_integer(left) && is_integer(right)) return as_integer(left) == as_integer(right);
  if (is_number(left) && is_number(right)) return as_real(left) == as_real(right);
  if (const auto* list = left.as<Ref<List>>()) {
    const auto* other = right.as<Ref<List>>();
    return other && std::equal((*list)->items.begin(), (*list)->items.end(), (*other)->items.begin(),
                               (*other)->items.end(), same_key);
  }
  return left.kind.index() == right.kind.index() && (left.is<None>() || left.is<Undefined>());
}

bool equal_at(Context& context, const Value& left, const Value& right, int depth);

bool equal_lists(Context& context, const List& left, const List& right, int depth) {
  if (left.tuple != right.tuple || left.items.size() != right.items.size()) return false;
  for (std::size_t at = 0; at < left.items.size(); ++at) {
    if (!equal_at(context, left.items[at], right.items[at], depth + 1)) return false;
  }
  return true;
}

bool equal_dicts(Context& context, const Dict& left, const Dict& right, int depth) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const Value* other = right.find(key);
    if (!other || !equal_at(context, value, *other, depth + 1)) return false;
  }
  return true;
}

bool equal_at(Context& context, const Value& left, const Value& right, int depth) {
  if (depth > depth_limit) throw Fault("values are nested too deeply to be compared");
  context.meter.step();
  if (is_integer(left) && is_integer(right)) return as_integer(left) == as_integer(right);
  if (is_number(left) && is_number(right)) return as_real(left) == as_real(right);
  if (left.kind.index() != right.kind.index()) return false;
  return std::visit(
      Overloaded{
          [&](const Undefined&) { return true; },
          [&](const None&) { return true; },
          [&](const Text& text) {
            context.meter.walk(std::min(text.size(), right.as<Text>()->size()));
            return text.bytes() == right.as<Text>()->bytes();
          },
          [&](const Ref<List>& list) { return equal_lists(context, *list, **right.as<Ref<List>>(), depth); },
          [&](const Ref<Dict>& dict) { return equal_dicts(context, *dict, **right.as<Ref<Dict>>(), depth); },
          [&](const auto& other) { return other == *right.as<std::decay_t<decltype(other)>>(); },
      },
      left.kind);
}

int compare_at(Context& context, const Value& left, const Value& right, int depth) {
  if (depth > depth_limit) throw Fault("values are nested too deeply to be compared");
  context.meter.step();
  if (is_integer(left) && is_integer(right)) {
    return as_integer(left) < as_integer(right) ? -1 : as_integer(left) > as_integer(right);
  }
  if (is_number(left) && is_number(right)) {
    return as_real(left) < as_real(right) ? -1 : as_real(left) > as_real(right);
  }
  const auto* text = left.as<Text>();
  const auto* list = left.as<Ref<List>>();
  if (text && right.is<Text>()) {
    context.meter.walk(std::min(text->size(), right.as<Text>()->size()));
    return text->bytes().compare(right.as<Text>()->bytes());
  }
  if (list && right.is<Ref<List>>() && (*list)->tuple == (*right.as<Ref<List>>())->tuple) {
    const auto& mine = (*list)->items;
    const auto& others = (*right.as<Ref<List>>())->items;
    for (std::size_t at = 0; at < std::min(mine.size(), others.size()); ++at) {
      if (!equal_at(context, mine[at], others[at], depth + 1)) {
        return compare_at(context, mine[at], others[at], depth + 1);
      }
    }
    return mine.size() < others.size() ? -1 : mine.size() > others.size();
  }
  throw Fault("'" + std::string(type_name(left)) + "' and '" + std::string(type_name(right)) + "' can't be ordered");
}

}  // namespace

Value Value::boolean(bool truth) {
  Value value;
  value.kind = truth;
  return value;
}

Value Value::integer(std::int64_t number) {
  Value value;
  value.kind = number;
  return value;
}

Value Value::real(double number) {
  Value value;
  value.kind = number;
  return value;
}

void List::append(Value value) {
  heap().meter().hold(sizeof(Value));
  held += sizeof(Value);
  items.push_back(std::move(value));
}

const Value* Dict::find(const Value& key) const {
  heap().meter().walk(entries.size());
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return same_key(entry.first, key); });
  return found == entries.end() ? nullptr : &found->second;
}

const Value* Dict::find(std::string_view key) const {
  heap().meter().walk(entries.size());
  for (const auto& [own, value] : entries) {
    const auto* name = own.as<Text>();
    if (name && name->bytes() == key) return &value;
  }
  return nullptr;
}

void Dict::set(const Value& key, Value value) {
  if (!is_hashable(key)) throw Fault("a '" + std::string(type_name(key)) + "' can't be the key of a dict");
  if (const Value* found = find(key)) {
    *const_cast<Value*>(found) = std::move(value);
    return;
  }
  heap().meter().hold(sizeof(entries[0]));
  held += sizeof(entries[0]);
  entries.emplace_back(key, std::move(value));
}

const Value* Namespace::find(std::string_view name) const {
  heap().meter().walk(members.size());
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

void Namespace::set(std::string_view name, Value value) {
  if (const Value* found = find(name)) {
    *const_cast<Value*>(found) = std::move(value);
    return;
  }
  const std::size_t size = sizeof(members[0]) + name.size();
  heap().meter().hold(size);
  held += size;
  members.emplace_back(name, std::move(value));
}

Ref<List> Context::list(std::vector<Value> items) {
  auto made = list();
  const std::size_t size = items.size() * sizeof(Value);
  meter.hold(size);
  made->held = size;
  made->items = std::move(items);
  return made;
}

std::string_view type_name(const Value& value) {
  return std::visit(Overloaded{
                        [](const Undefined&) { return "undefined"; },
                        [](const None&) { return "none"; },
                        [](bool) { return "bool"; },
                        [](std::int64_t) { return "int"; },
                        [](double) { return "float"; },
                        [](const Text&) { return "string"; },
                        [](const Ref<List>& list) { return list->tuple ? "tuple" : "list"; },
                        [](const Ref<Dict>&) { return "dict"; },
                        [](const Ref<Namespace>&) { return "namespace"; },
                        [](const Ref<Loop>&) { return "loop"; },
                        [](const Ref<Builtin>&) { return "function"; },
                        [](const Ref<Macro>&) { return "macro"; },
                    },
                    value.kind);
}

bool is_true(const Value& value) {
  return std::visit(Overloaded{
                        [](const Undefined&) { return false; },
                        [](const None&) { return false; },
                        [](bool truth) { return truth; },
                        [](std::int64_t number) { return number != 0; },
                        [](double number) { return number != 0; },
                        [](const Text& text) { return !text.empty(); },
                        [](const Ref<List>& list) { return !list->items.empty(); },
                        [](const Ref<Dict>& dict) { return !dict->entries.empty(); },
                        [](const auto&) { return true; },
                    },
                    value.kind);
}

bool is_integer(const Value& value) {
  return value.is<std::int64_t>() || value.is<bool>();
}

bool is_number(const Value& value) {
  return is_integer(value) || value.is<double>();
}

std::int64_t as_integer(const Value& integer) {
  if (const auto* truth = integer.as<bool>()) return *truth;
  return *integer.as<std::int64_t>();
}

double as_real(const Value& number) {
  if (const auto* real = number.as<double>()) return *real;
  return static_cast<double>(as_integer(number));
}

std::int64_t truncated(double number) {
  if (!(std::abs(number) < 9.2e18)) throw Fault("a number is too large for an integer");
  return static_cast<std::int64_t>(number);
}

bool equal(Context& context, const Value& left, const Value& right) {
  return equal_at(context, left, right, 0);
}

int compare(Context& context, const Value& left, const Value& right) {
  return compare_at(context, left, right, 0);
}

Ref<List> to_list(Context& context, const Value& value) {
  if (const auto* list = value.as<Ref<List>>()) {
    context.meter.walk((*list)->items.size());
    return context.list((*list)->items);
  }
  auto items = context.list();
  if (const auto* dict = value.as<Ref<Dict>>()) {
    for (const auto& entry : (*dict)->entries) items->append(entry.first);
  } else if (const auto* string = value.as<Text>()) {
    const std::string_view bytes = string->bytes();
    context.meter.walk(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t length = character_at(bytes, at).length;
      items->append(string->slice(at, at + length));
      at += length;
    }
  } else if (!value.is<Undefined>()) {
    throw Fault("a '" + std::string(type_name(value)) + "' can't be walked through");
  }
  context.meter.walk(items->items.size());
  return items;
}

const Text& need_text(const Value& value, std::string_view what) {
  if (const auto* string = value.as<Text>()) return *string;
  throw Fault(std::string(what) + " must be a string, not '" + std::string(type_name(value)) + "'");
}

std::int64_t need_integer(const Value& value, std::string_view what) {
  if (is_integer(value)) return as_integer(value);
  throw Fault(std::string(what) + " must be an integer, not '" + std::string(type_name(value)) + "'");
}

}  // namespace runnel::jinja
