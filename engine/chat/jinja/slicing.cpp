// Slices of strings and lists, with Python's rules for bounds.

#include <algorithm>

#include "chat/jinja/operators.h"
#include "chat/jinja/unicode.h"

namespace runnel::jinja {

namespace {

bool is_left_out(const Value& value) {
  return value.is<None>() || value.is<Undefined>();
}

std::int64_t bound(const Value& value, std::int64_t fallback, std::int64_t lowest, std::int64_t highest,
                   std::int64_t size) {
  if (is_left_out(value)) return fallback;
  std::int64_t at = need_integer(value, "the bound of a slice");
  if (at < 0) at += size;
  return std::clamp(at, lowest, highest);
}

/// Calls visit(index) for each chosen index in turn.
template <typename Visit>
void for_each_index(const Slice& slice, Visit visit) {
  const std::int64_t distance = slice.stop - slice.start;
  if ((slice.step > 0) != (distance > 0) || distance == 0) return;
  // As a count, so that no sum of index and step can overflow.
  const std::int64_t count = (distance + (slice.step > 0 ? slice.step - 1 : slice.step + 1)) / slice.step;
  for (std::int64_t round = 0; round < count; ++round) {
    visit(static_cast<std::size_t>(slice.start + round * slice.step));
  }
}

Value sliced_text(Context& context, const Text& text, const Value& start, const Value& stop, const Value& step) {
  context.meter.walk(text.size());
  std::vector<std::size_t> offsets;
  if (!text.ascii()) offsets = character_offsets(text.bytes());
  const auto offset = [&](std::size_t index) { return text.ascii() ? index : offsets[index]; };
  const std::size_t size = text.ascii() ? text.size() : offsets.size() - 1;
  const Slice slice = slice_bounds(start, stop, step, size);
  if (slice.step == 1) {
    if (slice.start >= slice.stop) return Text();
    return text.slice(offset(static_cast<std::size_t>(slice.start)), offset(static_cast<std::size_t>(slice.stop)));
  }
  TextBuilder out(context.meter);
  for_each_index(slice, [&](std::size_t index) { out.append(text.slice(offset(index), offset(index + 1))); });
  return out.finish();
}

}  // namespace

std::vector<std::size_t> character_offsets(std::string_view bytes) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < bytes.size(); at += character_at(bytes, at).length) offsets.push_back(at);
  offsets.push_back(bytes.size());
  return offsets;
}

Slice slice_bounds(const Value& start, const Value& stop, const Value& step, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  std::int64_t stride = is_left_out(step) ? 1 : need_integer(step, "the step of a slice");
  if (stride == 0) throw Fault("the step of a slice must not be 0");
  // A longer stride chooses nothing else.
  stride = std::clamp(stride, -count - 1, count + 1);
  if (stride > 0) return {bound(start, 0, 0, count, count), bound(stop, count, 0, count, count), stride};
  return {bound(start, count - 1, -1, count - 1, count), bound(stop, -1, -1, count - 1, count), stride};
}

Value sliced(Context& context, const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (const auto* text = value.as<Text>()) return sliced_text(context, *text, start, stop, step);
  const auto* list = value.as<Ref<List>>();
  if (!list) {
    if (value.is<Undefined>()) throw Fault("what is to be sliced is undefined");
    throw Fault("a '" + std::string(type_name(value)) + "' can't be sliced");
  }
  const auto& items = (*list)->items;
  auto result = context.heap.make<List>((*list)->tuple);
  for_each_index(slice_bounds(start, stop, step, items.size()),
                 [&](std::size_t index) { result->append(items[index]); });
  context.meter.walk(result->items.size());
  return result;
}

}  // namespace runnel::jinja
