#include "runnel/interval_set.h"

#include <algorithm>
#include <limits>

namespace runnel {

void IntervalSet::add(std::int64_t first, std::int64_t end) {
  if (first >= end) return;
  std::vector<Interval> result;
  for (const Interval& i : intervals_) {
    if (i.end < first || i.first > end) {
      result.push_back(i);
    } else {
      first = std::min(first, i.first);
      end = std::max(end, i.end);
    }
  }
  result.push_back({first, end});
  std::sort(result.begin(), result.end(), [](const Interval& a, const Interval& b) { return a.first < b.first; });
  intervals_ = std::move(result);
}

void IntervalSet::remove(std::int64_t first, std::int64_t end) {
  if (first >= end) return;
  std::vector<Interval> result;
  for (const Interval& i : intervals_) {
    if (i.first < std::min(i.end, first)) result.push_back({i.first, std::min(i.end, first)});
    if (std::max(i.first, end) < i.end) result.push_back({std::max(i.first, end), i.end});
  }
  intervals_ = std::move(result);
}

bool IntervalSet::contains(std::int64_t position) const {
  return std::any_of(intervals_.begin(), intervals_.end(),
                     [position](const Interval& i) { return i.first <= position && position < i.end; });
}

std::int64_t IntervalSet::next_change(std::int64_t position) const {
  for (const Interval& i : intervals_) {
    if (position < i.first) return i.first;
    if (position < i.end) return i.end;
  }
  return std::numeric_limits<std::int64_t>::max();
}

std::int64_t IntervalSet::count_from(std::int64_t from) const {
  std::int64_t count = 0;
  for (const Interval& i : intervals_) count += std::max<std::int64_t>(0, i.end - std::max(i.first, from));
  return count;
}

}  // namespace runnel
