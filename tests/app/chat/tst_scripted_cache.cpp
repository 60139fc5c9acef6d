#include <QTest>

#include <algorithm>
#include <array>
#include <random>

#include "app/chat/scripted_cache.h"
#include "runnel/error.h"

using namespace runnel::app;
using runnel::CacheTelemetry;

namespace {

std::vector<qint64> positions(const CacheTelemetry& cache) {
  std::vector<qint64> result;
  for (const runnel::Run& run : cache.runs)
    for (int i = 0; i < run.length; ++i) result.push_back(run.first + i);
  return result;
}

std::vector<int> slotsOf(const CacheTelemetry& cache) {
  std::vector<int> result;
  for (const runnel::Run& run : cache.runs)
    for (int i = 0; i < run.length; ++i) result.push_back(run.slot + i);
  return result;
}

}  // namespace

class ScriptedCacheTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void keeps_sinks_and_the_newest_tokens();
  void drops_half_with_minus_one();
  void merges_evictions_before_consecutive_tokens();
  void goes_back_exactly_within_the_headroom();
  void cuts_beyond_the_headroom();
  void shrinks_in_place();
  void gives_every_token_a_slot_of_its_own();
};

void ScriptedCacheTest::keeps_sinks_and_the_newest_tokens() {
  ScriptedCache cache({.ctx_size = 16, .n_keep = 2, .n_discard = 3}, 1024, 1);
  cache.feed(17);
  QCOMPARE(positions(cache.telemetry()), (std::vector<qint64>{0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}));
}

void ScriptedCacheTest::drops_half_with_minus_one() {
  ScriptedCache cache({.ctx_size = 16, .n_keep = 4, .n_discard = -1}, 1024, 1);
  cache.feed(17);
  QCOMPARE(cache.telemetry().evicted, 6);
}

void ScriptedCacheTest::merges_evictions_before_consecutive_tokens() {
  ScriptedCache cache({.ctx_size = 16, .n_keep = 2, .n_discard = 3}, 1024, 1);
  cache.feed(23);
  const CacheTelemetry everyThird = cache.telemetry();
  QCOMPARE(everyThird.events.size(), std::size_t{3});
  ScriptedCache rolling({.ctx_size = 16, .n_keep = 2, .n_discard = 1}, 1024, 1);
  rolling.feed(26);
  const CacheTelemetry merged = rolling.telemetry();
  QCOMPARE(merged.events.size(), std::size_t{1});
  QCOMPARE(merged.events.front().at, 16);
  QCOMPARE(merged.events.front().first, 2);
  QCOMPARE(merged.events.front().last, 11);
  QCOMPARE(merged.events.front().evictions, 10);
  QVERIFY(rolling.telemetry().events.empty());
}

void ScriptedCacheTest::goes_back_exactly_within_the_headroom() {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const int discard = std::array{1, 3, -1}.at(static_cast<std::size_t>(round) % 3);
    ScriptedCache cache({.ctx_size = 32, .n_keep = 3, .n_discard = discard}, 1024, 1);
    cache.feed(static_cast<qint64>(random() % 100));
    const CacheTelemetry before = cache.telemetry();
    const qint64 fed = cache.fed();
    cache.feed(static_cast<qint64>(random() % 17));
    cache.back(fed);
    const CacheTelemetry after = cache.telemetry();
    QCOMPARE(positions(after), positions(before));
    QCOMPARE(slotsOf(after), slotsOf(before));
    QCOMPARE(after.head, before.head);
    QCOMPARE(after.evicted, before.evicted);
  }
}

void ScriptedCacheTest::cuts_beyond_the_headroom() {
  ScriptedCache cache({.ctx_size = 32, .n_keep = 2}, 1024, 1);
  cache.feed(60);
  cache.back(40);
  std::vector<qint64> expected{0, 1};
  for (qint64 position = 30; position < 40; ++position) expected.push_back(position);
  QCOMPARE(positions(cache.telemetry()), expected);
  QVERIFY_EXCEPTION_THROWN(cache.back(20), runnel::Error);
}

void ScriptedCacheTest::shrinks_in_place() {
  ScriptedCache cache({.ctx_size = 64, .n_keep = 4}, 1024, 1);
  cache.feed(70);
  QVERIFY(cache.isInPlace({.ctx_size = 16, .n_keep = 4}));
  QVERIFY(!cache.isInPlace({.ctx_size = 64, .n_keep = 5}));
  cache.apply({.ctx_size = 16, .n_keep = 2});
  std::vector<qint64> expected{0, 1};
  for (qint64 position = 56; position < 70; ++position) expected.push_back(position);
  QCOMPARE(positions(cache.telemetry()), expected);
  QVERIFY_EXCEPTION_THROWN(cache.apply({.ctx_size = 15}), runnel::Error);
}

void ScriptedCacheTest::gives_every_token_a_slot_of_its_own() {
  ScriptedCache cache({.ctx_size = 32, .n_keep = 4, .n_discard = 5}, 1024, 1);
  for (int step = 0; step < 100; ++step) {
    cache.feed(step % 7);
    if (step % 5 == 0) cache.back(cache.fed() - std::min<qint64>(cache.fed(), step % 9));
    std::vector<int> used = slotsOf(cache.telemetry());
    std::sort(used.begin(), used.end());
    QVERIFY(std::adjacent_find(used.begin(), used.end()) == used.end());
    QVERIFY(used.empty() || used.back() < 48);
  }
}

QTEST_GUILESS_MAIN(ScriptedCacheTest)
#include "tst_scripted_cache.moc"
