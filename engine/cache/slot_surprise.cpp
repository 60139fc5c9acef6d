#include "cache/slot_surprise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace runnel {
namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

}  // namespace

SlotSurprise::SlotSurprise(int slots) : values_(static_cast<std::size_t>(slots), unknown) {}

void SlotSurprise::forget(std::span<const std::int32_t> slots) {
  for (const std::int32_t slot : slots) note(slot, unknown);
}

void SlotSurprise::clear() {
  std::ranges::fill(values_, unknown);
}

void SlotSurprise::move(std::span<const SlotCopy> moves, int slots) {
  std::vector<float> moved(static_cast<std::size_t>(slots), unknown);
  for (const SlotCopy& move : moves) std::copy_n(values_.begin() + move.from, move.length, moved.begin() + move.to);
  values_ = std::move(moved);
}

bool SlotSurprise::assign(std::vector<float> values, int slots) {
  const auto is_possible = [](float value) { return std::isnan(value) || value >= 0; };
  if (values.size() != static_cast<std::size_t>(slots) || !std::ranges::all_of(values, is_possible)) return false;
  values_ = std::move(values);
  return true;
}

}  // namespace runnel
