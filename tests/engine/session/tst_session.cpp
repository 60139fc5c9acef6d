#include <QTest>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"
#include "runnel/likelihood.h"

using namespace runnel;

using Positions = std::vector<std::int64_t>;

/// A session's state as its owner sees it.
class SessionTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void a_new_session_has_no_logits();
  void feeding_nothing_changes_nothing();
  void the_default_size_is_the_trained_context();
  void settings_out_of_range_are_refused();
  void a_model_without_weights_is_refused();
  void a_token_out_of_range_is_refused_before_anything_happens_data();
  void a_token_out_of_range_is_refused_before_anything_happens();
  void progress_counts_the_tokens();
  void logits_of_all_tokens_are_those_of_single_ones();
  void sampling_notes_the_token_but_does_not_feed_it();
  void cancelled_before_feeding_evaluates_nothing();
  void a_cancel_can_be_taken_back();
  void cancelled_in_between_keeps_whole_batches();
  void forgets_whole_messages_alike_in_any_batch();
  void an_answer_is_taken_back_after_fifty_cache_lengths();
  void after_a_cancelled_batch_the_state_is_as_before();
  void going_back_and_on_is_as_if_nothing_had_been();
  void going_back_leaves_no_logits();
  void going_back_out_of_range_is_refused();
  void going_back_tells_whether_it_is_exact();
  void naming_a_size_or_a_type_is_a_border_whatever_its_value_data();
  void naming_a_size_or_a_type_is_a_border_whatever_its_value();
  void going_back_tells_whether_it_is_enough();
  void a_pinned_last_token_is_enough_to_go_on_from();
  void pins_hold_and_are_lifted();
  void pins_are_refused_by_a_sentence();
  void settings_change_in_place();
  void a_refused_change_changes_nothing_data();
  void a_refused_change_changes_nothing();
  void a_larger_n_keep_needs_all_tokens();
  void a_change_of_type_keeps_what_is_cached();
  void reset_is_a_new_session();
  void telemetry_tells_events_once();
  void tells_where_the_last_token_looks();
  void tells_what_was_watched_last();
  void tells_how_little_tokens_were_expected();
  void surprise_stays_with_its_tokens();
  void watching_changes_nothing();

 private:
  std::unique_ptr<Session> open(CacheSettings settings) const { return std::make_unique<Session>(model_, settings, 2); }

  // Logits after the first `n` tokens in a session that did nothing else.
  std::vector<float> undisturbed(std::size_t n, const CacheSettings& settings) const {
    Session session(model_, settings, 2);
    session.feed(some(n));
    return {session.logits().begin(), session.logits().end()};
  }

  std::span<const Token> some(std::size_t n) const { return std::span(ids_).first(n); }
  std::span<const Token> some(std::size_t from, std::size_t to) const {
    return std::span(ids_).subspan(from, to - from);
  }

  std::shared_ptr<const Model> model_;
  std::vector<Token> ids_;  ///< [400]
};

void SessionTest::initTestCase() {
  model_ = load_exact("llama_mha");
  ids_ = Arrays(fixture("llama_mha") / "streaming.safetensors").all<Token>("input_ids");
}

void SessionTest::a_new_session_has_no_logits() {
  const auto session = open(exact_settings(64));
  QVERIFY(session->logits().empty());
  QCOMPARE(session->fed(), 0);
  Sampler sampler({});
  const QString sentence = refusal([&] { session->next(sampler); });
  QVERIFY(!sentence.isEmpty());
}

void SessionTest::feeding_nothing_changes_nothing() {
  const auto session = open(exact_settings(64));
  session->feed({});
  QVERIFY(session->logits().empty());
  session->feed(some(20));
  session->feed({});
  QCOMPARE(session->fed(), 20);
  QCOMPARE(difference(session->logits(), undisturbed(20, exact_settings(64))), 0.0);
}

void SessionTest::the_default_size_is_the_trained_context() {
  CacheSettings settings = exact_settings(0);
  QCOMPARE(open(settings)->settings().ctx_size, 2048);
  settings.ctx_size = 2049;
  const QString sentence = refusal([&] { open(settings); });
  QVERIFY2(sentence.contains("ctx_size 2049") && sentence.contains("2048"), qPrintable(sentence));
  settings.allow_untrained_ctx = true;
  QCOMPARE(open(settings)->settings().ctx_size, 2049);
}

void SessionTest::settings_out_of_range_are_refused() {
  const QString sentence = refusal([&] { open(exact_settings(64, 63)); });
  QVERIFY2(sentence.contains("n_keep 63") && sentence.contains("62"), qPrintable(sentence));
}

void SessionTest::a_model_without_weights_is_refused() {
  const auto facts_only = Model::open_without_weights(fixture("llama_mha"));
  QVERIFY(!refusal([&] { Session(facts_only, exact_settings(64), 1); }).isEmpty());
  QVERIFY(!refusal([] { Session(nullptr, exact_settings(64), 1); }).isEmpty());
}

void SessionTest::a_token_out_of_range_is_refused_before_anything_happens_data() {
  QTest::addColumn<int>("token");
  QTest::newRow("one past the vocabulary") << 256;
  QTest::newRow("negative") << -1;
  QTest::newRow("largest") << std::numeric_limits<int>::max();
  QTest::newRow("smallest") << std::numeric_limits<int>::min();
}

void SessionTest::a_token_out_of_range_is_refused_before_anything_happens() {
  QFETCH(int, token);
  const auto session = open(exact_settings(64, 4, 1, 8));
  session->feed(some(20));
  std::vector<Token> bad(ids_.begin(), ids_.begin() + 50);
  bad.back() = token;
  const QString sentence = refusal([&] { session->feed(bad); });
  QVERIFY2(sentence.contains(QString::number(token)) && sentence.contains("255"), qPrintable(sentence));
  QCOMPARE(session->fed(), 20);
  QCOMPARE(difference(session->logits(), undisturbed(20, exact_settings(64, 4, 1, 8))), 0.0);
}

void SessionTest::progress_counts_the_tokens() {
  const auto session = open(exact_settings(64, 4, 1, 16));
  std::vector<std::size_t> done;
  session->feed(some(40), [&done](std::size_t n) { done.push_back(n); });
  QCOMPARE(done, (std::vector<std::size_t>{16, 32, 40}));
}

void SessionTest::logits_of_all_tokens_are_those_of_single_ones() {
  const auto session = open(exact_settings(32, 4, 3));
  const auto single = open(exact_settings(32, 4, 3));
  double worst = 0;
  session->feed_all_logits(some(90), [&](std::size_t index, std::span<const float> logits) {
    single->feed(some(index, index + 1));
    worst = std::max(worst, difference(single->logits(), logits));
  });
  QVERIFY(worst < 1e-4);
  QCOMPARE(difference(single->logits(), session->logits()) < 1e-4, true);
}

void SessionTest::sampling_notes_the_token_but_does_not_feed_it() {
  const auto session = open(exact_settings(64));
  session->feed(some(20));
  SamplerSettings greedy;
  greedy.temperature = 0;
  greedy.repetition_penalty = 1000;
  Sampler sampler(greedy);
  const Token first = session->next(sampler);
  QCOMPARE(first, likeliest(session->logits()));
  QCOMPARE(session->fed(), 20);
  QVERIFY(session->next(sampler) != first);  // the penalty knows the first one
}

void SessionTest::cancelled_before_feeding_evaluates_nothing() {
  const auto session = open(exact_settings(64));
  session->feed(some(20));
  session->cancel();
  QVERIFY_THROWS_EXCEPTION(Cancelled, session->feed(some(20, 40)));
  QCOMPARE(session->fed(), 20);
  session->feed(some(20, 40));  // the request is spent
  QVERIFY(difference(session->logits(), undisturbed(40, exact_settings(64))) < 1e-4);
}

void SessionTest::a_cancel_can_be_taken_back() {
  const auto session = open(exact_settings(64));
  session->cancel();
  session->clear_cancel();
  session->feed(some(20));
  QCOMPARE(session->fed(), 20);
}

void SessionTest::cancelled_in_between_keeps_whole_batches() {
  const CacheSettings settings = exact_settings(32, 4, 1, 8);
  const auto session = open(settings);
  const auto cancel_after_three = [&](std::size_t done) {
    if (done == 24) session->cancel();
  };
  QVERIFY_THROWS_EXCEPTION(Cancelled, session->feed(some(100), cancel_after_three));
  QCOMPARE(session->fed(), 24);
  QVERIFY(session->logits().empty());  // none were computed for the last of these tokens
  session->feed(some(24, 100));
  QCOMPARE(difference(session->logits(), undisturbed(100, settings)), 0.0);
}

void SessionTest::forgets_whole_messages_alike_in_any_batch() {
  const auto play = [this](int batch, bool whole = true) {
    CacheSettings settings = exact_settings(40, 4, 1, batch);
    settings.whole_messages = whole;
    auto session = open(settings);
    for (std::size_t first = 0; first < 200; first += 25) {
      session->begin_message(static_cast<std::int64_t>(first));
      session->feed(some(first, first + 25));
    }
    return session;
  };
  const auto single = play(1);
  QVERIFY(single->telemetry().evictions * 2 < play(1, false)->telemetry().evictions);  // up to five tokens each
  for (const int batch : {7, 20}) {
    const auto session = play(batch);
    QCOMPARE(cached(*session), cached(*single));
    QVERIFY(difference(session->logits(), single->logits()) < 2e-3);
  }
}

void SessionTest::an_answer_is_taken_back_after_fifty_cache_lengths() {
  const auto session = open(exact_settings(512, 4, 1, 512));
  while (session->fed() < 50 * 512) session->feed(some(400));
  const std::vector<float> before(session->logits().begin(), session->logits().end());
  const Positions held = cached(*session);
  const std::int64_t fed = session->fed();
  for (std::size_t i = 0; i < 200; ++i) session->feed(some(i, i + 1));
  QVERIFY(session->back_is_exact(fed - 1));
  session->back(fed - 1);
  session->feed(some(399, 400));  // the last token once more: its logits are those of the answer's beginning
  QCOMPARE(cached(*session), held);
  QVERIFY(difference(session->logits(), before) < 2e-3);
}

void SessionTest::after_a_cancelled_batch_the_state_is_as_before() {
  const CacheSettings settings = exact_settings(32, 4, 3, 8);
  const auto session = open(settings);
  session->feed(some(60));
  const Positions before = cached(*session);
  const CacheTelemetry telemetry = session->telemetry();
  session->cancel();
  QVERIFY_THROWS_EXCEPTION(Cancelled, session->feed(some(60, 68)));
  QCOMPARE(cached(*session), before);
  QCOMPARE(session->telemetry().evictions, telemetry.evictions);
  QCOMPARE(session->telemetry().head, telemetry.head);
  QCOMPARE(difference(session->logits(), undisturbed(60, settings)), 0.0);
}

void SessionTest::going_back_and_on_is_as_if_nothing_had_been() {
  const CacheSettings settings = exact_settings(32, 4, 3, 8);
  const auto session = open(settings);
  session->feed(some(64));
  const Positions then = cached(*session);
  session->feed(some(200, 216));  // as many as the headroom: something else
  session->back(64);
  QCOMPARE(cached(*session), then);
  session->feed(some(64, 96));
  QCOMPARE(difference(session->logits(), undisturbed(96, settings)), 0.0);
}

void SessionTest::going_back_leaves_no_logits() {
  const auto session = open(exact_settings(64));
  session->feed(some(20));
  session->back(19);
  QVERIFY(session->logits().empty());
  QCOMPARE(session->fed(), 19);
  session->feed(some(19, 20));
  QVERIFY(difference(session->logits(), undisturbed(20, exact_settings(64))) < 1e-4);
  session->back(0);
  QCOMPARE(session->telemetry().cached, 0);
}

void SessionTest::going_back_out_of_range_is_refused() {
  const auto session = open(exact_settings(64));
  session->feed(some(20));
  for (const std::int64_t to : {std::int64_t{-1}, std::int64_t{21}}) {
    const QString sentence = refusal([&] { session->back(to); });
    QVERIFY2(sentence.contains(QString::number(to)) && sentence.contains("20"), qPrintable(sentence));
  }
  QCOMPARE(session->fed(), 20);
  QVERIFY(!session->logits().empty());
}

void SessionTest::going_back_tells_whether_it_is_exact() {
  const auto session = open(exact_settings(32));
  session->feed(some(100));
  QVERIFY(session->back_is_exact(84));
  QVERIFY(!session->back_is_exact(83));
  session->set({.ctx_size = 48});
  QVERIFY(session->back_is_exact(100));
  QVERIFY(!session->back_is_exact(99));
  QVERIFY(!session->back_is_exact(101));  // beyond what was fed
  QVERIFY(!session->back_is_enough(101));
}

void SessionTest::naming_a_size_or_a_type_is_a_border_whatever_its_value_data() {
  QTest::addColumn<CacheChange>("change");
  QTest::addColumn<bool>("is_border");
  QTest::newRow("the present size") << CacheChange{.ctx_size = 32} << true;
  QTest::newRow("the present type") << CacheChange{.kv_type = KvType::f32} << true;
  QTest::newRow("everything else") << CacheChange{.n_keep = 4, .n_discard = 2, .whole_messages = true} << false;
}

void SessionTest::naming_a_size_or_a_type_is_a_border_whatever_its_value() {
  QFETCH(CacheChange, change);
  QFETCH(bool, is_border);
  const auto session = open(exact_settings(32));
  session->feed(some(100));
  session->set(change);
  QCOMPARE(session->back_is_exact(99), !is_border);
  const Positions before = cached(*session);
  session->feed(some(100, 105));
  session->back(100);  // what was evicted since comes back
  QCOMPARE(cached(*session), before);
}

void SessionTest::going_back_tells_whether_it_is_enough() {
  const auto session = open(exact_settings(32));
  session->feed(some(30));
  QVERIFY(session->back_is_enough(1));  // nothing was forgotten
  session->feed(some(30, 100));         // 0 … 3 and 72 … 99 are left
  QVERIFY(session->back_is_enough(84));
  QVERIFY(session->back_is_enough(80));
  QVERIFY(session->back_is_enough(73));
  QVERIFY(!session->back_is_enough(72));
  QVERIFY(!session->back_is_enough(4));  // sinks alone
}

void SessionTest::a_pinned_last_token_is_enough_to_go_on_from() {
  const auto session = open(exact_settings(32));
  session->feed(some(100));
  session->pin(76, 80);
  QVERIFY(session->back_is_enough(80));  // 72 … 75 roll before it
  session->pin(72, 76);
  QVERIFY(!session->back_is_enough(80));
}

void SessionTest::pins_hold_and_are_lifted() {
  const auto session = open(exact_settings(32));
  session->feed(some(20));
  session->pin(6, 8);
  session->pin(0, 5, Reason::system);
  session->feed(some(20, 120));
  Positions expected{0, 1, 2, 3, 4, 6, 7};
  for (std::int64_t p = 95; p < 120; ++p) expected.push_back(p);
  QCOMPARE(cached(*session), expected);
  session->unpin(0, 200);
  session->feed(some(120, 121));
  QCOMPARE(cached(*session)[5], 7);  // 6 rolled out
  session->unpin(0, 200, Reason::system);
  session->feed(some(121, 123));
  QCOMPARE(cached(*session)[4], 95);
}

void SessionTest::pins_are_refused_by_a_sentence() {
  const auto session = open(exact_settings(32));
  session->feed(some(100));
  QVERIFY(refusal([&] { session->pin(50, 60); }).contains("50"));
  QVERIFY(refusal([&] { session->pin(98, 101); }).contains("100"));
  QVERIFY(refusal([&] { session->pin(73, 98); }).contains("ctx_size 32"));
  for (const Reason reason : {Reason::sink, Reason::window}) {
    QVERIFY(refusal([&] { session->pin(80, 90, reason); }).contains("reason"));
    QVERIFY(refusal([&] { session->unpin(80, 90, reason); }).contains("reason"));
  }
  session->feed(some(100, 101));
  QCOMPARE(cached(*session)[4], 73);
}

void SessionTest::settings_change_in_place() {
  const auto session = open(exact_settings(32, 4, 1));
  session->feed(some(60));
  session->set({.ctx_size = 24, .n_keep = 2, .n_discard = -1, .kv_type = KvType::f16});
  QCOMPARE(session->settings().ctx_size, 24);
  QCOMPARE(session->settings().n_keep, 2);
  QCOMPARE(session->settings().n_discard, -1);
  QCOMPARE(session->settings().kv_type, KvType::f16);
  const CacheTelemetry telemetry = session->telemetry();
  QCOMPARE(telemetry.cached, 24);
  QCOMPARE(telemetry.bytes, cache_bytes(model_->facts(), session->settings()));
  QVERIFY(!session->logits().empty());  // nothing was evaluated, and the logits are still those of the last token
  session->feed(some(60, 61));
  QCOMPARE(session->telemetry().cached, 24 - 11 + 1);
}

void SessionTest::a_refused_change_changes_nothing_data() {
  QTest::addColumn<CacheChange>("change");
  QTest::addColumn<QString>("part");
  QTest::newRow("size too small") << CacheChange{.ctx_size = 15} << "ctx_size 15";
  QTest::newRow("size untrained") << CacheChange{.ctx_size = 5000} << "ctx_size 5000";
  QTest::newRow("size below the sinks") << CacheChange{.ctx_size = 16, .n_keep = 15} << "n_keep 15";
  QTest::newRow("n_discard beyond") << CacheChange{.n_discard = 28} << "n_discard 28";
  QTest::newRow("n_discard none") << CacheChange{.n_discard = 0} << "n_discard 0";
  QTest::newRow("n_keep negative") << CacheChange{.n_keep = -1} << "n_keep -1";
  QTest::newRow("too many pins for the size") << CacheChange{.ctx_size = 16, .n_discard = 2} << "ctx_size 16";
  QTest::newRow("one right, one wrong") << CacheChange{.ctx_size = 48, .n_discard = 0, .kv_type = KvType::f16}
                                        << "n_discard 0";
}

void SessionTest::a_refused_change_changes_nothing() {
  QFETCH(CacheChange, change);
  QFETCH(QString, part);
  const auto session = open(exact_settings(32, 4, 1));
  session->feed(some(60));
  session->pin(40, 52);
  const Positions before = cached(*session);
  const QString sentence = refusal([&] { session->set(change); });
  QVERIFY2(sentence.contains(part), qPrintable(sentence));
  QCOMPARE(cached(*session), before);
  QCOMPARE(session->settings().ctx_size, 32);
  QCOMPARE(session->settings().n_keep, 4);
  QCOMPARE(session->settings().n_discard, 1);
  QCOMPARE(session->settings().kv_type, KvType::f32);
  QVERIFY(session->back_is_exact(50));
}

void SessionTest::a_larger_n_keep_needs_all_tokens() {
  const auto session = open(exact_settings(32, 4, 1));
  session->feed(some(30));
  session->set({.n_keep = 8});
  session->feed(some(30, 60));
  QCOMPARE(cached(*session)[7], 7);
  const QString sentence = refusal([&] { session->set({.n_keep = 9}); });
  QVERIFY2(sentence.contains("n_keep") && sentence.contains("anew"), qPrintable(sentence));
  QCOMPARE(session->settings().n_keep, 8);
}

void SessionTest::a_change_of_type_keeps_what_is_cached() {
  const auto session = open(exact_settings(32, 4, 1));
  session->feed(some(60));
  const Positions before = cached(*session);
  session->set({.kv_type = KvType::f16});
  QCOMPARE(cached(*session), before);
  session->feed(some(60, 90));
  const std::vector<float> exact = undisturbed(90, exact_settings(32, 4, 1));
  const double off = difference(session->logits(), exact);
  QVERIFY2(off > 0 && off < 2e-2, qPrintable(QString::number(off)));
}

void SessionTest::reset_is_a_new_session() {
  const CacheSettings settings = exact_settings(32, 4, 1);
  const auto session = open(settings);
  session->feed(some(60));
  session->pin(40, 45);
  session->reset();
  QCOMPARE(session->fed(), 0);
  QVERIFY(session->logits().empty());
  QCOMPARE(session->telemetry().evictions, 0);
  session->feed(some(90));
  QCOMPARE(difference(session->logits(), undisturbed(90, settings)), 0.0);
}

void SessionTest::telemetry_tells_events_once() {
  const auto session = open(exact_settings(32, 4, 1, 8));
  session->feed(some(40));
  const CacheTelemetry first = session->telemetry();
  QCOMPARE(first.events.size(), 1U);
  QCOMPARE(first.events[0].at, 32);
  QCOMPARE(first.events[0].evictions, 8);
  QVERIFY(first.events[0].time_s >= 0);
  QVERIFY(session->telemetry().events.empty());
  session->feed(some(40, 50));
  const CacheTelemetry grown = session->telemetry();
  QCOMPARE(grown.events.size(), 1U);
  QCOMPARE(grown.events[0].at, 32);
  QCOMPARE(grown.events[0].evictions, 18);
  QCOMPARE(grown.evicted, 18);
}

void SessionTest::tells_where_the_last_token_looks() {
  const auto session = open(exact_settings(64));
  session->feed(some(10));
  QVERIFY(session->telemetry().attention.empty());
  session->watch_attention(true);
  QVERIFY(session->telemetry().attention.empty());
  session->feed(some(10, 200));
  const CacheTelemetry cache = session->telemetry();
  QCOMPARE(cache.attention.size(), static_cast<std::size_t>(cache.slots));
  double cached = 0;
  for (const Run& run : cache.runs) {
    for (int slot = run.slot; slot < run.slot + run.length; ++slot)
      cached += static_cast<double>(cache.attention[static_cast<std::size_t>(slot)]);
  }
  QVERIFY(std::abs(cached - 1) < 1e-4);
  QVERIFY(std::abs(std::accumulate(cache.attention.begin(), cache.attention.end(), 0.0) - 1) < 1e-4);
  session->back(190);
  QVERIFY(session->telemetry().attention.empty());
  session->feed(some(190, 200));
  QVERIFY(!session->telemetry().attention.empty());
}

void SessionTest::tells_what_was_watched_last() {
  const auto session = open(exact_settings(64));
  session->watch_attention(true);
  session->feed(some(80));
  std::vector<float> expected = session->telemetry().attention;
  session->watch_attention(false);
  QCOMPARE(session->telemetry().attention, expected);
  for (const Token token : some(40, 80)) {  // more than the headroom: slots that were seen are written anew
    expected[static_cast<std::size_t>(session->telemetry().head)] = 0;
    session->feed(std::span(&token, 1));
    QCOMPARE(session->telemetry().attention, expected);
  }
  const float left = std::accumulate(expected.begin(), expected.end(), 0.0F);
  QVERIFY2(left > 0.01F && left < 0.99F, qPrintable(QString::number(left)));
}

void SessionTest::tells_how_little_tokens_were_expected() {
  const CacheSettings settings = exact_settings(64, 4, 1, 16);
  const std::span<const Token> tokens = some(100);
  std::vector<double> expected(tokens.size());
  open(settings)->feed_all_logits(tokens, [&](std::size_t i, std::span<const float> logits) {
    if (i + 1 < tokens.size()) expected[i + 1] = negative_log_likelihood(logits, tokens[i + 1]);
  });
  const auto session = open(settings);
  session->watch_surprise(true);
  session->feed(tokens.first(60));
  session->watch_surprise(false);
  session->feed(tokens.subspan(60, 20));
  for (const Token token : tokens.subspan(80)) session->feed(std::span(&token, 1));
  const CacheTelemetry cache = session->telemetry();
  QCOMPARE(cache.surprise.size(), static_cast<std::size_t>(cache.slots));
  for (const Run& run : cache.runs) {
    for (int i = 0; i < run.length; ++i) {
      const auto position = static_cast<std::size_t>(run.first + i);
      const double noted = cache.surprise[static_cast<std::size_t>(run.slot + i)];
      const bool is_known = position > 0 && (position <= 60 || position >= 80);
      QCOMPARE(!std::isnan(noted), is_known);
      if (is_known) QVERIFY(std::abs(noted - expected[position]) < 1e-3);
    }
  }
}

void SessionTest::surprise_stays_with_its_tokens() {
  const auto session = open(exact_settings(64));
  session->watch_surprise(true);
  session->feed(some(80));
  const auto by_position = [&] {
    const CacheTelemetry cache = session->telemetry();
    std::map<std::int64_t, float> known;
    for (const Run& run : cache.runs) {
      for (int i = 0; i < run.length; ++i) {
        const float value = cache.surprise[static_cast<std::size_t>(run.slot + i)];
        if (!std::isnan(value)) known[run.first + i] = value;
      }
    }
    return known;
  };
  const std::map<std::int64_t, float> before = by_position();
  QCOMPARE(before.size(), 63U);  // nothing predicts the first
  session->feed(some(80, 90));
  session->back(80);
  QCOMPARE(by_position(), before);  // what was evicted meanwhile is back

  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path("snapshot");
  session->save(path, {});
  session->set({.ctx_size = 128});
  QCOMPARE(by_position(), before);
  session->reset();
  QVERIFY(by_position().empty());
  session->restore(path, [](const std::string&) {});
  QCOMPARE(by_position(), before);
}

void SessionTest::watching_changes_nothing() {
  const auto watched = open(exact_settings(64));
  watched->watch_attention(true);
  watched->watch_surprise(true);
  watched->feed(some(200));
  QCOMPARE(difference(watched->logits(), undisturbed(200, exact_settings(64))), 0.0);
}

QTEST_APPLESS_MAIN(SessionTest)
#include "tst_session.moc"
