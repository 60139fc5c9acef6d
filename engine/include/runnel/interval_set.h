#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace runnel {

/// A half-open range of original positions.
struct Interval {
  std::int64_t first;
  std::int64_t end;
};

/// A set of positions as sorted intervals that neither overlap nor touch.
class IntervalSet {
 public:
  void add(std::int64_t first, std::int64_t end);
  void remove(std::int64_t first, std::int64_t end);
  bool contains(std::int64_t position) const;
  /// The first position behind `position` at which membership changes; INT64_MAX when it never does.
  std::int64_t next_change(std::int64_t position) const;
  /// How many members are at `from` or behind it.
  std::int64_t count_from(std::int64_t from) const;
  std::span<const Interval> intervals() const { return intervals_; }

 private:
  std::vector<Interval> intervals_;
};

}  // namespace runnel
