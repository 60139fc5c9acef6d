#include <QSignalSpy>
#include <QTest>

#include "app/chat/scripted_backend.h"

using namespace runnel::app;

namespace {

constexpr int kPatience = 30'000;

ChatMessage user(qint64 id, const QString& text) {
  return {.id = id, .role = Role::User, .text = text};
}

TurnRequest turn(QList<ChatMessage> messages, qint64 answerId) {
  return {.conversationId = 1, .messages = std::move(messages), .answerId = answerId};
}

/** Listens to everything a turn can give. */
struct Ear {
  explicit Ear(ScriptedBackend& backend)
      : tokens(&backend, &ChatBackend::tokens),
        finished(&backend, &ChatBackend::finished),
        cancelled(&backend, &ChatBackend::promptCancelled),
        failed(&backend, &ChatBackend::failed),
        progress(&backend, &ChatBackend::promptProgress),
        cache(&backend, &ChatBackend::cacheChanged) {}
  QString text() const {
    QString text;
    for (const QList<QVariant>& batch : tokens) text += batch.at(0).value<TokenBatch>().text;
    return text;
  }
  TurnStats stats() const { return finished.last().at(0).value<TurnStats>(); }
  CacheSnapshot snapshot() const { return cache.last().at(0).value<CacheSnapshot>(); }
  QSignalSpy tokens, finished, cancelled, failed, progress, cache;
};

}  // namespace

class ScriptedBackendTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void loads_with_progress();
  void a_failed_or_cancelled_load_keeps_the_previous_model();
  void plays_the_answers_in_turn();
  void evaluates_only_the_new_message_of_a_second_turn();
  void rolls_within_the_capacity();
  void stops_while_answering();
  void stops_while_reading_and_forgets_the_message();
  void stops_a_turn_that_waits();
  void fails_when_told_to();
  void refuses_to_answer_without_a_model();
  void ends_at_the_token_limit();
  void refuses_bad_cache_settings();
  void makes_the_cache_anew_for_more_sinks();
  void shows_an_empty_cache_for_a_conversation_that_is_not_in_it();
  void tells_which_word_is_where();

 private:
  static void load(ScriptedBackend& backend) {
    QSignalSpy loaded(&backend, &ChatBackend::loaded);
    backend.load({.path = QStringLiteral("/models/tiny.gguf")});
    QVERIFY(loaded.wait(kPatience));
  }
};

void ScriptedBackendTest::loads_with_progress() {
  ScriptedBackend backend;
  QSignalSpy progress(&backend, &ChatBackend::loadProgress);
  QSignalSpy loaded(&backend, &ChatBackend::loaded);
  backend.load({.path = QStringLiteral("/models/tiny.gguf")});
  QVERIFY(loaded.wait(kPatience));
  QCOMPARE(loaded.at(0).at(1).value<runnel::ModelFacts>().name, std::string("tiny"));
  QCOMPARE(progress.first().at(0).toDouble(), 0.0);
  QCOMPARE(progress.last().at(0).toDouble(), 1.0);
}

void ScriptedBackendTest::a_failed_or_cancelled_load_keeps_the_previous_model() {
  ScriptedBackend backend;
  load(backend);
  QSignalSpy loadFailed(&backend, &ChatBackend::loadFailed);
  backend.failNextLoad(QStringLiteral("The file is damaged."));
  backend.load({.path = QStringLiteral("/models/bad.gguf")});
  QVERIFY(loadFailed.wait(kPatience));
  QCOMPARE(loadFailed.at(0).at(0).toString(), QStringLiteral("The file is damaged."));
  connect(&backend, &ChatBackend::loadProgress, &backend, [&](double done) {
    if (done > 0.3) backend.cancelLoad();
  });
  backend.load({.path = QStringLiteral("/models/slow.gguf")});
  QVERIFY(loadFailed.wait(kPatience));
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("hello"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
}

void ScriptedBackendTest::plays_the_answers_in_turn() {
  ScriptedBackend backend;
  backend.setAnswers({QStringLiteral("First  answer,\n```\n  code\n```"), QStringLiteral(" second")});
  load(backend);
  for (const char* expected : {"First  answer,\n```\n  code\n```", " second", "First  answer,\n```\n  code\n```"}) {
    Ear ear(backend);
    backend.send(turn({user(1, QStringLiteral("hello there"))}, 2));
    QVERIFY(ear.finished.wait(kPatience));
    QCOMPARE(ear.text(), QString::fromUtf8(expected));
    QCOMPARE(ear.stats().stopReason, StopReason::EndOfTurn);
    QCOMPARE(ear.stats().answerIds.last(), ScriptedFormat::kClosing);
    QCOMPARE(ear.snapshot().telemetry.fed, ear.stats().promptIds.size() + ear.stats().answerIds.size());
  }
}

void ScriptedBackendTest::evaluates_only_the_new_message_of_a_second_turn() {
  ScriptedBackend backend;
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("one two three"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  const ChatMessage answer{.id = 2, .role = Role::Assistant, .text = ear.text(), .ids = ear.stats().answerIds};
  backend.send(turn({user(1, QStringLiteral("one two three")), answer, user(3, QStringLiteral("four five"))}, 4));
  QVERIFY(ear.finished.wait(kPatience));
  QCOMPARE(ear.stats().promptEvaluated, 5);  // opening, four, five, closing, opening
  const QList<MessageSpan> spans = ear.snapshot().spans;
  QCOMPARE(spans.size(), 5);
  QCOMPARE(spans.at(0).role, Role::System);
  QCOMPARE(spans.at(3).messageId, 3);
  QCOMPARE(spans.at(3).end - spans.at(3).first, 5);
  QCOMPARE(spans.last().end, ear.snapshot().telemetry.fed);
}

void ScriptedBackendTest::rolls_within_the_capacity() {
  ScriptedBackend backend;
  QStringList words;
  for (int i = 0; i < 300; ++i) words.append(QString::number(i));
  backend.setAnswers({words.join(u' ')});
  QSignalSpy applied(&backend, &ChatBackend::cacheSettingsApplied);
  backend.setCacheSettings({.ctx_size = 64, .n_keep = 4});
  QVERIFY(applied.wait(kPatience));
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("count"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  const runnel::CacheTelemetry cache = ear.snapshot().telemetry;
  QCOMPARE(cache.cached, 64);
  QCOMPARE(cache.evicted, cache.fed - 64);
  QCOMPARE(cache.runs.front().reason, runnel::Reason::sink);
  QCOMPARE(cache.runs.front().length, 4);
  QCOMPARE(cache.runs.back().first + cache.runs.back().length, cache.fed);
}

void ScriptedBackendTest::stops_while_answering() {
  ScriptedBackend backend;
  backend.setAnswers({QStringLiteral("a b c d e f g h")});
  load(backend);
  Ear ear(backend);
  connect(&backend, &ChatBackend::tokens, &backend, [&](const TokenBatch& batch) {
    if (batch.text == QLatin1String(" c"))
      QMetaObject::invokeMethod(&backend, [&] { backend.stop(); }, Qt::QueuedConnection);
  });
  backend.send(turn({user(1, QStringLiteral("go"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  QCOMPARE(ear.stats().stopReason, StopReason::Stopped);
  QVERIFY(ear.text().startsWith(QStringLiteral("a b c")));
  QVERIFY(ear.text().size() < 15);
  QCOMPARE(ear.finished.count(), 1);
}

void ScriptedBackendTest::stops_while_reading_and_forgets_the_message() {
  ScriptedBackend backend;
  load(backend);
  backend.setPromptBatch(2);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("first"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  const qint64 fed = ear.snapshot().telemetry.fed;
  const ChatMessage answer{.id = 2, .role = Role::Assistant, .text = ear.text(), .ids = ear.stats().answerIds};
  connect(&backend, &ChatBackend::promptProgress, &backend, [&](const PromptProgress& progress) {
    if (progress.done > 3) QMetaObject::invokeMethod(&backend, [&] { backend.stop(); }, Qt::QueuedConnection);
  });
  const QString longText = QStringLiteral("word ").repeated(200);
  backend.send(turn({user(1, QStringLiteral("first")), answer, user(3, longText)}, 4));
  QVERIFY(ear.cancelled.wait(kPatience));
  QCOMPARE(ear.cancelled.at(0).at(1).toLongLong(), 4);
  QCOMPARE(ear.finished.count(), 1);
  QCOMPARE(ear.snapshot().telemetry.fed, fed);
  QCOMPARE(ear.snapshot().spans.size(), 3);
}

void ScriptedBackendTest::stops_a_turn_that_waits() {
  ScriptedBackend backend;
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("never mind"))}, 2));
  backend.stop();
  QVERIFY(ear.cancelled.wait(kPatience));
  backend.send(turn({user(1, QStringLiteral("now"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
}

void ScriptedBackendTest::fails_when_told_to() {
  ScriptedBackend backend;
  load(backend);
  backend.failNextTurn(QStringLiteral("Memory is short."), 2);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("go"))}, 2));
  QVERIFY(ear.failed.wait(kPatience));
  QCOMPARE(ear.tokens.count(), 2);
  QCOMPARE(ear.failed.at(0).at(2).toString(), QStringLiteral("Memory is short."));
  backend.send(turn({user(1, QStringLiteral("go"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
}

void ScriptedBackendTest::refuses_to_answer_without_a_model() {
  ScriptedBackend backend;
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("go"))}, 2));
  QVERIFY(ear.failed.wait(kPatience));
}

void ScriptedBackendTest::ends_at_the_token_limit() {
  ScriptedBackend backend;
  load(backend);
  Ear ear(backend);
  TurnRequest request = turn({user(1, QStringLiteral("go"))}, 2);
  request.maxTokens = 3;
  backend.send(request);
  QVERIFY(ear.finished.wait(kPatience));
  QCOMPARE(ear.stats().stopReason, StopReason::Length);
  QCOMPARE(ear.stats().answerIds.size(), 3);
}

void ScriptedBackendTest::refuses_bad_cache_settings() {
  ScriptedBackend backend;
  load(backend);
  QSignalSpy refused(&backend, &ChatBackend::cacheSettingsRefused);
  Ear ear(backend);
  backend.setCacheSettings({.ctx_size = 8});
  QVERIFY(refused.wait(kPatience));
  QVERIFY(refused.at(0).at(0).toString().contains(QStringLiteral("ctx_size")));
  backend.open(1, {});
  QVERIFY(ear.snapshot().telemetry.settings.ctx_size != 8);
}

void ScriptedBackendTest::makes_the_cache_anew_for_more_sinks() {
  ScriptedBackend backend;
  backend.setAnswers({QStringLiteral("one two three four five six seven eight nine ten eleven twelve")});
  QSignalSpy applied(&backend, &ChatBackend::cacheSettingsApplied);
  backend.setCacheSettings({.ctx_size = 32, .n_keep = 2});
  QVERIFY(applied.wait(kPatience));
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("alpha beta gamma delta epsilon zeta eta theta"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  QVERIFY(ear.snapshot().telemetry.evicted > 0);
  ear.progress.clear();
  backend.setCacheSettings({.ctx_size = 64, .n_keep = 8});
  QVERIFY(applied.wait(kPatience));
  QVERIFY(ear.progress.last().at(0).value<PromptProgress>().anew);
  QCOMPARE(ear.snapshot().telemetry.evicted, 0);
  QCOMPARE(ear.snapshot().telemetry.runs.front().length, 8);
}

void ScriptedBackendTest::shows_an_empty_cache_for_a_conversation_that_is_not_in_it() {
  ScriptedBackend backend;
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("go"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  backend.open(77, {});
  QCOMPARE(ear.snapshot().conversationId, 77);
  QCOMPARE(ear.snapshot().telemetry.cached, 0);
  backend.open(1, {});
  QCOMPARE(ear.snapshot().conversationId, 1);
  QVERIFY(ear.snapshot().telemetry.cached > 0);
}

void ScriptedBackendTest::tells_which_word_is_where() {
  ScriptedBackend backend;
  backend.setAnswers({QStringLiteral("Well,\nno")});
  load(backend);
  Ear ear(backend);
  backend.send(turn({user(1, QStringLiteral("Is it?"))}, 2));
  QVERIFY(ear.finished.wait(kPatience));
  QSignalSpy described(&backend, &ChatBackend::tokenDescribed);
  const qint64 fed = ear.snapshot().telemetry.fed;
  for (qint64 position = -1; position <= fed; ++position) backend.describeToken(1, position);
  backend.describeToken(2, 0);
  QVERIFY(described.isEmpty());  // never before the call returns
  QTRY_COMPARE(described.count(), fed + 3);
  QStringList labels;
  for (const QList<QVariant>& answer : described) labels.append(answer.at(2).toString());
  QCOMPARE(labels.mid(0, 3), QStringList({QString(), QStringLiteral("<opening>"), QStringLiteral("“You”")}));
  QCOMPARE(labels.mid(labels.size() - 9),
           QStringList({QStringLiteral("“Is”"), QStringLiteral("“ it?”"), QStringLiteral("<closing>"),
                        QStringLiteral("<opening>"), QStringLiteral("“Well,”"), QStringLiteral("“⏎no”"),
                        QStringLiteral("<closing>"), QString(), QString()}));
}

QTEST_GUILESS_MAIN(ScriptedBackendTest)
#include "tst_scripted_backend.moc"
