// `pattern % values`: the conversions of Python that templates use.

#include <algorithm>
#include <cstdio>

#include "chat/jinja/operators.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

struct Conversion {
  std::string flags;
  int width = 0;
  int precision = -1;
  char kind = 0;
};

constexpr int width_limit = 200;

int read_number(std::string_view pattern, std::size_t& at) {
  int number = 0;
  while (at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9') {
    number = number * 10 + (pattern[at++] - '0');
    if (number > width_limit) throw Fault("a width in a format string is too large");
  }
  return number;
}

Conversion read_conversion(std::string_view pattern, std::size_t& at) {
  Conversion conversion;
  while (at < pattern.size() && std::string_view("-+ 0#").find(pattern[at]) != std::string_view::npos) {
    if (conversion.flags.size() < 8) conversion.flags.push_back(pattern[at]);
    ++at;
  }
  conversion.width = read_number(pattern, at);
  if (at < pattern.size() && pattern[at] == '.') {
    ++at;
    conversion.precision = read_number(pattern, at);
  }
  if (at == pattern.size()) throw Fault("a format string is incomplete");
  conversion.kind = pattern[at++];
  return conversion;
}

std::string number_text(const Conversion& conversion, const Value& value) {
  if (!is_number(value)) throw Fault(std::string("'%") + conversion.kind + "' needs a number");
  std::string pattern = "%" + conversion.flags;
  if (conversion.width > 0) pattern += std::to_string(conversion.width);
  if (conversion.precision >= 0) pattern.append(".").append(std::to_string(conversion.precision));
  char buffer[1024];
  if (std::string_view("dixXo").find(conversion.kind) != std::string_view::npos) {
    const bool decimal = conversion.kind == 'd' || conversion.kind == 'i';
    const auto number = is_integer(value) ? as_integer(value) : truncated(as_real(value));
    pattern += 'l';
    pattern += decimal ? 'd' : conversion.kind;
    std::snprintf(buffer, sizeof buffer, pattern.c_str(), static_cast<long>(number));
  } else {
    pattern += conversion.kind;
    std::snprintf(buffer, sizeof buffer, pattern.c_str(), as_real(value));
  }
  return buffer;
}

void append_padded(TextBuilder& out, Text text, const Conversion& conversion) {
  auto offsets = character_offsets(text.bytes());
  if (conversion.precision >= 0 && offsets.size() - 1 > static_cast<std::size_t>(conversion.precision)) {
    offsets.resize(static_cast<std::size_t>(conversion.precision) + 1);
    text = text.slice(0, offsets.back());
  }
  const auto width = static_cast<std::size_t>(conversion.width);
  const std::string padding(width > offsets.size() - 1 ? width - (offsets.size() - 1) : 0, ' ');
  const bool left = conversion.flags.find('-') != std::string::npos;
  if (!left) out.append(padding, from_template);
  out.append(text);
  if (left) out.append(padding, from_template);
}

void append_conversion(Context& context, TextBuilder& out, const Conversion& conversion, const Value& value) {
  if (conversion.kind == 's') {
    append_padded(out, to_text(context, value), conversion);
  } else if (conversion.kind == 'r') {
    TextBuilder shown(context.meter);
    append_repr(context, shown, value);
    append_padded(out, shown.finish(), conversion);
  } else if (std::string_view("dixXofFeEgG").find(conversion.kind) != std::string_view::npos) {
    out.append(number_text(conversion, value), from_template);
  } else {
    throw Fault(std::string("unknown format '%") + conversion.kind + "'");
  }
}

}  // namespace

Text format_percent(Context& context, const Text& pattern, const Value& values) {
  const auto* list = values.as<Ref<List>>();
  const bool tuple = list && (*list)->tuple;
  const auto* dict = values.as<Ref<Dict>>();
  const std::string_view bytes = pattern.bytes();
  context.meter.walk(bytes.size());
  TextBuilder out(context.meter);
  std::size_t used = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t mark = std::min(bytes.find('%', at), bytes.size());
    out.append(pattern.slice(at, mark));
    if (mark == bytes.size()) break;
    at = mark + 1;
    if (at < bytes.size() && bytes[at] == '%') {
      out.append(pattern.slice(at, at + 1));
      ++at;
      continue;
    }
    const Value* value = nullptr;
    if (at < bytes.size() && bytes[at] == '(' && dict) {
      const std::size_t close = bytes.find(')', at);
      if (close == std::string_view::npos) throw Fault("a format string is incomplete");
      value = (*dict)->find(bytes.substr(at + 1, close - at - 1));
      at = close + 1;
    } else if (tuple) {
      value = used < (*list)->items.size() ? &(*list)->items[used++] : nullptr;
    } else if (used++ == 0) {
      value = &values;
    }
    const Conversion conversion = read_conversion(bytes, at);
    if (!value) throw Fault("a format string has no value for one of its parts");
    append_conversion(context, out, conversion, *value);
  }
  if (tuple ? used < (*list)->items.size() : used == 0 && !dict) throw Fault("a format string leaves values unused");
  return out.finish();
}

}  // namespace runnel::jinja
