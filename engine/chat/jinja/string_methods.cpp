// The methods of strings.

#include <algorithm>

#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

const Text& text_of(const Value& self) {
  return *self.as<Text>();
}

template <bool left, bool right>
Value strip(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"chars"});
  return stripped(context, text_of(self), bound.text(0, "the characters to strip"), left, right);
}

/// Length of the run at the beginning (or end) of `bytes` that has no white space.
std::size_t word_length(std::string_view bytes, bool at_end) {
  std::size_t length = 0;
  while (length < bytes.size()) {
    const Character next = at_end ? character_before(bytes, bytes.size() - length) : character_at(bytes, length);
    if (is_space(next.code)) break;
    length += next.length;
  }
  return length;
}

/// Runs of characters that are no white space, in the order found; what is left after `limit` cuts stays whole.
Ref<List> words(Context& context, const Text& text, std::int64_t limit, bool from_right) {
  auto result = context.list();
  Text rest = stripped(context, text, nullptr, !from_right, from_right);
  for (; !rest.empty() && limit != 0; --limit) {
    const std::size_t size = rest.size();
    const std::size_t length = word_length(rest.bytes(), from_right);
    context.meter.walk(length);
    result->append(from_right ? rest.slice(size - length, size) : rest.slice(0, length));
    rest = from_right ? rest.slice(0, size - length) : rest.slice(length, size);
    rest = stripped(context, rest, nullptr, !from_right, from_right);
  }
  if (!rest.empty()) result->append(rest);
  return result;
}

Ref<List> pieces(Context& context, const Text& text, const Text& separator, std::int64_t limit, bool from_right) {
  if (separator.empty()) throw Fault("the separator of a split must not be empty");
  // Searching backwards may compare every byte with the whole separator.
  context.meter.walk(text.size() * (1 + (from_right ? separator.size() / 16 : 0)));
  auto result = context.list();
  const std::string_view bytes = text.bytes();
  std::vector<std::size_t> cuts;
  if (from_right) {
    for (std::size_t end = bytes.size(); limit != 0 && end >= separator.size(); --limit) {
      const std::size_t at = bytes.rfind(separator.bytes(), end - separator.size());
      if (at == std::string_view::npos) break;
      cuts.push_back(at);
      end = at;
    }
    std::reverse(cuts.begin(), cuts.end());
  } else {
    for (std::size_t at = 0; limit != 0; --limit) {
      at = find(bytes, separator.bytes(), at);
      if (at == std::string_view::npos) break;
      cuts.push_back(at);
      at += separator.size();
    }
  }
  std::size_t first = 0;
  for (const std::size_t cut : cuts) {
    result->append(text.slice(first, cut));
    first = cut + separator.size();
  }
  result->append(text.slice(first, text.size()));
  context.meter.walk(result->items.size());
  return result;
}

template <bool from_right>
Value split(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"sep", "maxsplit"});
  const std::int64_t limit = bound.integer(1, "maxsplit", -1);
  if (const Text* separator = bound.text(0, "the separator of a split")) {
    return pieces(context, text_of(self), *separator, limit, from_right);
  }
  auto result = words(context, text_of(self), limit, from_right);
  if (from_right) std::reverse(result->items.begin(), result->items.end());
  return result;
}

Value splitlines(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"keepends"});
  return lines(context, text_of(self), bound.truth(0, false));
}

template <bool at_end>
bool matches(Context& context, const Text& text, const Value& affix) {
  if (const auto* list = affix.as<Ref<List>>(); list && (*list)->tuple) {
    return std::any_of((*list)->items.begin(), (*list)->items.end(), [&](const Value& item) {
      return !item.is<Ref<List>>() && matches<at_end>(context, text, item);
    });
  }
  const Text& wanted = need_text(affix, at_end ? "the argument of endswith" : "the argument of startswith");
  context.meter.walk(wanted.size());
  return at_end ? text.bytes().ends_with(wanted.bytes()) : text.bytes().starts_with(wanted.bytes());
}

template <bool at_end>
Value has_affix(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {at_end ? "suffix" : "prefix", "start", "end"}, 1);
  const Value part = sliced(context, self, bound[1] ? *bound[1] : None(), bound[2] ? *bound[2] : None(), None());
  return Value::boolean(matches<at_end>(context, *part.as<Text>(), *bound[0]));
}

template <bool at_end>
Value remove_affix(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {at_end ? "suffix" : "prefix"}, 1);
  const Text& text = text_of(self);
  const Text& affix = need_text(*bound[0], "the part to be removed");
  if (!matches<at_end>(context, text, affix)) return text;
  return at_end ? text.slice(0, text.size() - affix.size()) : text.slice(affix.size(), text.size());
}

Value replace(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"old", "new", "count"}, 2);
  return replaced(context, text_of(self), need_text(*bound[0], "the text to be replaced"),
                  need_text(*bound[1], "the replacement"), bound.integer(2, "the count of replacements", -1));
}

template <Text (*operation)(Context&, const Text&)>
Value changed(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return operation(context, text_of(self));
}

/// As str.title: the first letter of each run of letters in capitals.
Value title(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const Text& text = text_of(self);
  context.meter.walk(text.size());
  TextBuilder out(context.meter);
  bool inside = false;
  text.for_each_run([&](std::string_view bytes, Origin origin) {
    std::string result;
    for (std::size_t at = 0; at < bytes.size();) {
      const Character next = character_at(bytes, at);
      append_utf8(result, inside ? to_lower(next.code) : to_upper(next.code));
      inside = is_letter(next.code);
      at += next.length;
    }
    out.append(result, origin);
  });
  return out.finish();
}

template <bool from_right, bool needed>
Value find_text(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"sub", "start", "end"}, 1);
  const Text& text = text_of(self);
  const Text& wanted = need_text(*bound[0], "the text to be found");
  const Value start = bound[1] ? *bound[1] : None();
  const Value part = sliced(context, self, start, bound[2] ? *bound[2] : None(), None());
  const std::string_view bytes = part.as<Text>()->bytes();
  context.meter.walk(from_right ? bytes.size() * (1 + wanted.size() / 16) : bytes.size());
  const std::size_t at = from_right ? bytes.rfind(wanted.bytes()) : find(bytes, wanted.bytes());
  if (at == std::string_view::npos) {
    if (needed) throw Fault("a text does not have the part that is looked for");
    return Value::integer(std::int64_t{-1});
  }
  const auto before = slice_bounds(start, None(), None(), count_characters(text.bytes())).start;
  return Value::integer(before + static_cast<std::int64_t>(count_characters(bytes.substr(0, at))));
}

Value count(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"sub"}, 1);
  const std::string_view bytes = text_of(self).bytes();
  const std::string_view wanted = need_text(*bound[0], "the text to be counted").bytes();
  context.meter.walk(bytes.size());
  if (wanted.empty()) return Value::integer(count_characters(bytes) + 1);
  std::int64_t found = 0;
  for (std::size_t at = find(bytes, wanted); at != std::string_view::npos;
       at = find(bytes, wanted, at + wanted.size())) {
    ++found;
  }
  return Value::integer(found);
}

Value join(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"iterable"}, 1);
  return joined(context, text_of(self), *to_list(context, *bound[0]), true);
}

template <bool (*holds)(char32_t)>
Value all_are(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const std::string_view bytes = text_of(self).bytes();
  context.meter.walk(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Character next = character_at(bytes, at);
    if (!holds(next.code)) return Value::boolean(false);
    at += next.length;
  }
  return Value::boolean(!bytes.empty());
}

/// As str.isupper and str.islower: letters with case there must be, all of that case.
template <bool (*wanted)(char32_t), bool (*other)(char32_t)>
Value has_case(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const std::string_view bytes = text_of(self).bytes();
  context.meter.walk(bytes.size());
  bool found = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character next = character_at(bytes, at);
    if (other(next.code)) return Value::boolean(false);
    found = found || wanted(next.code);
    at += next.length;
  }
  return Value::boolean(found);
}

bool is_digit(char32_t code) {
  return code >= '0' && code <= '9';
}
bool is_letter_or_digit(char32_t code) {
  return code != '_' && is_word(code);
}

/// `'{} {0} {name}'.format(…)`, without format specifications.
Value format(Context& context, const Value& self, const Arguments& arguments) {
  const Text& pattern = text_of(self);
  const std::string_view bytes = pattern.bytes();
  context.meter.walk(bytes.size());
  TextBuilder out(context.meter);
  std::size_t used = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t mark = std::min(bytes.find_first_of("{}", at), bytes.size());
    out.append(pattern.slice(at, mark));
    at = mark;
    if (at == bytes.size()) break;
    if (at + 1 < bytes.size() && bytes[at + 1] == bytes[at]) {
      out.append(pattern.slice(at, at + 1));
      at += 2;
      continue;
    }
    const std::size_t close = bytes.find('}', at);
    if (bytes[at] == '}' || close == std::string_view::npos) throw Fault("a format string has a single brace");
    const std::string name(bytes.substr(at + 1, close - at - 1));
    const bool numbered = !name.empty() && name.size() < 6 && std::all_of(name.begin(), name.end(), is_digit);
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& argument) { return argument.first == name; });
    const std::size_t index = numbered ? std::stoul(name) : name.empty() ? used++ : arguments.positional.size();
    if (index < arguments.positional.size()) {
      out.append(to_text(context, arguments.positional[index]));
    } else if (!numbered && named != arguments.named.end()) {
      out.append(to_text(context, named->second));
    } else {
      throw Fault("a format string has no value for '{" + name + "}'");
    }
    at = close + 1;
  }
  return out.finish();
}

constexpr Entry methods[] = {
    {"strip", strip<true, true>},
    {"lstrip", strip<true, false>},
    {"rstrip", strip<false, true>},
    {"split", split<false>},
    {"rsplit", split<true>},
    {"splitlines", splitlines},
    {"startswith", has_affix<false>},
    {"endswith", has_affix<true>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"capitalize", changed<capitalized>},
    {"title", title},
    {"find", find_text<false, false>},
    {"rfind", find_text<true, false>},
    {"index", find_text<false, true>},
    {"rindex", find_text<true, true>},
    {"count", count},
    {"join", join},
    {"format", format},
    {"isspace", all_are<is_space>},
    {"isalpha", all_are<is_letter>},
    {"isdigit", all_are<is_digit>},
    {"isnumeric", all_are<is_digit>},
    {"isalnum", all_are<is_letter_or_digit>},
    {"isupper", has_case<is_upper, is_lower>},
    {"islower", has_case<is_lower, is_upper>},
};

}  // namespace

Function find_string_method(std::string_view name) {
  return find_in(methods, name);
}

}  // namespace runnel::jinja
