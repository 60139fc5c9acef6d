#include <QTemporaryDir>

#include <cmath>
#include <numeric>

#include "tests/app/chat/talk.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

namespace {

/** How many of a message's tokens are in the cache, and how many of these are pinned. */
std::pair<qint64, qint64> remembered(const CacheSnapshot& snapshot, qint64 messageId) {
  std::pair<qint64, qint64> counts;
  for (const MessageSpan& span : snapshot.spans) {
    if (span.messageId != messageId) continue;
    for (const runnel::Run& run : snapshot.telemetry.runs) {
      const qint64 shared =
          std::min<qint64>(span.end, run.first + run.length) - std::max<qint64>(span.first, run.first);
      counts.first += std::max<qint64>(0, shared);
      if (run.reason == runnel::Reason::pin) counts.second += std::max<qint64>(0, shared);
    }
  }
  return counts;
}

qint64 lengthOf(const CacheSnapshot& snapshot, qint64 messageId) {
  for (const MessageSpan& span : snapshot.spans)
    if (span.messageId == messageId) return span.end - span.first;
  return 0;
}

}  // namespace

/** What is done to the cache of a conversation: pins, settings, forgetting, watching. */
class CacheControlTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();

  void forgets_what_follows_a_message();
  void a_pinned_message_outlives_the_window();
  void a_forgotten_message_can_not_be_pinned();
  void forgets_whole_messages_when_told_to();
  void tells_where_attention_goes_while_it_is_watched();
  void tells_how_little_tokens_were_expected();
  void tells_which_token_is_where();
  void tells_a_token_in_the_middle_of_an_answer();
  void pins_in_the_middle_of_an_answer();
  void pins_hold_when_the_cache_is_made_anew();
  void changes_cache_settings_in_place();
  void makes_the_cache_anew_for_more_sinks();
  void refuses_bad_cache_settings();

 private:
  QTemporaryDir m_folder;
  QString m_model;
};

void CacheControlTest::initTestCase() {
  qputenv("RUNNEL_ISA", "scalar");  // what the network says is then the same on every machine
  m_model = writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
}

void CacheControlTest::forgets_what_follows_a_message() {
  Talk talk;
  Talk undisturbed;
  QList<ChatMessage> messages;
  QList<ChatMessage> expected;
  for (Talk* each : {&talk, &undisturbed}) {
    QVERIFY(each->open(m_model, {.ctx_size = 128}));
    QVERIFY(each->exchange(each == &talk ? messages : expected, QStringLiteral("All work and no play. ").repeated(20)));
  }
  QVERIFY(talk.exchange(messages, QStringLiteral("Take this back")));
  messages.resize(2);
  talk.cache.clear();
  talk.backend.forgetAfter(1, messages.last().id);
  QVERIFY(talk.cache.wait(kPatience));
  QCOMPARE(talk.snapshot().spans.size(), 3);
  QCOMPARE(talk.snapshot().telemetry.fed, undisturbed.snapshot().telemetry.fed);
  messages.append(user(3, QStringLiteral("Instead")));
  expected.append(user(3, QStringLiteral("Instead")));
  for (Talk* each : {&talk, &undisturbed}) {
    each->send(each == &talk ? messages : expected, 4);
    QVERIFY(each->finished.wait(kPatience));
  }
  QCOMPARE(talk.stats().promptIds, undisturbed.stats().promptIds);
  QCOMPARE(talk.stats().answerIds, undisturbed.stats().answerIds);
}

void CacheControlTest::a_pinned_message_outlives_the_window() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 128}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Mine is blue")));
  QVERIFY(talk.pin(1001));
  const qint64 length = lengthOf(talk.snapshot(), 1001);
  QVERIFY(length > 0);
  for (int turn = 0; turn < 6; ++turn)
    QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(5)));
  QVERIFY(talk.snapshot().telemetry.evicted > 128);
  QCOMPARE(remembered(talk.snapshot(), 1001), std::pair(length, length));
  QCOMPARE(remembered(talk.snapshot(), 1002).first, 0);
  QVERIFY(talk.pin(1001, false));
  QCOMPARE(remembered(talk.snapshot(), 1001), std::pair(length, qint64{0}));
  for (int turn = 0; turn < 6; ++turn)
    QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(5)));
  QCOMPARE(remembered(talk.snapshot(), 1001).first, 0);
}

void CacheControlTest::a_forgotten_message_can_not_be_pinned() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Mine is blue")));
  QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(8)));
  QVERIFY(!talk.pin(1001));
  QCOMPARE(talk.pinRefused.last().at(1).toLongLong(), 1001);
  QVERIFY(talk.pinRefused.last().at(2).toString().contains(QStringLiteral("no longer")));
  QVERIFY(!talk.pin(1003));        // longer than the cache
  QVERIFY(talk.pin(77, true, 2));  // of a conversation that is not cached: it holds once that is read again
  QVERIFY(talk.exchange(messages, QStringLiteral("Go on")));
}

void CacheControlTest::forgets_whole_messages_when_told_to() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 400, .n_keep = 2, .whole_messages = true}));
  QList<ChatMessage> messages;
  const runnel::Token opening = 1;  // <|im_start|>, with which this template begins each message
  for (int turn = 0; turn < 25; ++turn) {
    QVERIFY(talk.exchange(messages, QStringLiteral("Nr. %1").arg(turn)));
    const CacheSnapshot snapshot = talk.snapshot();
    if (snapshot.telemetry.evicted < 40) continue;  // at first the system prompt rolls out
    std::vector<runnel::Token> fed;
    for (const ChatMessage& message : messages) fed.insert(fed.end(), message.ids.begin(), message.ids.end());
    const auto oldest = std::ranges::find(snapshot.telemetry.runs, runnel::Reason::window, &runnel::Run::reason);
    QVERIFY(oldest != snapshot.telemetry.runs.end());
    // An end of the answer before, and a line break, may come first.
    const auto start = fed.begin() + static_cast<std::ptrdiff_t>(oldest->first);
    QVERIFY(std::find(start, start + 3, opening) != start + 3);
  }
  QVERIFY(talk.snapshot().telemetry.evicted > 100);
}

void CacheControlTest::tells_where_attention_goes_while_it_is_watched() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 128}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello")));
  QVERIFY(talk.snapshot().telemetry.attention.empty());
  talk.backend.watch(Watched::Attention);
  QVERIFY(talk.exchange(messages, QStringLiteral("And on")));
  const runnel::CacheTelemetry cache = talk.snapshot().telemetry;
  QCOMPARE(cache.attention.size(), static_cast<std::size_t>(cache.slots));
  // Of a token a frame ago, so that some of what it saw may have been overwritten.
  QVERIFY(std::accumulate(cache.attention.begin(), cache.attention.end(), 0.0) < 1 + 1e-3);
  QVERIFY(
      talk.open(m_model, {.ctx_size = 128, .n_keep = 6, .n_discard = 2}));  // whatever session there is, it is watched
  QVERIFY(talk.exchange(messages, QStringLiteral("And on")));
  QVERIFY(!talk.snapshot().telemetry.attention.empty());
  talk.backend.watch(Watched::Nothing);
  QVERIFY(talk.exchange(messages, QStringLiteral("And on")));
  QVERIFY(talk.snapshot().telemetry.attention.empty());
}

void CacheControlTest::tells_how_little_tokens_were_expected() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 512}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello")));
  QVERIFY(talk.snapshot().telemetry.surprise.empty());
  const auto knownOf = [&talk](qint64 messageId) {
    const CacheSnapshot snapshot = talk.snapshot();
    qint64 known = 0;
    for (const MessageSpan& span : snapshot.spans) {
      if (span.messageId != messageId) continue;
      for (const runnel::Run& run : snapshot.telemetry.runs)
        for (qint64 i = 0; i < run.length; ++i) {
          const float nats = snapshot.telemetry.surprise.at(static_cast<std::size_t>(run.slot + i));
          const bool isInside = span.first <= run.first + i && run.first + i < span.end;
          if (isInside && nats >= 0) ++known;
        }
    }
    return known;
  };
  talk.cache.clear();
  talk.backend.watch(Watched::Surprise);
  QVERIFY(talk.cache.wait(kPatience));
  QCOMPARE(knownOf(1002), lengthOf(talk.snapshot(), 1002));  // answers always
  QVERIFY(knownOf(1001) <= 1);  // of prompts that were read unwatched, the first token after the system prompt
  QVERIFY(talk.exchange(messages, QStringLiteral("And on")));
  QVERIFY(lengthOf(talk.snapshot(), 1003) > 0);
  QCOMPARE(knownOf(1003), lengthOf(talk.snapshot(), 1003));
  QCOMPARE(knownOf(1004), lengthOf(talk.snapshot(), 1004));
}

void CacheControlTest::tells_which_token_is_where() {
  Talk talk;
  QCOMPARE(talk.tokenAt(0), QString());  // there is no model yet
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("a 🤗 <|im_end|>"), 64));
  QVERIFY(talk.snapshot().telemetry.evicted > 0);  // forgotten tokens are known all the same
  QStringList labels;
  const auto read = static_cast<qint64>(messages.first().ids.size());
  for (qint64 position = 0; position < read; ++position) labels.append(talk.tokenAt(position));
  QCOMPARE(labels.first(), QStringLiteral("<|im_start|>"));
  QCOMPARE(labels.count(QStringLiteral("<|im_end|>")), 2);  // of the system prompt and of the message
  QVERIFY2(labels.join(u' ').contains(QStringLiteral("F0 9F A4 97")), qPrintable(labels.join(u' ')));
  QCOMPARE(labels.last(), QStringLiteral("“⏎”"));
  const qint64 fed = talk.snapshot().telemetry.fed;
  QVERIFY(!talk.tokenAt(fed - 1).isEmpty());
  QVERIFY(talk.tokenAt(fed).isEmpty());
  QVERIFY(talk.tokenAt(-1).isEmpty());
  QVERIFY(talk.tokenAt(0, 2).isEmpty());  // of a conversation that is not cached
}

void CacheControlTest::tells_a_token_in_the_middle_of_an_answer() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  talk.send({user(1, QStringLiteral("Talk for ever"))}, 2, 1'000'000);
  QVERIFY(talk.tokens.wait(kPatience));
  QCOMPARE(talk.tokenAt(0), QStringLiteral("<|im_start|>"));
  QVERIFY(talk.finished.isEmpty());
  talk.backend.stop();
  QTRY_VERIFY_WITH_TIMEOUT(!talk.finished.isEmpty(), kPatience);
}

void CacheControlTest::pins_in_the_middle_of_an_answer() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  talk.send({user(1, QStringLiteral("Talk for ever"))}, 2, 1'000'000);
  QVERIFY(talk.tokens.wait(kPatience));
  QVERIFY(talk.pin(1));
  QVERIFY(talk.finished.isEmpty());
  talk.backend.stop();
  QTRY_VERIFY_WITH_TIMEOUT(!talk.finished.isEmpty(), kPatience);
  const qint64 length = lengthOf(talk.snapshot(), 1);
  QCOMPARE(remembered(talk.snapshot(), 1), std::pair(length, length));
}

void CacheControlTest::pins_hold_when_the_cache_is_made_anew() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 128}));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Mine is blue")));
  QVERIFY(talk.pin(1001));
  messages[0].isPinned = true;
  const qint64 length = lengthOf(talk.snapshot(), 1001);
  for (int turn = 0; turn < 3; ++turn)
    QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(5)));
  QVERIFY(talk.set({.ctx_size = 128, .n_keep = 6}));  // more sinks: the cache is made anew
  QTRY_COMPARE(talk.snapshot().telemetry.settings.n_keep, 6);
  QCOMPARE(remembered(talk.snapshot(), 1001).second, length);

  Talk reopened;
  QVERIFY(reopened.open(m_model, {.ctx_size = 128}));
  QVERIFY(reopened.exchange(messages, QStringLiteral("Go on")));
  QCOMPARE(remembered(reopened.snapshot(), 1001), std::pair(length, length));
  QVERIFY(reopened.stats().promptEvaluated <= 128);
}

void CacheControlTest::changes_cache_settings_in_place() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 256}));
  QTRY_COMPARE(talk.applied.count(), 2);
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(20)));
  const qint64 fed = talk.snapshot().telemetry.fed;
  talk.progress.clear();
  QVERIFY(talk.set({.ctx_size = 64, .n_keep = 2, .n_discard = 3, .kv_type = runnel::KvType::f32}));
  QTRY_COMPARE(talk.snapshot().telemetry.settings.ctx_size, 64);
  QVERIFY(talk.progress.isEmpty());
  QCOMPARE(talk.snapshot().telemetry.fed, fed);
  QCOMPARE(talk.snapshot().telemetry.cached, 64);
  QVERIFY(talk.exchange(messages, QStringLiteral("Go on")));
  QCOMPARE(talk.stats().promptEvaluated, talk.stats().promptIds.size());
}

void CacheControlTest::makes_the_cache_anew_for_more_sinks() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 64, .n_keep = 2}));
  QTRY_COMPARE(talk.applied.count(), 2);
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(4), 16));
  QVERIFY(talk.snapshot().telemetry.evicted > 0);
  talk.progress.clear();
  QVERIFY(talk.set({.ctx_size = 512, .n_keep = 8}));
  QVERIFY(!talk.progress.isEmpty());
  QVERIFY(talk.progress.first().at(0).value<PromptProgress>().anew);
  QTRY_COMPARE(talk.snapshot().telemetry.settings.n_keep, 8);
  QCOMPARE(talk.snapshot().telemetry.evicted, 0);
  QCOMPARE(talk.snapshot().spans.size(), 3);
  QVERIFY(talk.exchange(messages, QStringLiteral("Go on")));
  QCOMPARE(talk.stats().promptEvaluated, talk.stats().promptIds.size());
}

void CacheControlTest::refuses_bad_cache_settings() {
  Talk talk;
  talk.backend.setCacheSettings({.ctx_size = 8});
  QVERIFY(talk.refused.wait(kPatience));
  QVERIFY(talk.load(m_model));
  const QList<runnel::CacheSettings> bad = {{.ctx_size = 8},
                                            {.ctx_size = 64, .n_keep = 63},
                                            {.ctx_size = 64, .n_keep = 4, .n_discard = 0},
                                            {.ctx_size = 64, .n_keep = 4, .n_discard = 60},
                                            {.ctx_size = 1'000'000}};
  for (const runnel::CacheSettings& settings : bad) {
    talk.backend.setCacheSettings(settings);
    QVERIFY(talk.refused.wait(kPatience));
  }
  QVERIFY(talk.refused.last().at(0).toString().contains(QStringLiteral("ctx_size")));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello")));
  QCOMPARE(talk.snapshot().telemetry.settings.n_keep, runnel::CacheSettings{}.n_keep);
}

QTEST_GUILESS_MAIN(CacheControlTest)
#include "tst_cache_control.moc"
