// Filters that make or change text or numbers, as jinja2 defines them.

#include <algorithm>
#include <charconv>
#include <cmath>

#include "chat/jinja/filters.h"
#include "chat/jinja/json.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/operators.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

Value trim(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"chars"});
  return stripped(context, to_text(context, self), bound.text(0, "the characters to trim"), true, true);
}

template <Text (*operation)(Context&, const Text&)>
Value changed(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  return operation(context, to_text(context, self));
}

/// The first letter after white space, hyphens and opening brackets in capitals, the others small.
Text titled(Context& context, const Text& text) {
  context.meter.walk(text.size());
  TextBuilder out(context.meter);
  bool first = true;
  text.for_each_run([&](std::string_view bytes, Origin origin) {
    std::string result;
    for (std::size_t at = 0; at < bytes.size();) {
      const Character next = character_at(bytes, at);
      const bool separator =
          is_space(next.code) || std::u32string_view(U"-({[<").find(next.code) != std::u32string_view::npos;
      append_utf8(result, first ? to_upper(next.code) : to_lower(next.code));
      first = separator;
      at += next.length;
    }
    out.append(result, origin);
  });
  return out.finish();
}

Text same_text(Context&, const Text& text) {
  return text;
}

Value replace(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"old", "new", "count"}, 2);
  return replaced(context, to_text(context, self), to_text(context, *bound[0]), to_text(context, *bound[1]),
                  bound.integer(2, "the count of replacements", -1));
}

Value format(Context& context, const Value& self, const Arguments& arguments) {
  Value values;
  if (arguments.named.empty()) {
    auto tuple = context.tuple();
    for (const auto& value : arguments.positional) tuple->append(value);
    values = tuple;
  } else {
    auto dict = context.heap.make<Dict>();
    for (const auto& [name, value] : arguments.named) dict->set(text(name), value);
    values = dict;
  }
  return format_percent(context, to_text(context, self), values);
}

Text escaped(Context& context, const Text& text) {
  context.meter.walk(text.size());
  TextBuilder out(context.meter);
  text.for_each_run([&](std::string_view bytes, Origin origin) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      switch (bytes[at]) {
        case '&':
          out.append("&amp;", origin);
          break;
        case '<':
          out.append("&lt;", origin);
          break;
        case '>':
          out.append("&gt;", origin);
          break;
        case '\'':
          out.append("&#39;", origin);
          break;
        case '"':
          out.append("&#34;", origin);
          break;
        default:
          out.append(bytes.substr(at, 1), origin);
      }
    }
  });
  return out.finish();
}

Value indent(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"width", "first", "blank"});
  Text indention;
  if (const Value* width = bound[0]; width && width->is<Text>()) {
    indention = *width->as<Text>();
  } else {
    const std::int64_t count = bound.integer(0, "the width of indent", 4);
    if (count > 1000) throw Fault("the width of indent is too large");
    indention = Text(std::string(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)), ' '));
  }
  const Text text = to_text(context, self);
  const Ref<List> all = lines(context, text);
  // jinja2 adds a line break before it splits, so a text that ends in one gets an empty last line.
  if (text.empty() || is_line_break(character_before(text.bytes(), text.size()).code)) all->append(Text());
  TextBuilder out(context.meter);
  if (bound.truth(1, false)) out.append(indention);
  for (std::size_t at = 0; at < all->items.size(); ++at) {
    const Text& line = *all->items[at].as<Text>();
    context.meter.walk(line.size() + indention.size());
    if (at > 0) out.append("\n", from_template);
    if (at > 0 && (bound.truth(2, false) || !line.empty())) out.append(indention);
    out.append(line);
  }
  return out.finish();
}

Value truncate(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"length", "killwords", "end", "leeway"});
  const Text text = to_text(context, self);
  const Text end = bound[2] ? to_text(context, *bound[2]) : Text("...");
  const auto size = static_cast<std::int64_t>(count_characters(text.bytes()));
  const std::int64_t length = bound.integer(0, "the length of truncate", 255);
  const std::int64_t leeway = std::clamp<std::int64_t>(bound.integer(3, "the leeway of truncate", 5), 0, 1'000'000);
  context.meter.walk(text.size());
  if (length > size || size <= length + leeway) return text;
  const auto room = std::max<std::int64_t>(length - static_cast<std::int64_t>(count_characters(end.bytes())), 0);
  const Value cut = sliced(context, text, None(), Value::integer(room), None());
  Text kept = *cut.as<Text>();
  const std::size_t blank = kept.bytes().rfind(' ');
  if (!bound.truth(1, false) && blank != std::string_view::npos) kept = kept.slice(0, blank);
  return arithmetic(context, Operator::add, kept, end);
}

Value word_count(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  const Text text = to_text(context, self);
  context.meter.walk(text.size());
  std::int64_t count = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character next = character_at(text.bytes(), at);
    const bool word = is_word(next.code);
    count += word && !inside;
    inside = word;
    at += next.length;
  }
  return Value::integer(count);
}

/// A number written in a text, as Python's int() and float() read it.
template <typename Number>
bool read_number(std::string_view bytes, Number& number) {
  std::string digits(trimmed(bytes));
  std::erase(digits, '_');
  const std::size_t sign = digits.starts_with('+') ? 1 : 0;
  const char* last = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data() + sign, last, number);
  return result.ec == std::errc() && result.ptr == last && !(sign == 1 && digits.starts_with("+-"));
}

Value to_integer(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"default", "base"});
  Value fallback = bound[0] ? *bound[0] : Value::integer(std::int64_t{0});
  if (is_integer(self)) return Value::integer(as_integer(self));
  double real = 0;
  std::int64_t integer = 0;
  if (const auto* text = self.as<Text>()) {
    if (read_number(text->bytes(), integer)) return Value::integer(integer);
    if (!read_number(text->bytes(), real)) return fallback;
  } else if (const auto* number = self.as<double>()) {
    real = *number;
  } else {
    return fallback;
  }
  return std::isfinite(real) ? Value::integer(truncated(real)) : fallback;
}

Value to_real(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"default"});
  if (is_number(self)) return Value::real(as_real(self));
  double real = 0;
  if (const auto* text = self.as<Text>(); text && read_number(text->bytes(), real)) return Value::real(real);
  return bound[0] ? *bound[0] : Value::real(0);
}

Value absolute(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {});
  if (!is_number(self)) throw Fault("abs needs a number, not '" + std::string(type_name(self)) + "'");
  return as_real(self) < 0 ? negated(self) : self;
}

Value round_number(Context&, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"precision", "method"});
  if (!is_number(self)) throw Fault("round needs a number, not '" + std::string(type_name(self)) + "'");
  const std::int64_t precision = std::clamp<std::int64_t>(bound.integer(0, "the precision of round", 0), -300, 300);
  const Text* method = bound.text(1, "the method of round");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double number = as_real(self);
  if (method && method->bytes() == "ceil") return Value::real(std::ceil(number * scale) / scale);
  if (method && method->bytes() == "floor") return Value::real(std::floor(number * scale) / scale);
  if (method && method->bytes() != "common") throw Fault("the method of round must be common, ceil or floor");
  if (is_integer(self) && precision >= 0) return self;
  // As Python, correctly rounded: through the decimal notation.
  if (precision >= 0 && precision < 17 && std::abs(number) < 1e15) {
    char buffer[64];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed, static_cast<int>(precision));
    double rounded = 0;
    std::from_chars(buffer, end.ptr, rounded);
    return Value::real(rounded);
  }
  return Value::real(precision >= 17 ? number : std::nearbyint(number * scale) / scale);
}

Value tojson(Context& context, const Value& self, const Arguments& arguments) {
  const Bound bound(arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = bound.truth(0, false);
  style.sorted = bound.truth(3, false);
  if (const Value* indent = bound[1]; indent && !indent->is<None>()) {
    style.line_breaks = true;
    style.between.pop_back();  // no blank before a line break
    if (const auto* text = indent->as<Text>()) {
      style.indent = text->bytes();
    } else {
      const std::int64_t width = std::clamp<std::int64_t>(need_integer(*indent, "the indent of tojson"), 0, 1000);
      style.indent = std::string(static_cast<std::size_t>(width), ' ');
    }
  }
  if (const Value* separators = bound[2]; separators && !separators->is<None>()) {
    const Ref<List> parts = to_list(context, *separators);
    if (parts->items.size() != 2) throw Fault("tojson needs two separators");
    style.between = need_text(parts->items[0], "a separator of tojson").bytes();
    style.after_key = need_text(parts->items[1], "a separator of tojson").bytes();
  }
  return to_json(context, self, style);
}

constexpr Entry filters[] = {
    {"trim", trim},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"title", changed<titled>},
    {"capitalize", changed<capitalized>},
    {"string", changed<same_text>},
    {"safe", changed<same_text>},
    {"escape", changed<escaped>},
    {"e", changed<escaped>},
    {"replace", replace},
    {"format", format},
    {"indent", indent},
    {"truncate", truncate},
    {"wordcount", word_count},
    {"int", to_integer},
    {"float", to_real},
    {"abs", absolute},
    {"round", round_number},
    {"tojson", tojson},
};

}  // namespace

Function find_text_filter(std::string_view name) {
  return find_in(filters, name);
}

Function find_filter(std::string_view name) {
  const Function found = find_text_filter(name);
  return found ? found : find_sequence_filter(name);
}

}  // namespace runnel::jinja
