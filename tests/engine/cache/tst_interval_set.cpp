#include <QTest>
#include <limits>
#include <random>
#include <set>

#include "runnel/interval_set.h"

using namespace runnel;

namespace {

std::vector<std::pair<std::int64_t, std::int64_t>> intervals(const IntervalSet& set) {
  std::vector<std::pair<std::int64_t, std::int64_t>> all;
  for (const Interval& interval : set.intervals()) all.emplace_back(interval.first, interval.end);
  return all;
}

using Intervals = std::vector<std::pair<std::int64_t, std::int64_t>>;

}  // namespace

class IntervalSetTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void joins_what_overlaps_or_touches();
  void removing_splits();
  void an_empty_or_reversed_range_changes_nothing();
  void tells_where_membership_changes();
  void counts_from_a_position_on();
  void is_a_set_of_positions_in_random_play();
};

void IntervalSetTest::joins_what_overlaps_or_touches() {
  IntervalSet set;
  set.add(10, 12);
  set.add(2, 4);
  set.add(4, 6);
  QCOMPARE(intervals(set), (Intervals{{2, 6}, {10, 12}}));
  set.add(5, 11);
  QCOMPARE(intervals(set), (Intervals{{2, 12}}));
}

void IntervalSetTest::removing_splits() {
  IntervalSet set;
  set.add(0, 10);
  set.remove(3, 5);
  QCOMPARE(intervals(set), (Intervals{{0, 3}, {5, 10}}));
  set.remove(2, 100);
  QCOMPARE(intervals(set), (Intervals{{0, 2}}));
}

void IntervalSetTest::an_empty_or_reversed_range_changes_nothing() {
  IntervalSet set;
  set.add(0, 10);
  for (const auto& [first, end] : Intervals{{5, 5}, {7, 3}, {20, 15}}) {
    set.add(first, end);
    set.remove(first, end);
    QCOMPARE(intervals(set), (Intervals{{0, 10}}));
  }
}

void IntervalSetTest::tells_where_membership_changes() {
  IntervalSet set;
  set.add(3, 5);
  QCOMPARE(set.next_change(0), 3);
  QCOMPARE(set.next_change(3), 5);
  QCOMPARE(set.next_change(4), 5);
  QCOMPARE(set.next_change(5), std::numeric_limits<std::int64_t>::max());
}

void IntervalSetTest::counts_from_a_position_on() {
  IntervalSet set;
  set.add(0, 4);
  set.add(10, 12);
  QCOMPARE(set.count_from(0), 6);
  QCOMPARE(set.count_from(3), 3);
  QCOMPARE(set.count_from(5), 2);
  QCOMPARE(set.count_from(12), 0);
}

void IntervalSetTest::is_a_set_of_positions_in_random_play() {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int64_t> position(0, 40);
  IntervalSet set;
  std::set<std::int64_t> expected;
  for (int step = 0; step < 5000; ++step) {
    const std::int64_t first = position(random);
    const std::int64_t end = first + position(random) / 5 - 1;
    if (step % 2 == 0) {
      set.add(first, end);
    } else {
      set.remove(first, end);
    }
    for (std::int64_t p = first; p < end; ++p) {
      if (step % 2 == 0) {
        expected.insert(p);
      } else {
        expected.erase(p);
      }
    }
    for (std::int64_t p = 0; p < 50; ++p) QCOMPARE(set.contains(p), expected.contains(p));
    for (std::size_t i = 1; i < set.intervals().size(); ++i)
      QVERIFY(set.intervals()[i - 1].end < set.intervals()[i].first);
  }
}

QTEST_APPLESS_MAIN(IntervalSetTest)
#include "tst_interval_set.moc"
