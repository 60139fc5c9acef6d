#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <malloc.h>
#include <unistd.h>
#include <random>

#include "app/chat/local_backend.h"
#include "tests/app/chat/tiny_model.h"

using namespace runnel::app;

namespace {

constexpr int kPatience = 120'000;
constexpr qint32 kEndOfTurn = 2;

ChatMessage user(qint64 id, const QString& text) {
  return {.id = id, .role = Role::User, .text = text};
}

/** A backend, everything that it says, and a conversation that is carried on as an application would. */
struct Talk {
  Talk()
      : loaded(&backend, &ChatBackend::loaded),
        loadFailed(&backend, &ChatBackend::loadFailed),
        tokens(&backend, &ChatBackend::tokens),
        finished(&backend, &ChatBackend::finished),
        cancelled(&backend, &ChatBackend::promptCancelled),
        failed(&backend, &ChatBackend::failed),
        progress(&backend, &ChatBackend::promptProgress),
        cache(&backend, &ChatBackend::cacheChanged),
        applied(&backend, &ChatBackend::cacheSettingsApplied),
        refused(&backend, &ChatBackend::cacheSettingsRefused),
        noticed(&backend, &ChatBackend::noticed) {}

  bool load(const QString& path) {
    backend.load({.path = path, .threads = 1});
    return loaded.wait(kPatience);
  }
  bool set(const runnel::CacheSettings& settings) {
    backend.setCacheSettings(settings);
    return applied.wait(kPatience);
  }
  void send(QList<ChatMessage> messages, qint64 answerId, int maxTokens = 8, qint64 conversation = 1) {
    TurnRequest request{.conversationId = conversation, .messages = std::move(messages), .answerId = answerId};
    request.sampling.temperature = 0;
    request.maxTokens = maxTokens;
    backend.send(request);
  }
  /** Sends, waits, and appends the exchange to `messages`. */
  bool exchange(QList<ChatMessage>& messages, const QString& text, int maxTokens = 8, qint64 conversation = 1) {
    const qint64 id = conversation * 1000 + messages.size() + 1;
    messages.append(user(id, text));
    tokens.clear();
    send(messages, id + 1, maxTokens, conversation);
    if (!finished.wait(kPatience)) return false;
    const TurnStats turn = stats();
    messages.last().ids = turn.promptIds;
    messages.last().prefix = turn.promptPrefix;
    messages.last().tokenizer = turn.tokenizer;
    messages.append({.id = id + 1,
                     .role = Role::Assistant,
                     .text = this->text(),
                     .ids = turn.answerIds,
                     .tokenizer = turn.tokenizer,
                     .stopReason = turn.stopReason});
    return true;
  }
  QString text() const {
    QString text;
    for (const QList<QVariant>& batch : tokens) text += batch.at(0).value<TokenBatch>().text;
    return text;
  }
  QList<qint32> ids() const {
    QList<qint32> ids;
    for (const QList<QVariant>& batch : tokens) ids += batch.at(0).value<TokenBatch>().ids;
    return ids;
  }
  TurnStats stats() const { return finished.last().at(0).value<TurnStats>(); }
  /** Drops what was said so far. */
  void forget() {
    for (QSignalSpy* spy : {&loaded, &loadFailed, &tokens, &finished, &cancelled, &progress, &cache, &applied})
      spy->clear();
  }
  CacheSnapshot snapshot() const { return cache.last().at(0).value<CacheSnapshot>(); }

  LocalBackend backend;
  QSignalSpy loaded, loadFailed, tokens, finished, cancelled, failed, progress, cache, applied, refused, noticed;
};

/** What this process holds. */
struct Resources {
  qsizetype threads = 0;
  qsizetype descriptors = 0;
  qint64 residentKilobytes = 0;
};

// AddressSanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool memoryIsMeasurable = false;
#else
constexpr bool memoryIsMeasurable = true;
#endif

Resources resources() {
  malloc_trim(0);
  QFile statm(QStringLiteral("/proc/self/statm"));
  const bool isOpen = statm.open(QIODevice::ReadOnly);
  const QList<QByteArray> pages = isOpen ? statm.readAll().split(' ') : QList<QByteArray>();
  return {.threads = QDir(QStringLiteral("/proc/self/task")).entryList(QDir::Dirs | QDir::NoDotAndDotDot).size(),
          .descriptors = QDir(QStringLiteral("/proc/self/fd"))
                             .entryList(QDir::NoDotAndDotDot | QDir::AllEntries | QDir::System)
                             .size(),
          .residentKilobytes = pages.value(1).toLongLong() * sysconf(_SC_PAGESIZE) / 1024};
}

}  // namespace

class LocalBackendTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();

  void loads_a_model_and_shows_its_empty_cache();
  void gives_a_smaller_model_less_than_was_asked_for();
  void failing_loads_keep_the_old_model();
  void changes_models_200_times_and_leaves_nothing_behind();
  void refuses_to_answer_without_a_model();
  void answers_and_reports_what_was_fed();
  void ends_at_the_token_limit();
  void streams_a_message_longer_than_the_cache();
  void keeps_the_system_prompt_when_told_to();
  void says_once_when_the_system_prompt_can_not_be_kept();
  void stops_while_answering();
  void stops_while_reading();
  void stops_a_turn_that_has_not_begun();
  void goes_on_after_a_cancelled_prompt_as_if_it_had_not_been();
  void closes_a_stopped_answer_once();
  void switches_conversations();
  void answers_the_last_message_anew();
  void changes_cache_settings_in_place();
  void makes_the_cache_anew_for_more_sinks();
  void refuses_bad_cache_settings();
  void every_turn_ends_exactly_once();
  void quits_at_any_moment_data();
  void quits_at_any_moment();
  void talks_with_a_real_model();
  void stops_a_real_model_at_once();

 private:
  QTemporaryDir m_folder;
  QString m_model;
};

void LocalBackendTest::initTestCase() {
  m_model = writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
}

void LocalBackendTest::loads_a_model_and_shows_its_empty_cache() {
  Talk talk;
  QSignalSpy progress(&talk.backend, &ChatBackend::loadProgress);
  QVERIFY(talk.set({.ctx_size = 128}));
  QVERIFY(talk.load(m_model));
  QCOMPARE(talk.loaded.at(0).at(0).toString(), m_model);
  QCOMPARE(talk.loaded.at(0).at(1).value<runnel::ModelFacts>().n_vocab, 1000);
  QTRY_COMPARE(talk.cache.count(), 1);
  QCOMPARE(talk.snapshot().telemetry.settings.ctx_size, 128);
  QCOMPARE(talk.snapshot().telemetry.slots, 192);
  QVERIFY(talk.snapshot().telemetry.bytes > 0);
  QVERIFY(!progress.isEmpty());
  QCOMPARE(progress.last().at(0).toDouble(), 1.0);
}

void LocalBackendTest::gives_a_smaller_model_less_than_was_asked_for() {
  const QString small = writeTinyModel(m_folder.filePath(QStringLiteral("small")), {.trainedContext = 64});
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 4096, .n_keep = 100, .n_discard = 500}));
  QVERIFY(talk.load(small));
  QTRY_COMPARE(talk.applied.count(), 2);
  const auto fitted = talk.applied.last().at(0).value<runnel::CacheSettings>();
  QCOMPARE(fitted.ctx_size, 64);
  QCOMPARE(fitted.n_keep, 62);
  QCOMPARE(fitted.n_discard, 1);
  QVERIFY(talk.load(m_model));
  QTRY_COMPARE(talk.applied.count(), 3);
  QCOMPARE(talk.applied.last().at(0).value<runnel::CacheSettings>().ctx_size, 4096);
}

void LocalBackendTest::failing_loads_keep_the_old_model() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  const QString garbage = m_folder.filePath(QStringLiteral("garbage.gguf"));
  QFile file(garbage);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(QByteArray(1000, 'x'));
  file.close();
  for (const QString& path : {garbage, m_folder.filePath(QStringLiteral("missing.gguf")), m_folder.path()}) {
    talk.backend.load({.path = path, .threads = 1});
    QVERIFY(talk.loadFailed.wait(kPatience));
    QVERIFY(!talk.loadFailed.last().at(0).toString().isEmpty());
  }
  talk.backend.load({.path = m_model, .threads = 1});
  talk.backend.cancelLoad();
  QVERIFY(talk.loadFailed.wait(kPatience));
  QCOMPARE(talk.loaded.count(), 1);
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Are you still there?")));
}

// Every fifth model is replaced while it is still loading, every seventh while it answers, every ninth can't be loaded.
void LocalBackendTest::changes_models_200_times_and_leaves_nothing_behind() {
  const QStringList models = {m_model, writeTinyModel(m_folder.filePath(QStringLiteral("second")), {.seed = 5}),
                              writeTinyModel(m_folder.filePath(QStringLiteral("third")), {.layers = 3, .seed = 7})};
  Talk talk;
  Resources early;
  QList<ChatMessage> messages;
  for (int round = 1; round <= 200; ++round) {
    if (round % 9 == 0) talk.backend.load({.path = QStringLiteral("/nowhere"), .threads = 1});
    if (round % 5 == 0) talk.backend.load({.path = models[(round + 1) % 3], .threads = 1});
    talk.backend.load({.path = models[round % 3], .threads = 1});
    QTRY_COMPARE_WITH_TIMEOUT(talk.loaded.isEmpty() ? QString() : talk.loaded.last().at(0).toString(),
                              models[round % 3], kPatience);
    if (round % 7 == 0) {
      talk.send({user(round, QStringLiteral("Talk for ever"))}, 1000 + round, 1'000'000, round);
      QVERIFY(talk.tokens.wait(kPatience));
      talk.backend.stop();
    } else {
      messages.clear();
      QVERIFY(talk.exchange(messages, QStringLiteral("Hello"), 4, round));
    }
    talk.forget();
    if (round == 3) early = resources();
  }
  QTRY_COMPARE(resources().threads, early.threads);
  QTRY_COMPARE(resources().descriptors, early.descriptors);
  const qint64 grown = resources().residentKilobytes - early.residentKilobytes;
  // What stays are the allocator's fragments: a leak of one model, 2 MB, would show 200 times.
  if (memoryIsMeasurable) QVERIFY2(grown < 2000, qPrintable(QString::number(grown) + QStringLiteral(" kB")));
  QVERIFY(talk.failed.isEmpty());
}

void LocalBackendTest::refuses_to_answer_without_a_model() {
  Talk talk;
  talk.send({user(1, QStringLiteral("hello"))}, 2);
  QVERIFY(talk.failed.wait(kPatience));
  QCOMPARE(talk.failed.at(0).at(1).toLongLong(), 2);
}

void LocalBackendTest::answers_and_reports_what_was_fed() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello there")));
  const TurnStats first = talk.stats();
  QCOMPARE(first.answerId, 1002);
  QCOMPARE(first.answerIds, talk.ids());
  QCOMPARE(first.promptEvaluated, first.promptIds.size());
  QCOMPARE(first.promptIds.first(), 1);  // <|im_start|>
  QVERIFY(first.promptPrefix > 0 && first.promptPrefix < first.promptIds.size());
  QVERIFY(first.firstTokenSeconds > 0);
  const CacheSnapshot snapshot = talk.snapshot();
  QCOMPARE(snapshot.telemetry.fed, first.promptIds.size() + first.answerIds.size());
  QCOMPARE(snapshot.spans.size(), 3);
  QCOMPARE(snapshot.spans.at(0).end, first.promptPrefix);
  QCOMPARE(snapshot.spans.at(1).messageId, 1001);
  QCOMPARE(snapshot.spans.at(2).messageId, 1002);
  QCOMPARE(snapshot.spans.at(2).end, snapshot.telemetry.fed);

  QVERIFY(talk.exchange(messages, QStringLiteral("And you?")));
  QCOMPARE(talk.stats().promptEvaluated, talk.stats().promptIds.size());
  QVERIFY(talk.stats().promptIds.size() < first.promptIds.size());
  QCOMPARE(talk.snapshot().telemetry.fed, snapshot.telemetry.fed + talk.stats().promptIds.size() + talk.ids().size());
  QCOMPARE(talk.finished.count(), 2);
  QVERIFY(talk.failed.isEmpty() && talk.cancelled.isEmpty());
}

void LocalBackendTest::ends_at_the_token_limit() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello"), 1));
  QCOMPARE(talk.stats().stopReason, StopReason::Length);
  QCOMPARE(talk.stats().answerIds.size(), 1);
}

void LocalBackendTest::streams_a_message_longer_than_the_cache() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 64}));
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("All work and no play. ").repeated(100)));
  const runnel::CacheTelemetry cache = talk.snapshot().telemetry;
  QCOMPARE(cache.cached, 64);
  QVERIFY(cache.evicted > 500);
  const auto last = talk.progress.last().at(0).value<PromptProgress>();
  QCOMPARE(last.done, last.total);
  QCOMPARE(last.total, talk.stats().promptEvaluated);
}

void LocalBackendTest::keeps_the_system_prompt_when_told_to() {
  for (const bool keep : {true, false}) {
    Talk talk;
    QVERIFY(talk.set({.ctx_size = 128, .n_keep = 2}));
    QVERIFY(talk.load(m_model));
    TurnRequest request{.conversationId = 1,
                        .messages = {user(1, QStringLiteral("All work and no play. ").repeated(100))},
                        .answerId = 2,
                        .maxTokens = 4,
                        .keepSystem = keep};
    talk.backend.send(request);
    QVERIFY(talk.finished.wait(kPatience));
    qint64 exempt = 0;
    for (const runnel::Run& run : talk.snapshot().telemetry.runs)
      if (run.reason != runnel::Reason::window) exempt += run.length;
    QCOMPARE(exempt, keep ? talk.stats().promptPrefix : 2);
  }
}

void LocalBackendTest::says_once_when_the_system_prompt_can_not_be_kept() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 64}));
  QVERIFY(talk.load(m_model));
  const QString prompt = QStringLiteral("Be kind, be brief and be honest, whatever happens. ").repeated(2);
  QList<ChatMessage> messages = {{.id = 500, .role = Role::System, .text = prompt}};
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello")));
  QVERIFY(talk.exchange(messages, QStringLiteral("And again")));
  QTRY_COMPARE(talk.noticed.count(), 1);
  QCOMPARE(talk.noticed.at(0).at(0).toLongLong(), 1);
  QVERIFY(talk.noticed.at(0).at(1).toString().startsWith(QStringLiteral("The system prompt will be forgotten")));
  for (const runnel::Run& run : talk.snapshot().telemetry.runs) QVERIFY(run.reason != runnel::Reason::system);
}

void LocalBackendTest::stops_while_answering() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  TurnRequest request{.conversationId = 1,
                      .messages = {user(1, QStringLiteral("Talk for ever"))},
                      .answerId = 2,
                      .maxTokens = 1'000'000};
  request.sampling.temperature = 0;  // drawn at random, the end of the turn may come before the stop
  talk.backend.send(request);
  QVERIFY(talk.tokens.wait(kPatience));
  talk.backend.stop();
  QTRY_VERIFY_WITH_TIMEOUT(!talk.finished.isEmpty(), kPatience);
  QCOMPARE(talk.stats().stopReason, StopReason::Stopped);
  QCOMPARE(talk.ids(), talk.stats().answerIds);
  QCOMPARE(talk.snapshot().telemetry.fed, talk.stats().promptIds.size() + talk.stats().answerIds.size());
}

void LocalBackendTest::stops_while_reading() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 64}));
  QVERIFY(talk.load(m_model));
  talk.send({user(1, QStringLiteral("All work and no play. ").repeated(20'000))}, 2);
  QVERIFY(talk.progress.wait(kPatience));
  talk.backend.stop();
  QVERIFY(talk.cancelled.wait(kPatience));
  QCOMPARE(talk.cancelled.at(0).at(1).toLongLong(), 2);
  QVERIFY(talk.tokens.isEmpty() && talk.finished.isEmpty());
  QCOMPARE(talk.snapshot().telemetry.cached, 0);
}

void LocalBackendTest::stops_a_turn_that_has_not_begun() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  talk.send({user(1, QStringLiteral("Never mind"))}, 2);
  talk.backend.stop();
  QTRY_COMPARE_WITH_TIMEOUT(talk.cancelled.count() + talk.finished.count(), 1, kPatience);
  talk.backend.stop();
  talk.backend.stop();
  talk.cancelled.clear();
  talk.finished.clear();
  talk.send({user(3, QStringLiteral("Now"))}, 4);
  QVERIFY2(talk.finished.wait(kPatience), "a stop from before must not reach this turn");
}

void LocalBackendTest::goes_on_after_a_cancelled_prompt_as_if_it_had_not_been() {
  Talk undisturbed;
  Talk talk;
  QList<ChatMessage> expected;
  QList<ChatMessage> messages;
  for (Talk* each : {&undisturbed, &talk}) {
    QVERIFY(each->set({.ctx_size = 256}));
    QVERIFY(each->load(m_model));
  }
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("First")));
  QVERIFY(talk.exchange(messages, QStringLiteral("First")));
  const qint64 fed = talk.snapshot().telemetry.fed;
  QSignalSpy progress(&talk.backend, &ChatBackend::promptProgress);
  talk.send(messages + QList{user(50, QStringLiteral("All work and no play. ").repeated(20'000))}, 51);
  QVERIFY(progress.wait(kPatience));
  talk.backend.stop();
  QVERIFY(talk.cancelled.wait(kPatience));
  QCOMPARE(talk.cancelled.last().at(1).toLongLong(), 51);
  const qint64 after = talk.snapshot().telemetry.fed;
  QVERIFY2(after == fed || after == 0, "back to before the message, or given up where nothing of before was left");
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("Second")));
  QVERIFY(talk.exchange(messages, QStringLiteral("Second")));
  QCOMPARE(talk.stats().promptIds, undisturbed.stats().promptIds);
  QCOMPARE(talk.snapshot().telemetry.fed, undisturbed.snapshot().telemetry.fed);
}

void LocalBackendTest::closes_a_stopped_answer_once() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("First"), 3));
  QVERIFY(talk.stats().answerIds.last() != kEndOfTurn);
  QVERIFY(talk.exchange(messages, QStringLiteral("Second"), 3));
  QCOMPARE(talk.stats().promptIds.first(), kEndOfTurn);
  QCOMPARE(talk.stats().promptIds.count(kEndOfTurn), 2);  // the one that was missing, and the user's own
}

void LocalBackendTest::switches_conversations() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> first;
  QList<ChatMessage> second;
  QVERIFY(talk.exchange(first, QStringLiteral("One"), 8, 1));
  QVERIFY(talk.exchange(first, QStringLiteral("Two"), 8, 1));
  const qint64 fed = talk.snapshot().telemetry.fed;
  QVERIFY(talk.exchange(second, QStringLiteral("Other"), 8, 2));
  QCOMPARE(talk.snapshot().conversationId, 2);
  QCOMPARE(talk.snapshot().spans.size(), 3);
  talk.backend.open(1, first);
  QVERIFY(talk.cache.wait(kPatience));
  QCOMPARE(talk.snapshot().conversationId, 1);
  QCOMPARE(talk.snapshot().telemetry.cached, 0);

  talk.progress.clear();
  QVERIFY(talk.exchange(first, QStringLiteral("Three"), 8, 1));
  QVERIFY(talk.progress.first().at(0).value<PromptProgress>().anew);
  QCOMPARE(talk.stats().promptEvaluated, fed + talk.stats().promptIds.size());
  QCOMPARE(talk.snapshot().spans.size(), 7);

  // What was fed again is what was fed then: the stored ids, one after the other.
  Talk undisturbed;
  QVERIFY(undisturbed.load(m_model));
  QList<ChatMessage> expected;
  for (const char* text : {"One", "Two", "Three"}) QVERIFY(undisturbed.exchange(expected, QLatin1String(text)));
  for (qsizetype i = 0; i < 5; ++i) QCOMPARE(first.at(i).ids, expected.at(i).ids);
}

void LocalBackendTest::answers_the_last_message_anew() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("First")));
  const TurnStats first = talk.stats();
  talk.send({user(1001, QStringLiteral("First"))}, 77);
  QVERIFY(talk.finished.wait(kPatience));
  QCOMPARE(talk.stats().promptEvaluated, 1);
  QCOMPARE(talk.stats().promptIds, first.promptIds);
  QCOMPARE(talk.stats().promptPrefix, first.promptPrefix);
  QCOMPARE(talk.stats().answerIds, first.answerIds);  // greedy, from the same cache
  QCOMPARE(talk.snapshot().spans.last().messageId, 77);
}

void LocalBackendTest::changes_cache_settings_in_place() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 256}));
  QVERIFY(talk.load(m_model));
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

void LocalBackendTest::makes_the_cache_anew_for_more_sinks() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 64, .n_keep = 2}));
  QVERIFY(talk.load(m_model));
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

void LocalBackendTest::refuses_bad_cache_settings() {
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

void LocalBackendTest::every_turn_ends_exactly_once() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 64}));
  QVERIFY(talk.load(m_model));
  std::mt19937 random(3);
  for (int turn = 0; turn < 60; ++turn) {
    const QString text = QStringLiteral("word ").repeated(static_cast<qsizetype>(random() % 400) + 1);
    talk.send({user(turn * 2 + 1, text)}, turn * 2 + 2, 1 + static_cast<int>(random() % 200), 1 + turn % 3);
    for (unsigned round = random() % 40; round > 0; --round) QCoreApplication::processEvents();
    if (turn % 4 != 0) talk.backend.stop();
    QTRY_COMPARE_WITH_TIMEOUT(talk.finished.count() + talk.cancelled.count() + talk.failed.count(), turn + 1,
                              kPatience);
  }
  QVERIFY(talk.failed.isEmpty());
}

void LocalBackendTest::quits_at_any_moment_data() {
  QTest::addColumn<QByteArray>("moment");
  for (const char* moment : {"idle", "loading", "waiting", "reading", "answering"})
    QTest::newRow(moment) << QByteArray(moment);
}

void LocalBackendTest::quits_at_any_moment() {
  QFETCH(QByteArray, moment);
  auto talk = std::make_unique<Talk>();
  QVERIFY(talk->set({.ctx_size = 64}));
  if (moment == "loading") {
    talk->backend.load({.path = m_model});
  } else if (moment != "idle") {
    QVERIFY(talk->load(m_model));
    const bool reads = moment == "reading";
    talk->send({user(1, QStringLiteral("word ").repeated(reads ? 200'000 : 1))}, 2, 1'000'000);
    if (reads) QVERIFY(talk->progress.wait(kPatience));
    if (moment == "answering") QVERIFY(talk->tokens.wait(kPatience));
  }
  const qsizetype threads = resources().threads;
  talk.reset();
  QTRY_VERIFY(resources().threads < threads);  // a joined thread stays in the list for a moment
}

void LocalBackendTest::talks_with_a_real_model() {
  const QString path = qEnvironmentVariable("RUNNEL_TEST_MODEL");
  if (path.isEmpty()) QSKIP("RUNNEL_TEST_MODEL does not name a model file");
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 512}));
  talk.backend.load({.path = path});
  QVERIFY(talk.loaded.wait(kPatience));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("What is the capital of France? Answer in one word."), 24));
  QVERIFY2(messages.last().text.contains(QStringLiteral("Paris")), qPrintable(messages.last().text));
  QVERIFY(talk.exchange(messages, QStringLiteral("And of Italy?"), 24));
  QVERIFY2(messages.last().text.contains(QStringLiteral("Rome")), qPrintable(messages.last().text));
  QVERIFY(!messages.last().text.contains(QStringLiteral("<|")));
  QCOMPARE(talk.stats().promptEvaluated, talk.stats().promptIds.size());
}

void LocalBackendTest::stops_a_real_model_at_once() {
  const QString path = qEnvironmentVariable("RUNNEL_TEST_MODEL");
  if (path.isEmpty()) QSKIP("RUNNEL_TEST_MODEL does not name a model file");
  Talk undisturbed;
  Talk talk;
  QList<ChatMessage> expected;
  QList<ChatMessage> messages;
  for (Talk* each : {&undisturbed, &talk}) {
    QVERIFY(each->set({.ctx_size = 2048}));
    each->backend.load({.path = path});
    QVERIFY(each->loaded.wait(kPatience));
  }
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("Say hello."), 8));
  QVERIFY(talk.exchange(messages, QStringLiteral("Say hello."), 8));

  talk.progress.clear();
  const auto read = [&talk] { return talk.progress.last().at(0).value<PromptProgress>().done; };
  talk.send(messages + QList{user(50, QStringLiteral("All work and no play. ").repeated(800))}, 51);
  QVERIFY(QTest::qWaitFor([&] { return !talk.progress.isEmpty() && read() > 0; }, kPatience));
  QVERIFY(talk.progress.last().at(0).value<PromptProgress>().total > 4096);
  const qint64 atTheClick = read();
  talk.backend.stop();
  QVERIFY(talk.cancelled.wait(kPatience));
  qInfo("Prompt stopped after %lld tokens: %lld more were evaluated", atTheClick, read() - atTheClick);
  QVERIFY(read() - atTheClick <= 512);

  const QString question = QStringLiteral("Count from one to a hundred.");
  QVERIFY(undisturbed.exchange(expected, question, 64));
  talk.tokens.clear();
  talk.send(messages + QList{user(60, question)}, 61, 1000);
  QVERIFY(talk.tokens.wait(kPatience));
  const qsizetype shown = talk.ids().size();
  talk.backend.stop();
  QVERIFY(talk.finished.wait(kPatience));
  QCOMPARE(talk.stats().stopReason, StopReason::Stopped);
  QCOMPARE(talk.stats().promptIds, undisturbed.stats().promptIds);
  const qsizetype after = talk.ids().size() - shown;
  qInfo("Answer stopped after %lld tokens: %lld more were sampled", static_cast<long long>(shown),
        static_cast<long long>(after));
  // A token may have been on its way to this thread when it said stop.
  QVERIFY(after <= 2);
  QCOMPARE(talk.ids(), undisturbed.ids().mid(0, talk.ids().size()));
}

QTEST_GUILESS_MAIN(LocalBackendTest)
#include "tst_local_backend.moc"
