#include "chat/jinja/json.h"

#include <algorithm>
#include <cmath>

#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

constexpr int depth_limit = 60;

class Writer {
 public:
  Writer(Context& context, const JsonStyle& style) : context_(context), style_(style), out_(context.meter) {}

  void write(const Value& value, int depth);
  Text finish() { return out_.finish(); }

 private:
  void put(std::string_view bytes) { out_.append(bytes, from_template); }
  void write_text(const Text& text);
  void write_escape(unsigned code, Origin origin);
  void write_key(const Value& key);
  void write_list(const List& list, int depth);
  void write_dict(const Dict& dict, int depth);
  void break_line(int depth);

  Context& context_;
  const JsonStyle& style_;
  TextBuilder out_;
};

std::string number_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  return repr(number);
}

/// The letter of a short escape, or 0.
char short_escape(char32_t code) {
  switch (code) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\f':
      return 'f';
    case '\b':
      return 'b';
    default:
      return 0;
  }
}

void Writer::write_escape(unsigned code, Origin origin) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "\\u%04x", code & 0xFFFF);
  out_.append(buffer, origin);
}

void Writer::write_text(const Text& text) {
  context_.meter.walk(text.size());
  put("\"");
  text.for_each_run([this](std::string_view bytes, Origin origin) {
    std::size_t plain = 0;
    for (std::size_t at = 0; at < bytes.size();) {
      const Character next = character_at(bytes, at);
      const char letter = short_escape(next.code);
      const bool escaped = letter != 0 || next.code < 0x20 || (style_.ascii && next.code > 0x7E && next.code < invalid);
      if (escaped) {
        out_.append(bytes.substr(plain, at - plain), origin);
        plain = at + next.length;
        if (letter != 0) {
          const char escape[] = {'\\', letter};
          out_.append(std::string_view(escape, 2), origin);
        } else if (next.code > 0xFFFF) {
          const auto rest = static_cast<unsigned>(next.code - 0x10000);
          write_escape(0xD800 + (rest >> 10), origin);
          write_escape(0xDC00 + (rest & 0x3FF), origin);
        } else {
          write_escape(static_cast<unsigned>(next.code), origin);
        }
      }
      at += next.length;
    }
    out_.append(bytes.substr(plain), origin);
  });
  put("\"");
}

void Writer::break_line(int depth) {
  if (!style_.line_breaks) return;
  put("\n");
  for (int level = 0; level < depth; ++level) put(style_.indent);
}

void Writer::write_list(const List& list, int depth) {
  if (list.items.empty()) return put("[]");
  put("[");
  bool first = true;
  for (const auto& item : list.items) {
    if (!first) put(style_.between);
    first = false;
    break_line(depth + 1);
    write(item, depth + 1);
  }
  break_line(depth);
  put("]");
}

void Writer::write_key(const Value& key) {
  if (const auto* text = key.as<Text>()) return write_text(*text);
  put("\"");
  if (const auto* truth = key.as<bool>()) {
    put(*truth ? "true" : "false");
  } else if (const auto* integer = key.as<std::int64_t>()) {
    put(std::to_string(*integer));
  } else if (const auto* real = key.as<double>()) {
    put(number_text(*real));
  } else if (key.is<None>()) {
    put("null");
  } else {
    throw Fault("tojson can't write a key of type '" + std::string(type_name(key)) + "'");
  }
  put("\"");
}

void Writer::write_dict(const Dict& dict, int depth) {
  if (dict.entries.empty()) return put("{}");
  std::vector<const std::pair<Value, Value>*> entries;
  entries.reserve(dict.entries.size());
  for (const auto& entry : dict.entries) entries.push_back(&entry);
  if (style_.sorted) {
    context_.meter.step(entries.size() * 16);
    std::stable_sort(entries.begin(), entries.end(), [this](const auto* left, const auto* right) {
      return compare(context_, left->first, right->first) < 0;
    });
  }
  put("{");
  bool first = true;
  for (const auto* entry : entries) {
    if (!first) put(style_.between);
    first = false;
    break_line(depth + 1);
    write_key(entry->first);
    put(style_.after_key);
    write(entry->second, depth + 1);
  }
  break_line(depth);
  put("}");
}

void Writer::write(const Value& value, int depth) {
  if (depth > depth_limit) throw Fault("values are nested too deeply for tojson");
  context_.meter.step();
  if (const auto* text = value.as<Text>()) return write_text(*text);
  if (const auto* list = value.as<Ref<List>>()) return write_list(**list, depth);
  if (const auto* dict = value.as<Ref<Dict>>()) return write_dict(**dict, depth);
  if (const auto* truth = value.as<bool>()) return put(*truth ? "true" : "false");
  if (const auto* integer = value.as<std::int64_t>()) return put(std::to_string(*integer));
  if (const auto* real = value.as<double>()) return put(number_text(*real));
  if (value.is<None>()) return put("null");
  throw Fault("tojson can't write a value of type '" + std::string(type_name(value)) + "'");
}

}  // namespace

Text to_json(Context& context, const Value& value, const JsonStyle& style) {
  Writer writer(context, style);
  writer.write(value, 0);
  return writer.finish();
}

}  // namespace runnel::jinja
