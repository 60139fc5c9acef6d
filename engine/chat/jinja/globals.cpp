// The functions that every template may call.

#include <locale.h>

#include <ctime>

#include "chat/jinja/functions.h"

namespace runnel::jinja {

namespace {

/// As in jinja2's sandbox.
constexpr std::int64_t range_limit = 100'000;

Value range(Context& context, const Value&, const Arguments& arguments) {
  const Bound bound(arguments, {"start", "stop", "step"}, 1);
  const bool single = !bound[1];
  std::int64_t at = single ? 0 : bound.integer(0, "the start of a range", 0);
  const std::int64_t stop = bound.integer(single ? 0 : 1, "the end of a range", 0);
  const std::int64_t step = bound.integer(2, "the step of a range", 1);
  if (step == 0) throw Fault("the step of a range must not be 0");
  auto result = context.list();
  while (step > 0 ? at < stop : at > stop) {
    if (static_cast<std::int64_t>(result->items.size()) == range_limit) throw Fault("a range is too long");
    result->append(Value::integer(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  context.meter.walk(result->items.size());
  return result;
}

Value make_dict(Context& context, const Value&, const Arguments& arguments) {
  auto result = context.heap.make<Dict>();
  for (const auto& source : arguments.positional) {
    if (const auto* dict = source.as<Ref<Dict>>()) {
      for (const auto& [key, value] : (*dict)->entries) result->set(key, value);
      continue;
    }
    const Ref<List> pairs = to_list(context, source);
    for (const auto& pair : pairs->items) {
      const Ref<List> parts = to_list(context, pair);
      if (parts->items.size() != 2) throw Fault("dict() needs pairs");
      result->set(parts->items[0], parts->items[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) result->set(text(name), value);
  return result;
}

Value make_namespace(Context& context, const Value& self, const Arguments& arguments) {
  const Value dict = make_dict(context, self, arguments);
  auto result = context.heap.make<Namespace>();
  for (const auto& [key, value] : (*dict.as<Ref<Dict>>())->entries) {
    result->set(need_text(key, "the name of an attribute").bytes(), value);
  }
  return result;
}

Value raise_exception(Context& context, const Value&, const Arguments& arguments) {
  const Bound bound(arguments, {"message"}, 1);
  const Text message = to_text(context, *bound[0]);
  throw Refusal(std::string(message.bytes().substr(0, 1000)));
}

/// English whatever the locale, in local time.
std::string formatted_time(const std::string& format, std::int64_t seconds) {
  static constexpr std::size_t size_limit = 4096;
  const auto now = static_cast<std::time_t>(seconds);
  std::tm parts{};
  localtime_r(&now, &parts);
  const locale_t english = newlocale(LC_ALL_MASK, "C", nullptr);
  std::string buffer(size_limit, '\0');
  // The mark tells an empty result from one that is too long.
  const std::string marked = format + ".";
  const std::size_t length = strftime_l(buffer.data(), buffer.size(), marked.c_str(), &parts, english);
  freelocale(english);
  if (length == 0) throw Fault("the format of strftime_now is too long");
  buffer.resize(length - 1);
  return buffer;
}

Value strftime_now(Context& context, const Value&, const Arguments& arguments) {
  const Bound bound(arguments, {"format"}, 1);
  const Text& format = need_text(*bound[0], "the format of strftime_now");
  if (format.size() > 256) throw Fault("the format of strftime_now is too long");
  const Origin origin = format.empty() ? from_template : format.origin(0);
  return Text(formatted_time(std::string(format.bytes()), context.now), origin);
}

constexpr Entry globals[] = {
    {"range", range},
    {"dict", make_dict},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

}  // namespace

Function find_global(std::string_view name) {
  return find_in(globals, name);
}

}  // namespace runnel::jinja
