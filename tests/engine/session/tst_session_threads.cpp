#include <QTest>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/model/golden.h"

using namespace runnel;

/// What may happen on several threads: cancelling, sessions that share a model, telemetry that goes elsewhere as a
/// value. Clean under ThreadSanitizer.
class SessionThreadsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void cancelled_by_another_thread_ends_at_the_next_batch();
  void cancelled_at_any_moment_it_goes_on_as_if_nothing_had_been();
  void a_batch_cancelled_halfway_is_as_if_it_had_never_begun();
  void sessions_share_a_model();
  void a_session_may_move_to_another_thread();
  void telemetry_crosses_threads_as_a_value();
  void loading_can_be_stopped();

 private:
  // Logits after feeding all ids in batches of 8.
  std::vector<float> undisturbed() const {
    Session session(model_, settings_, 2);
    session.feed(ids_);
    return {session.logits().begin(), session.logits().end()};
  }

  std::shared_ptr<const Model> model_;
  std::vector<Token> ids_;
  CacheSettings settings_ = exact_settings(32, 4, 3, 8);
};

void SessionThreadsTest::initTestCase() {
  model_ = load_exact("llama_mha");
  ids_ = Arrays(fixture("llama_mha") / "streaming.safetensors").all<Token>("input_ids");
}

// The first batch waits until the other thread has cancelled, so that the moment is known.
void SessionThreadsTest::cancelled_by_another_thread_ends_at_the_next_batch() {
  Session session(model_, settings_, 2);
  std::atomic<bool> begun{false};
  std::atomic<bool> cancelled{false};
  std::thread other([&] {
    begun.wait(false);
    session.cancel();
    cancelled = true;
    cancelled.notify_one();
  });
  bool thrown = false;
  try {
    session.feed(ids_, [&](std::size_t) {
      begun = true;
      begun.notify_one();
      cancelled.wait(false);
    });
  } catch (const Cancelled&) {
    thrown = true;
  }
  other.join();
  QVERIFY(thrown);
  QCOMPARE(session.fed(), 8);
  session.feed(std::span(ids_).subspan(8));
  QCOMPARE(difference(session.logits(), undisturbed()), 0.0);
}

void SessionThreadsTest::cancelled_at_any_moment_it_goes_on_as_if_nothing_had_been() {
  const std::vector<float> expected = undisturbed();
  for (int round = 0; round < 20; ++round) {
    Session session(model_, settings_, 2);
    std::atomic<bool> begun{false};
    std::thread other([&] {
      begun.wait(false);
      for (int i = 0; i < 40 * round; ++i) std::this_thread::yield();
      session.cancel();
    });
    try {
      session.feed(ids_, [&begun](std::size_t) {
        begun = true;
        begun.notify_one();
      });
    } catch (const Cancelled&) {
      QCOMPARE(session.fed() % 8, 0);  // whole batches
    }
    other.join();
    session.clear_cancel();
    const CacheTelemetry telemetry = session.telemetry();
    QCOMPARE(telemetry.evicted, telemetry.fed - telemetry.cached);
    session.feed(std::span(ids_).subspan(static_cast<std::size_t>(session.fed())));
    if (session.logits().empty()) continue;  // everything had been fed before the cancel came
    QCOMPARE(difference(session.logits(), expected), 0.0);
  }
}

// Tried until the cancel falls into the batch: that shows in the headroom, whose slots the batch has spent.
void SessionThreadsTest::a_batch_cancelled_halfway_is_as_if_it_had_never_begun() {
  Session session(model_, exact_settings(256), 2);
  Session undisturbed(model_, exact_settings(256), 2);
  for (Session* each : {&session, &undisturbed}) each->feed(std::span(ids_).first(270));
  const std::span<const Token> batch = std::span(ids_).subspan(270, headroom(256));
  const std::vector<std::int64_t> before = cached(session);
  const std::int64_t as_far_as_it_is_exact = session.fed() - headroom(256);
  QVERIFY(session.back_is_exact(as_far_as_it_is_exact));
  for (int attempt = 0; session.back_is_exact(as_far_as_it_is_exact); ++attempt) {
    QVERIFY(attempt < 20000);
    std::atomic<bool> begun{false};
    std::thread other([&] {
      begun.wait(false);
      for (int i = 0; i < attempt % 100; ++i) std::this_thread::yield();
      session.cancel();
    });
    try {
      begun = true;
      begun.notify_one();
      session.feed(batch);
    } catch (const Cancelled&) {
    }
    other.join();
    session.clear_cancel();
    if (session.fed() == 270) continue;
    session.reset();  // the cancel came too late
    session.feed(std::span(ids_).first(270));
  }
  QCOMPARE(session.fed(), 270);
  QCOMPARE(difference(session.logits(), undisturbed.logits()), 0.0);
  QCOMPARE(cached(session), before);
  for (Session* each : {&session, &undisturbed}) each->feed(batch);
  QCOMPARE(difference(session.logits(), undisturbed.logits()), 0.0);
}

void SessionThreadsTest::sessions_share_a_model() {
  const std::vector<float> expected = undisturbed();
  std::vector<std::vector<float>> results(3);
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) threads.emplace_back([this, &result] { result = undisturbed(); });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& result : results) QCOMPARE(difference(result, expected), 0.0);
}

void SessionThreadsTest::a_session_may_move_to_another_thread() {
  std::unique_ptr<Session> session;
  std::thread([&] {
    session = std::make_unique<Session>(model_, settings_, 3);
    session->feed(std::span(ids_).first(200));
  }).join();
  std::thread([&] { session->feed(std::span(ids_).subspan(200)); }).join();
  QVERIFY(difference(session->logits(), undisturbed()) < 1e-4);
}

void SessionThreadsTest::telemetry_crosses_threads_as_a_value() {
  std::mutex mutex;
  std::optional<CacheTelemetry> published;
  std::atomic<bool> done{false};
  std::int64_t watched = 0;
  bool consistent = true;
  std::thread watcher([&] {
    for (bool last = false; !last;) {
      last = done;
      std::optional<CacheTelemetry> seen;
      {
        const std::lock_guard lock(mutex);
        seen.swap(published);
      }
      if (!seen) continue;
      std::int64_t tokens = 0;
      for (const Run& run : seen->runs) tokens += run.length;
      consistent = consistent && tokens == seen->cached && seen->fed - seen->evicted == tokens && seen->fed > watched;
      watched = seen->fed;
    }
  });
  Session session(model_, settings_, 2);
  for (int round = 0; round < 3; ++round) {
    session.feed(ids_, [&](std::size_t) {
      CacheTelemetry now = session.telemetry();
      const std::lock_guard lock(mutex);
      published = std::move(now);
    });
  }
  done = true;
  watcher.join();
  QVERIFY(consistent);
  QCOMPARE(watched, 3 * std::ssize(ids_));
}

void SessionThreadsTest::loading_can_be_stopped() {
  std::stop_source stop;
  double last = 0;
  const auto stop_halfway = [&](double done) {
    QVERIFY(done >= last && done <= 1);
    last = done;
    if (done > 0.5) stop.request_stop();
  };
  QVERIFY_THROWS_EXCEPTION(Cancelled,
                           Model::load(fixture("llama_mha"), exact_options(), stop_halfway, stop.get_token()));
  QVERIFY(last > 0.5 && last < 1);
}

QTEST_APPLESS_MAIN(SessionThreadsTest)
#include "tst_session_threads.moc"
