#include <QTest>

#include "runnel/error.h"
#include "runnel/run_table.h"

using namespace runnel;

using Positions = std::vector<std::int64_t>;

namespace {

RunTable table(int ctx_size, int n_keep, int n_discard) {
  return RunTable({.ctx_size = ctx_size, .n_keep = n_keep, .n_discard = n_discard});
}

void feed(RunTable& table, int tokens) {
  for (int i = 0; i < tokens; ++i) table.append();
}

Positions positions(const RunTable& table) {
  Positions all;
  for (const Run& run : table.runs()) {
    for (std::int32_t i = 0; i < run.length; ++i) all.push_back(run.first + i);
  }
  return all;
}

// Ranges of positions, ends included, one after the other.
Positions ranges(std::initializer_list<std::pair<std::int64_t, std::int64_t>> list) {
  Positions all;
  for (const auto& [first, last] : list) {
    for (std::int64_t p = first; p <= last; ++p) all.push_back(p);
  }
  return all;
}

std::int32_t slot_of(const RunTable& table, std::int64_t position) {
  for (const Run& run : table.runs()) {
    if (run.first <= position && position < run.first + run.length) {
      return run.slot + static_cast<std::int32_t>(position - run.first);
    }
  }
  return -1;
}

std::vector<std::int32_t> slots_of(const RunTable& table, const Positions& positions) {
  std::vector<std::int32_t> slots;
  for (const std::int64_t p : positions) slots.push_back(slot_of(table, p));
  return slots;
}

}  // namespace

class RunTableTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void evicts_nothing_before_it_is_full();
  void evicts_only_the_oldest_tokens_that_nothing_exempts();
  void minus_one_drops_half_of_what_can_be_evicted();
  void drops_what_there_is_when_n_discard_exceeds_it();
  void tells_what_the_last_token_evicted();
  void a_ring_uses_the_slot_that_was_freed_first();
  void a_token_keeps_its_slot();
  void what_was_evicted_stays_until_a_headroom_of_tokens_was_written();
  void going_back_restores_tokens_and_slots_within_the_headroom();
  void going_back_writes_the_same_slots_again();
  void going_back_further_is_a_cut();
  void a_cut_brings_nothing_back_later();
  void a_cancelled_batch_leaves_no_trace_but_its_slots();
  void what_a_change_of_size_dropped_is_never_restored();
  void a_change_of_type_is_a_border();
  void a_smaller_size_evicts_the_oldest();
  void pins_stay_and_the_first_reason_counts();
  void pins_are_refused_when_less_than_a_quarter_would_roll();
  void pins_are_refused_for_what_is_not_cached();
  void unpinned_tokens_roll_again();
  void unpinning_what_is_not_pinned_does_nothing();
  void going_back_lifts_the_pins_of_what_is_cut();
  void a_smaller_n_keep_lets_former_sinks_roll();
  void what_is_left_of_a_message_goes_too();
  void no_more_than_a_tenth_of_the_cache_goes_too();
  void a_message_whose_beginning_stays_is_left();
  void going_back_forgets_messages_to_come();
};

void RunTableTest::evicts_nothing_before_it_is_full() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 16);
  QCOMPARE(positions(cache), ranges({{0, 15}}));
  QCOMPARE(cache.evictions(), 0);
  QCOMPARE(cache.slots(), 24);
}

void RunTableTest::evicts_only_the_oldest_tokens_that_nothing_exempts() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 16);
  cache.pin(3, 5, Reason::pin);
  feed(cache, 1);
  QCOMPARE(positions(cache), ranges({{0, 1}, {3, 4}, {7, 16}}));  // 2, 5 and 6 are gone
  QCOMPARE(cache.evictions(), 1);
}

void RunTableTest::minus_one_drops_half_of_what_can_be_evicted() {
  RunTable cache = table(16, 3, -1);
  feed(cache, 16);
  cache.pin(10, 12, Reason::pin);
  feed(cache, 1);
  QCOMPARE(cache.last_evicted().tokens, 5);  // (16 − 3 − 2) / 2
  RunTable nearly_all_kept = table(16, 14, -1);
  feed(nearly_all_kept, 17);
  QCOMPARE(positions(nearly_all_kept), ranges({{0, 13}, {15, 16}}));
}

void RunTableTest::drops_what_there_is_when_n_discard_exceeds_it() {
  RunTable cache = table(16, 2, 13);
  feed(cache, 16);
  cache.pin(2, 12, Reason::pin);
  feed(cache, 1);
  QCOMPARE(positions(cache), ranges({{0, 11}, {16, 16}}));
}

void RunTableTest::tells_what_the_last_token_evicted() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 16);
  QCOMPARE(cache.last_evicted().tokens, 0);
  cache.pin(3, 4, Reason::pin);
  feed(cache, 1);
  QCOMPARE(cache.last_evicted().tokens, 3);
  QCOMPARE(cache.last_evicted().first, 2);
  QCOMPARE(cache.last_evicted().last, 5);
  feed(cache, 1);
  QCOMPARE(cache.last_evicted().tokens, 0);
}

void RunTableTest::a_ring_uses_the_slot_that_was_freed_first() {
  RunTable cache = table(16, 2, 1);
  for (int token = 0; token < 100; ++token) {
    const std::int32_t head = cache.head();
    const std::int32_t slot = cache.append();
    QCOMPARE(slot, head);
    // Behind the sinks, 22 slots are used in turn: 14 for the window and 8 of headroom.
    QCOMPARE(slot, token < 2 ? token : 2 + (token - 2) % 22);
  }
}

void RunTableTest::a_token_keeps_its_slot() {
  RunTable cache = table(16, 2, 5);
  feed(cache, 20);
  cache.pin(9, 11, Reason::pin);
  const Positions watched = ranges({{0, 1}, {9, 10}});
  const auto slots = slots_of(cache, watched);
  feed(cache, 100);
  QCOMPARE(slots_of(cache, watched), slots);
}

void RunTableTest::what_was_evicted_stays_until_a_headroom_of_tokens_was_written() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 16);
  const std::int32_t slot = slot_of(cache, 2);
  feed(cache, 1);  // evicts token 2
  for (int written = 1; written < headroom(16); ++written) QVERIFY(cache.append() != slot);
  QCOMPARE(cache.append(), slot);
}

void RunTableTest::going_back_restores_tokens_and_slots_within_the_headroom() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 40);
  const Positions before = positions(cache);
  const auto slots = slots_of(cache, before);
  feed(cache, headroom(16));
  QVERIFY(cache.back_is_exact(40));
  QVERIFY(!cache.back_is_exact(39));
  cache.back(40);
  QCOMPARE(positions(cache), before);
  QCOMPARE(slots_of(cache, before), slots);
  QCOMPARE(cache.fed(), 40);
}

void RunTableTest::going_back_writes_the_same_slots_again() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 40);
  std::vector<std::int32_t> first_time;
  std::vector<std::int32_t> second_time;
  for (int i = 0; i < headroom(16); ++i) first_time.push_back(cache.append());
  cache.back(40);
  for (int i = 0; i < headroom(16); ++i) second_time.push_back(cache.append());
  QCOMPARE(second_time, first_time);
}

void RunTableTest::going_back_further_is_a_cut() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 40);
  cache.back(40 - headroom(16) - 1);
  QCOMPARE(positions(cache), ranges({{0, 1}, {26, 30}}));
}

void RunTableTest::a_cut_brings_nothing_back_later() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 40);
  cache.back(29);
  feed(cache, 2);
  cache.back(30);  // two tokens back, but the slots in between were written by the first forty tokens
  QCOMPARE(positions(cache), ranges({{0, 1}, {26, 29}}));
}

void RunTableTest::a_cancelled_batch_leaves_no_trace_but_its_slots() {
  RunTable cache = table(16, 2, 3);
  feed(cache, 40);
  const Positions before = positions(cache);
  const std::int64_t evictions = cache.evictions();
  const std::int32_t head = cache.head();
  feed(cache, 8);
  cache.take_back(8, evictions);
  QCOMPARE(positions(cache), before);
  QCOMPARE(cache.fed(), 40);
  QCOMPARE(cache.evictions(), evictions);
  QCOMPARE(cache.head(), head);
  QCOMPARE(cache.high(), 48);
  QVERIFY(cache.back_is_exact(40));
  QVERIFY(!cache.back_is_exact(39));  // what was evicted before token 39 has been overwritten
}

void RunTableTest::what_a_change_of_size_dropped_is_never_restored() {
  RunTable cache = table(32, 2, 1);
  feed(cache, 32);
  cache.resize(20);
  QCOMPARE(cache.border(), 32);
  feed(cache, 1);
  cache.back(32);
  QCOMPARE(positions(cache), ranges({{0, 1}, {14, 31}}));
  QVERIFY(!cache.back_is_exact(31));
  cache.back(31);
  QCOMPARE(positions(cache), ranges({{0, 1}, {14, 30}}));
}

void RunTableTest::a_change_of_type_is_a_border() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 20);
  cache.set_kv_type(KvType::f32);
  QVERIFY(cache.back_is_exact(20));
  QVERIFY(!cache.back_is_exact(19));
  cache.back(19);
  QCOMPARE(positions(cache), ranges({{0, 1}, {6, 18}}));
}

void RunTableTest::a_smaller_size_evicts_the_oldest() {
  RunTable cache = table(32, 2, 1);
  feed(cache, 30);
  cache.pin(5, 7, Reason::pin);
  cache.resize(16);
  QCOMPARE(positions(cache), ranges({{0, 1}, {5, 6}, {18, 29}}));
  QCOMPARE(cache.last_evicted().tokens, 14);
  QCOMPARE(cache.slots(), 24);
  QCOMPARE(slots_of(cache, positions(cache)).back(), 15);
  QCOMPARE(cache.head(), 16);
}

void RunTableTest::pins_stay_and_the_first_reason_counts() {
  RunTable cache = table(32, 2, 1);
  feed(cache, 20);
  cache.pin(0, 6, Reason::system);
  cache.pin(4, 9, Reason::pin);
  std::vector<Reason> reasons;
  for (const Run& run : cache.runs()) reasons.push_back(run.reason);
  QCOMPARE(reasons, (std::vector{Reason::sink, Reason::system, Reason::pin, Reason::window}));
  cache.unpin(0, 6, Reason::system);
  feed(cache, 200);
  QCOMPARE(positions(cache), ranges({{0, 1}, {4, 8}, {195, 219}}));
}

void RunTableTest::pins_are_refused_when_less_than_a_quarter_would_roll() {
  RunTable cache = table(16, 4, 1);
  feed(cache, 16);
  cache.pin(4, 12, Reason::pin);  // 4 of 16 roll: just enough
  const Positions before = positions(cache);
  try {
    cache.pin(12, 13, Reason::pin);
    QFAIL("the pin was not refused");
  } catch (const Error& error) {
    const QString sentence = error.what();
    QVERIFY2(sentence.contains("ctx_size 16") && sentence.contains("a quarter"), error.what());
  }
  QCOMPARE(positions(cache), before);
  feed(cache, 1);
  QCOMPARE(positions(cache), ranges({{0, 11}, {13, 16}}));
}

void RunTableTest::pins_are_refused_for_what_is_not_cached() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 18);
  const std::vector<std::pair<std::int64_t, std::int64_t>> refused{{3, 6}, {17, 19}, {-1, 1}, {6, 6}, {8, 6}};
  for (const auto& [first, end] : refused) {
    QVERIFY_THROWS_EXCEPTION(Error, cache.pin(first, end, Reason::pin));
  }
  QVERIFY(
      std::none_of(cache.runs().begin(), cache.runs().end(), [](const Run& run) { return run.reason == Reason::pin; }));
}

void RunTableTest::unpinned_tokens_roll_again() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 16);
  cache.pin(4, 8, Reason::pin);
  feed(cache, 30);
  cache.unpin(5, 7, Reason::pin);
  feed(cache, 2);
  QCOMPARE(positions(cache), ranges({{0, 1}, {4, 4}, {7, 7}, {36, 47}}));
}

void RunTableTest::unpinning_what_is_not_pinned_does_nothing() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 16);
  cache.pin(4, 8, Reason::pin);
  cache.unpin(10, 20, Reason::pin);
  cache.unpin(4, 8, Reason::system);
  cache.unpin(7, 5, Reason::pin);
  feed(cache, 30);
  QCOMPARE(positions(cache), ranges({{0, 1}, {4, 7}, {36, 45}}));
}

void RunTableTest::going_back_lifts_the_pins_of_what_is_cut() {
  RunTable cache = table(16, 2, 1);
  feed(cache, 16);
  cache.pin(10, 14, Reason::pin);
  cache.back(12);
  feed(cache, 50);
  QCOMPARE(positions(cache), ranges({{0, 1}, {10, 11}, {50, 61}}));
}

void RunTableTest::a_smaller_n_keep_lets_former_sinks_roll() {
  RunTable cache = table(16, 6, 1);
  feed(cache, 20);
  cache.set_n_keep(2);
  feed(cache, 2);
  QCOMPARE(positions(cache), ranges({{0, 1}, {4, 5}, {10, 21}}));
}

namespace {

/// A full cache of 60 tokens, 2 of them sinks, in which messages begin every `length` tokens.
RunTable full_of_messages(int length, int n_discard) {
  RunTable cache({.ctx_size = 60, .n_keep = 2, .n_discard = n_discard, .whole_messages = true});
  for (int first = 0; first < 60; first += length) {
    cache.begin_message(first);
    feed(cache, std::min(length, 60 - first));
  }
  return cache;
}

}  // namespace

void RunTableTest::what_is_left_of_a_message_goes_too() {
  for (const int n_discard : {1, 3, 5}) {
    RunTable cache = full_of_messages(5, n_discard);
    feed(cache, 10);  // the first message begins with sinks, which stay
    const std::int64_t oldest = cache.runs()[1].first;
    QVERIFY2(oldest % 5 == 0, qPrintable(QString("%1, n_discard %2").arg(oldest).arg(n_discard)));
  }
  RunTable cache = full_of_messages(5, 1);
  feed(cache, 4);
  QCOMPARE(positions(cache), ranges({{0, 1}, {10, 63}}));
  QCOMPARE(cache.evictions(), 4);  // 2, 3, 4, and 5 with what follows it
  QCOMPARE(cache.last_evicted().tokens, 5);
  cache.set_whole_messages(false);
  feed(cache, 5);
  QCOMPARE(positions(cache), ranges({{0, 1}, {11, 68}}));
}

void RunTableTest::no_more_than_a_tenth_of_the_cache_goes_too() {
  RunTable cache = full_of_messages(20, 1);
  feed(cache, 19);
  QCOMPARE(positions(cache).at(2), 27);  // 20, and six more of the twenty
  feed(cache, 7);
  QCOMPARE(positions(cache).at(2), 34);
}

void RunTableTest::a_message_whose_beginning_stays_is_left() {
  RunTable cache = full_of_messages(5, 1);
  cache.pin(5, 7, Reason::pin);
  feed(cache, 4);
  QCOMPARE(positions(cache), ranges({{0, 1}, {5, 6}, {8, 63}}));
}

void RunTableTest::going_back_forgets_messages_to_come() {
  RunTable cache({.ctx_size = 60, .n_keep = 0, .n_discard = 1, .whole_messages = true});
  cache.begin_message(0);
  feed(cache, 5);
  cache.begin_message(5);
  feed(cache, 10);
  cache.back(3);
  feed(cache, 58);  // one message now: after its first token six more go, not only four
  QCOMPARE(positions(cache), ranges({{7, 60}}));
}

QTEST_APPLESS_MAIN(RunTableTest)
#include "tst_run_table.moc"
