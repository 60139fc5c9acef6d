#include <QTest>
#include <numeric>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"

using namespace runnel;

/// Models whose positions are a table of learned rows: an eviction moves those that stay, so they are evaluated again.
/// What must hold: at any time the logits are those of a session that was fed nothing but what is cached.
class LearnedPositionsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void logits_are_those_of_what_is_cached_alone_data();
  void logits_are_those_of_what_is_cached_alone();
  void pinned_tokens_stay_and_move();
  void batches_of_any_size_give_the_same();
  void an_eviction_is_one_event_that_tells_how_many_moved();
  void going_back_is_exact_until_the_last_eviction();
  void a_smaller_size_moves_what_stays();
  void a_size_beyond_the_positions_is_refused();

 private:
  std::span<const Token> some(std::size_t from, std::size_t to) const {
    return std::span(ids_).subspan(from, to - from);
  }

  // Logits of a new session that is fed the cached tokens of `session`.
  std::vector<float> afresh(Session& session) const {
    std::vector<Token> tokens;
    for (const std::int64_t position : cached(session)) tokens.push_back(ids_[static_cast<std::size_t>(position)]);
    Session fresh(model_, exact_settings(200), 1);
    fresh.feed(tokens);
    return {fresh.logits().begin(), fresh.logits().end()};
  }

  std::shared_ptr<const Model> model_;
  std::vector<Token> ids_;
};

void LearnedPositionsTest::initTestCase() {
  model_ = load_exact("families/opt");
  QVERIFY(model_->facts().learned_positions);
  ids_.resize(200);
  for (std::size_t i = 0; i < ids_.size(); ++i) ids_[i] = static_cast<Token>((i * 37 + i * i) % 256);
}

void LearnedPositionsTest::logits_are_those_of_what_is_cached_alone_data() {
  QTest::addColumn<int>("n_keep");
  QTest::addColumn<int>("n_discard");
  QTest::newRow("half") << 4 << -1;
  QTest::newRow("one by one") << 4 << 1;
  QTest::newRow("no sinks") << 0 << 7;
  QTest::newRow("all that can be") << 3 << 20;
}

void LearnedPositionsTest::logits_are_those_of_what_is_cached_alone() {
  QFETCH(int, n_keep);
  QFETCH(int, n_discard);
  Session session(model_, exact_settings(24, n_keep, n_discard), 1);
  for (std::size_t fed = 0; fed < 70; fed += 5) {
    session.feed(some(fed, fed + 5));
    QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
  }
}

void LearnedPositionsTest::pinned_tokens_stay_and_move() {
  Session session(model_, exact_settings(24, 2, 6), 1);
  session.feed(some(0, 20));
  session.pin(9, 12);
  session.feed(some(20, 60));
  const std::vector<std::int64_t> held = cached(session);
  QVERIFY(std::count(held.begin(), held.end(), 10) == 1);
  QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
}

void LearnedPositionsTest::batches_of_any_size_give_the_same() {
  std::vector<std::vector<float>> all;
  for (const int batch : {1, 7, 512}) {
    Session session(model_, exact_settings(32, 4, -1, batch), 2);
    std::vector<float>& logits = all.emplace_back();
    session.feed_all_logits(some(0, 150), [&logits](std::size_t, std::span<const float> row) {
      logits.insert(logits.end(), row.begin(), row.end());
    });
  }
  QVERIFY(difference(all[0], all[1]) < 1e-4);
  QVERIFY(difference(all[0], all[2]) < 1e-4);
}

void LearnedPositionsTest::an_eviction_is_one_event_that_tells_how_many_moved() {
  Session session(model_, exact_settings(24, 4, 10), 1);
  session.feed(some(0, 25));
  const CacheTelemetry telemetry = session.telemetry();
  QCOMPARE(telemetry.events.size(), 1U);
  const EvictionEvent& event = telemetry.events.front();
  QCOMPARE(event.at, 24);
  QCOMPARE(event.tokens, 10);
  QCOMPARE(event.first, 4);
  QCOMPARE(event.last, 13);
  QCOMPARE(event.reevaluated, 10);  // all but the sinks
}

void LearnedPositionsTest::going_back_is_exact_until_the_last_eviction() {
  Session session(model_, exact_settings(24, 4, 10), 1);
  session.feed(some(0, 30));
  QVERIFY(session.back_is_exact(26));
  QVERIFY(!session.back_is_exact(23));
  session.back(26);
  session.feed(some(26, 28));
  QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
  session.back(20);  // cut: what was evicted since then stays forgotten
  session.feed(some(20, 40));
  QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
}

void LearnedPositionsTest::a_smaller_size_moves_what_stays() {
  Session session(model_, exact_settings(40, 4, -1), 1);
  session.feed(some(0, 35));
  session.set({.ctx_size = 20});
  session.feed(some(35, 36));
  QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
  session.set({.ctx_size = 60});
  session.feed(some(36, 100));
  QVERIFY(difference(session.logits(), afresh(session)) < 1e-4);
}

void LearnedPositionsTest::a_size_beyond_the_positions_is_refused() {
  CacheSettings settings = exact_settings(513);
  settings.allow_untrained_ctx = true;
  const QString sentence = refusal([&] { Session(model_, settings, 1); });
  QVERIFY2(sentence.contains("ctx_size 513") && sentence.contains("512"), qPrintable(sentence));
  Session session(model_, exact_settings(512), 1);
  QVERIFY(refusal([&] { session.set({.ctx_size = 600}); }).contains("ctx_size 600"));
}

QTEST_APPLESS_MAIN(LearnedPositionsTest)
#include "tst_learned_positions.moc"
