#include <QTest>
#include <random>

#include "cache/kv_cache.h"
#include "engine/cache/cache_rules.h"
#include "runnel/error.h"

using namespace runnel;

namespace {

KvCache make_cache(int ctx_size, int n_keep, int n_discard, int batch = 512) {
  return KvCache(
      {.layers = 1, .kv_heads = 1, .head_dim = 2},
      {.ctx_size = ctx_size, .n_keep = n_keep, .n_discard = n_discard, .kv_type = KvType::f32, .batch = batch});
}

void feed(KvCache& cache, int tokens) {
  while (tokens > 0) {
    const int batch = std::min(tokens, cache.max_batch());
    cache.begin_batch(batch);
    cache.commit();
    tokens -= batch;
  }
}

CacheSettings with(CacheSettings settings, int ctx_size, int n_keep, KvType type) {
  settings.ctx_size = ctx_size;
  settings.n_keep = n_keep;
  settings.kv_type = type;
  return settings;
}

/// A key as one query sees it.
struct Seen {
  std::int64_t position;  ///< original
  std::int64_t distance;  ///< from the query, cache-relative
  bool operator==(const Seen&) const = default;
};

/// Checks plans of batches against the rules, token by token.
class PlanCheck {
 public:
  PlanCheck(int ctx, int keep, int discard)
      : rules{.ctx = ctx, .keep = keep, .discard = discard}, cache(make_cache(ctx, keep, discard)) {}

  // The first fault found, empty when a batch of `tokens` sees just what single tokens would.
  QString feed(int tokens) {
    const BatchPlan& plan = cache.begin_batch(tokens);
    written_.resize(static_cast<std::size_t>(cache.table().slots()), -1);
    if (plan.tokens() != tokens || plan.first != rules.n) return "size or start of the plan";
    for (int t = 0; t < tokens; ++t) {
      if (plan.positions[static_cast<std::size_t>(t)] != plan.first + t) return "own positions";
      written_[static_cast<std::size_t>(plan.slots[static_cast<std::size_t>(t)])] = plan.first + t;
    }
    for (int t = 0; t < tokens; ++t) {
      rules.feed();
      if (const QString fault = check(plan, t); !fault.isEmpty()) return fault;
    }
    cache.commit();
    return {};
  }

  // A new memory in which every cached token lies where the table says.
  void moved() {
    written_.assign(static_cast<std::size_t>(cache.table().slots()), -1);
    for (const Run& run : cache.table().runs()) {
      for (std::int32_t k = 0; k < run.length; ++k) written_[static_cast<std::size_t>(run.slot + k)] = run.first + k;
    }
  }

  CacheRules rules;
  KvCache cache;

 private:
  QString check(const BatchPlan& plan, int token) const {
    const std::int64_t position = plan.first + token;
    std::vector<Seen> seen;
    std::int32_t last_span = -1;
    for (const BatchPlan::Sight& sight : plan.sights_of(token)) {
      if (sight.span < last_span) return "spans are not ascending";
      last_span = sight.span;
      const BatchPlan::Span& span = plan.spans[static_cast<std::size_t>(sight.span)];
      if (sight.from < 0 || sight.from >= sight.to || sight.to > span.length) return "a sight beyond its span";
      if (plan.positions[static_cast<std::size_t>(sight.rotation)] != position - sight.gap) return "rotation";
      for (std::int32_t k = sight.from; k < sight.to; ++k) {
        seen.push_back({.position = span.first + k, .distance = position - sight.gap - (span.first + k)});
        if (written_[static_cast<std::size_t>(span.slot + k)] != span.first + k)
          return "a slot that holds another token";
      }
    }
    std::vector<Seen> expected;
    for (const std::int64_t p : rules.items) {
      expected.push_back({.position = p, .distance = std::ssize(rules.items) - 1 - std::ssize(expected)});
    }
    return seen == expected ? QString() : "what a query sees";
  }

  std::vector<std::int64_t> written_;  ///< [slots] token whose key lies there
};

QString event_text(const EvictionEvent& e) {
  return QString("%1: %2-%3, %4 in %5").arg(e.at).arg(e.first).arg(e.last).arg(e.tokens).arg(e.evictions);
}

QStringList events(KvCache& cache) {
  QStringList all;
  const CacheTelemetry telemetry = cache.telemetry();
  for (const EvictionEvent& event : telemetry.events) all << event_text(event);
  return all;
}

}  // namespace

class KvCacheTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void a_batch_is_at_most_the_headroom();
  void a_batch_sees_what_single_tokens_would_see();
  void queries_are_rotated_once_for_all_runs_with_the_same_gap();
  void evictions_before_consecutive_tokens_are_one_event();
  void other_evictions_stay_apart();
  void an_event_that_grew_is_told_again();
  void an_event_that_did_not_grow_is_told_once();
  void cancelled_evictions_are_no_events();
  void keeps_the_newest_events_and_counts_all();
  void changes_of_size_and_sinks_work_together();
  void a_refused_change_changes_nothing();
  void a_change_of_size_is_an_event();
  void a_cleared_cache_is_as_new();
  void telemetry_tells_what_is_cached();
};

void KvCacheTest::a_batch_is_at_most_the_headroom() {
  QCOMPARE(make_cache(64, 4, 1, 4000).max_batch(), 32);
  QCOMPARE(make_cache(64, 4, 1, 7).max_batch(), 7);
  QCOMPARE(make_cache(4096, 4, 1, 4000).max_batch(), 512);
}

void KvCacheTest::a_batch_sees_what_single_tokens_would_see() {
  std::mt19937 random(5);
  const auto between = [&random](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  for (int sequence = 0; sequence < 400; ++sequence) {
    const int ctx = between(16, 40);
    const int keep = between(0, ctx - 2);
    PlanCheck check(ctx, keep, between(0, 3) == 0 ? -1 : between(1, ctx - keep - 1));
    for (int step = 0; step < 30; ++step) {
      const QString fault = check.feed(between(1, check.cache.max_batch()));
      QVERIFY2(fault.isEmpty(), qPrintable(QString("sequence %1, step %2: %3").arg(sequence).arg(step).arg(fault)));
      CacheRules pinned = check.rules;
      const std::int64_t first =
          pinned.items[static_cast<std::size_t>(between(0, static_cast<int>(pinned.items.size()) - 1))];
      pinned.pins.insert(first);
      if (step % 3 == 0 && pinned.enough_rolls()) {
        check.cache.table().pin(first, first + 1, Reason::pin);
        check.rules = pinned;
      } else if (step % 7 == 0) {
        check.cache.table().unpin(0, first, Reason::pin);
        check.rules.pins.erase(check.rules.pins.begin(), check.rules.pins.lower_bound(first));
      } else if (step % 5 == 0) {
        const std::int64_t to = std::max<std::int64_t>(0, check.rules.n - between(1, headroom(ctx)));
        check.cache.table().back(to);
        check.rules.back(to);
      }
    }
  }
}

void KvCacheTest::queries_are_rotated_once_for_all_runs_with_the_same_gap() {
  KvCache cache = make_cache(16, 2, 1);
  feed(cache, 16);
  cache.table().pin(2, 4, Reason::system);
  cache.table().pin(6, 8, Reason::pin);
  feed(cache, 3);
  const BatchPlan& plan =
      cache.begin_batch(1);  // sinks and system, then pins after a gap of 2, the window after another
  QCOMPARE(plan.positions, (std::vector<std::int64_t>{19, 15, 17}));
  std::vector<std::int32_t> rotations;
  for (const BatchPlan::Sight& sight : plan.sights_of(0)) rotations.push_back(sight.rotation);
  QCOMPARE(rotations, (std::vector<std::int32_t>{1, 1, 2, 0}));
}

void KvCacheTest::evictions_before_consecutive_tokens_are_one_event() {
  KvCache cache = make_cache(16, 2, 1);
  feed(cache, 16);
  QCOMPARE(events(cache), QStringList());
  feed(cache, 100);
  QCOMPARE(events(cache), QStringList{"16: 2-101, 100 in 100"});
}

void KvCacheTest::other_evictions_stay_apart() {
  KvCache cache = make_cache(16, 2, 4);
  feed(cache, 25);
  QCOMPARE(events(cache), (QStringList{"16: 2-5, 4 in 1", "20: 6-9, 4 in 1", "24: 10-13, 4 in 1"}));
}

void KvCacheTest::an_event_that_grew_is_told_again() {
  KvCache cache = make_cache(16, 2, 1);
  feed(cache, 20);
  QCOMPARE(events(cache), QStringList{"16: 2-5, 4 in 4"});
  feed(cache, 1);
  QCOMPARE(events(cache), QStringList{"16: 2-6, 5 in 5"});
  cache.table().back(19);
  feed(cache, 1);  // evicts 5 again: not before a consecutive token
  QCOMPARE(events(cache), QStringList{"19: 5-5, 1 in 1"});
}

void KvCacheTest::an_event_that_did_not_grow_is_told_once() {
  KvCache cache = make_cache(16, 2, 4);
  feed(cache, 17);
  QCOMPARE(events(cache), QStringList{"16: 2-5, 4 in 1"});
  QCOMPARE(events(cache), QStringList());
  feed(cache, 4);
  QCOMPARE(events(cache), QStringList{"20: 6-9, 4 in 1"});
}

void KvCacheTest::cancelled_evictions_are_no_events() {
  KvCache cache = make_cache(16, 2, 1);
  feed(cache, 16);
  cache.begin_batch(8);
  cache.abandon();
  QCOMPARE(events(cache), QStringList());
  QCOMPARE(cache.telemetry().evictions, 0);
  feed(cache, 1);
  QCOMPARE(events(cache), QStringList{"16: 2-2, 1 in 1"});
}

void KvCacheTest::keeps_the_newest_events_and_counts_all() {
  KvCache cache = make_cache(16, 2, 2);
  constexpr int evictions = 5000;  // one before every second token
  feed(cache, 16 + 2 * evictions);
  const CacheTelemetry telemetry = cache.telemetry();
  QCOMPARE(telemetry.events.size(), 4096U);
  QCOMPARE(telemetry.events.back().at, 16 + 2 * evictions - 2);
  QCOMPARE(telemetry.evictions, evictions);
  QCOMPARE(telemetry.evicted, 2 * evictions);
}

// A smaller ctx_size may only fit together with a smaller n_keep, and a larger n_keep counts for what a smaller
// ctx_size evicts.
void KvCacheTest::changes_of_size_and_sinks_work_together() {
  PlanCheck check(64, 40, 1);
  QCOMPARE(check.feed(32), QString());
  QCOMPARE(check.feed(32), QString());
  check.cache.change(with(check.cache.table().settings(), 32, 4, KvType::f16));
  check.moved();
  check.rules.keep = 4;
  check.rules.resize(32);
  QCOMPARE(check.cache.table().cached(), 32);
  QCOMPARE(check.feed(16), QString());

  PlanCheck grown(64, 2, 1);
  QCOMPARE(grown.feed(32), QString());
  grown.cache.change(with(grown.cache.table().settings(), 24, 12, KvType::f32));
  grown.moved();
  grown.rules.keep = 12;
  grown.rules.resize(24);
  QCOMPARE(grown.feed(12), QString());
}

void KvCacheTest::a_refused_change_changes_nothing() {
  KvCache cache({.layers = 512, .kv_heads = 16, .head_dim = 64}, {.ctx_size = 16, .n_keep = 6});  // 2 MB a token
  feed(cache, 16);
  QVERIFY_THROWS_EXCEPTION(Error, cache.change(with(cache.table().settings(), 1 << 20, 2, KvType::f16)));
  QCOMPARE(cache.table().settings().ctx_size, 16);
  QCOMPARE(cache.table().settings().n_keep, 6);
  QCOMPARE(cache.table().border(), 0);
  QCOMPARE(cache.table().cached(), 16);
}

void KvCacheTest::a_change_of_size_is_an_event() {
  KvCache cache = make_cache(32, 2, 1);
  feed(cache, 30);
  cache.change(with(cache.table().settings(), 20, 2, KvType::f32));
  QCOMPARE(events(cache), QStringList{"30: 2-11, 10 in 1"});
}

void KvCacheTest::a_cleared_cache_is_as_new() {
  KvCache cache = make_cache(16, 2, 1);
  feed(cache, 40);
  cache.table().pin(30, 32, Reason::pin);
  const std::size_t bytes = cache.memory().bytes();
  cache.clear();
  const CacheTelemetry telemetry = cache.telemetry();
  QCOMPARE(telemetry.fed, 0);
  QCOMPARE(telemetry.cached, 0);
  QCOMPARE(telemetry.evictions, 0);
  QCOMPARE(telemetry.head, 0);
  QCOMPARE(telemetry.events.size(), 0U);
  QCOMPARE(telemetry.settings.n_keep, 2);
  QCOMPARE(telemetry.bytes, bytes);
  feed(cache, 17);
  QCOMPARE(events(cache), QStringList{"16: 2-2, 1 in 1"});
}

void KvCacheTest::telemetry_tells_what_is_cached() {
  KvCache cache = make_cache(16, 2, 3);
  feed(cache, 17);
  const CacheTelemetry telemetry = cache.telemetry();
  QCOMPARE(telemetry.settings.ctx_size, 16);
  QCOMPARE(telemetry.fed, 17);
  QCOMPARE(telemetry.cached, 14);
  QCOMPARE(telemetry.evicted, 3);
  QCOMPARE(telemetry.evictions, 1);
  QCOMPARE(telemetry.slots, 24);
  QCOMPARE(telemetry.head, 17);
  QCOMPARE(telemetry.bytes, cache.memory().bytes());
  QCOMPARE(telemetry.bytes_per_token, std::size_t{2 * 2 * 4});
  QCOMPARE(telemetry.runs.size(), 2U);
  QCOMPARE(telemetry.runs[1].first, 5);
  QCOMPARE(telemetry.runs[1].rank, 2);
  QCOMPARE(telemetry.runs[1].slot, 5);
  QCOMPARE(telemetry.runs[1].length, 12);
}

QTEST_APPLESS_MAIN(KvCacheTest)
#include "tst_kv_cache.moc"
