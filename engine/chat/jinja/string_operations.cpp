// Operations on strings that keep the origin of every character.

#include <algorithm>

#include "chat/jinja/methods.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

bool is_stripped(const Character& character, const Text* characters) {
  if (!characters) return is_space(character.code);
  std::string encoded;
  append_utf8(encoded, character.code);
  return find(characters->bytes(), encoded) != std::string_view::npos;
}

/// Every character through `map`. The origin of a character is that of its first byte.
template <typename Map>
Text mapped(Context& context, const Text& text, Map map) {
  context.meter.walk(text.size());
  TextBuilder out(context.meter);
  text.for_each_run([&](std::string_view bytes, Origin origin) {
    std::string result;
    result.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
      const Character next = character_at(bytes, at);
      map(result, next.code);
      at += next.length;
    }
    out.append(result, origin);
  });
  return out.finish();
}

void append_upper(std::string& out, char32_t code) {
  if (code == U'ß') {
    out += "SS";
  } else {
    append_utf8(out, to_upper(code));
  }
}

}  // namespace

Text stripped(Context& context, const Text& text, const Text* characters, bool left, bool right) {
  std::string_view rest = text.bytes();
  while (left && !rest.empty()) {
    const Character first = character_at(rest, 0);
    if (!is_stripped(first, characters)) break;
    rest.remove_prefix(first.length);
  }
  while (right && !rest.empty()) {
    const Character last = character_before(rest, rest.size());
    if (!is_stripped(last, characters)) break;
    rest.remove_suffix(last.length);
  }
  const std::size_t taken = text.size() - rest.size();
  context.meter.walk(characters ? taken * (1 + characters->size() / 64) : taken);
  return text.part(rest);
}

Text replaced(Context& context, const Text& text, const Text& old, const Text& by, std::int64_t limit) {
  context.meter.walk(text.size() + old.size());
  const std::string_view bytes = text.bytes();
  TextBuilder out(context.meter);
  std::size_t copied = 0;
  std::size_t at = 0;
  while (limit != 0) {
    at = find(bytes, old.bytes(), at);
    if (at == std::string_view::npos) break;
    context.meter.walk(by.size());
    out.append(text.slice(copied, at));
    out.append(by);
    copied = at + old.size();
    if (limit > 0) --limit;
    if (!old.empty()) {
      at = copied;
    } else if (at < bytes.size()) {  // an empty string is found before every character and at the end
      at += character_at(bytes, at).length;
    } else {
      break;
    }
  }
  out.append(text.slice(copied, text.size()));
  return out.finish();
}

Text upper(Context& context, const Text& text) {
  return mapped(context, text, append_upper);
}

Text lower(Context& context, const Text& text) {
  return mapped(context, text, [](std::string& out, char32_t code) { append_utf8(out, to_lower(code)); });
}

Text capitalized(Context& context, const Text& text) {
  bool first = true;
  return mapped(context, text, [&first](std::string& out, char32_t code) {
    append_utf8(out, std::exchange(first, false) ? to_upper(code) : to_lower(code));
  });
}

Ref<List> lines(Context& context, const Text& text, bool with_breaks) {
  const std::string_view bytes = text.bytes();
  context.meter.walk(bytes.size());
  auto result = context.list();
  std::size_t first = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character next = character_at(bytes, at);
    if (!is_line_break(next.code)) {
      at += next.length;
      continue;
    }
    const std::size_t end = at;
    at += next.length;
    if (next.code == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    result->append(text.slice(first, with_breaks ? at : end));
    first = at;
  }
  if (first < bytes.size()) result->append(text.slice(first, bytes.size()));
  return result;
}

Text joined(Context& context, const Text& separator, const List& list, bool strict) {
  TextBuilder out(context.meter);
  bool first = true;
  for (const auto& item : list.items) {
    if (!first) out.append(separator);
    first = false;
    const Text piece = strict ? need_text(item, "what is joined") : to_text(context, item);
    context.meter.walk(piece.size() + separator.size());
    out.append(piece);
  }
  return out.finish();
}

}  // namespace runnel::jinja
