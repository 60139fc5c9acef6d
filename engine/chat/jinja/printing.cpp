// Values as text: str() and repr() of Python.

#include <charconv>
#include <cmath>

#include "chat/jinja/unicode.h"
#include "chat/jinja/value.h"

namespace runnel::jinja {

namespace {

constexpr int depth_limit = 60;

void append_escape(TextBuilder& out, char32_t code, Origin origin) {
  static constexpr char digits[] = "0123456789abcdef";
  const char hex[] = {'\\', 'x', digits[(code >> 4) & 15], digits[code & 15]};
  out.append(std::string_view(hex, sizeof hex), origin);
}

void append_quoted(TextBuilder& out, const Text& text) {
  const bool has_single = text.bytes().find('\'') != std::string_view::npos;
  const bool has_double = text.bytes().find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  const std::string_view mark(&quote, 1);
  out.append(mark, from_template);
  text.for_each_run([&](std::string_view bytes, Origin origin) {
    std::size_t plain = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const auto byte = static_cast<unsigned char>(bytes[at]);
      if (byte >= 0x20 && byte != 0x7F && byte != '\\' && bytes[at] != quote) continue;
      out.append(bytes.substr(plain, at - plain), origin);
      plain = at + 1;
      switch (byte) {
        case '\n':
          out.append("\\n", origin);
          break;
        case '\r':
          out.append("\\r", origin);
          break;
        case '\t':
          out.append("\\t", origin);
          break;
        case '\\':
          out.append("\\\\", origin);
          break;
        case '\'':
          out.append("\\'", origin);
          break;
        default:
          append_escape(out, byte, origin);
      }
    }
    out.append(bytes.substr(plain), origin);
  });
  out.append(mark, from_template);
}

void append_list(Context& context, TextBuilder& out, const List& list, int depth) {
  out.append(list.tuple ? "(" : "[", from_template);
  bool first = true;
  for (const auto& item : list.items) {
    if (!first) out.append(", ", from_template);
    first = false;
    append_repr(context, out, item, depth + 1);
  }
  if (list.tuple && list.items.size() == 1) out.append(",", from_template);
  out.append(list.tuple ? ")" : "]", from_template);
}

void append_dict(Context& context, TextBuilder& out, const Dict& dict, int depth) {
  out.append("{", from_template);
  bool first = true;
  for (const auto& [key, value] : dict.entries) {
    if (!first) out.append(", ", from_template);
    first = false;
    append_repr(context, out, key, depth + 1);
    out.append(": ", from_template);
    append_repr(context, out, value, depth + 1);
  }
  out.append("}", from_template);
}

}  // namespace

std::string repr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  std::string shortest(buffer, end);
  const std::size_t mark = shortest.find('e');
  const int exponent = std::stoi(shortest.substr(mark + 1));
  // Python's rule: plain notation from 1e-4 up to 1e16.
  if (exponent < -4 || exponent >= 16) return shortest;
  const auto plain = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed).ptr;
  std::string result(buffer, plain);
  return result.find('.') == std::string::npos ? result + ".0" : result;
}

Text to_text(Context& context, const Value& value) {
  if (const auto* string = value.as<Text>()) return *string;
  if (value.is<Undefined>()) return {};
  TextBuilder out(context.meter);
  append_repr(context, out, value);
  return out.finish();
}

void append_repr(Context& context, TextBuilder& out, const Value& value, int depth) {
  if (depth > depth_limit) throw Fault("values are nested too deeply to be shown");
  context.meter.step();
  if (const auto* string = value.as<Text>()) {
    context.meter.walk(string->size());
    append_quoted(out, *string);
  } else if (const auto* list = value.as<Ref<List>>()) {
    append_list(context, out, **list, depth);
  } else if (const auto* dict = value.as<Ref<Dict>>()) {
    append_dict(context, out, **dict, depth);
  } else if (const auto* truth = value.as<bool>()) {
    out.append(*truth ? "True" : "False", from_template);
  } else if (const auto* integer = value.as<std::int64_t>()) {
    out.append(std::to_string(*integer), from_template);
  } else if (const auto* real = value.as<double>()) {
    out.append(repr(*real), from_template);
  } else if (value.is<None>()) {
    out.append("None", from_template);
  } else if (value.is<Undefined>()) {
    out.append("Undefined", from_template);
  } else {
    out.append("<", from_template);
    out.append(type_name(value), from_template);
    out.append(">", from_template);
  }
}

}  // namespace runnel::jinja
