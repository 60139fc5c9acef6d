#include <QRegularExpression>
#include <QTemporaryDir>

#include <random>

#include "app/chat/model_chat_format.h"
#include "tests/app/chat/talk.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

namespace {

constexpr qint32 kEndOfTurn = 2;

}  // namespace

class LocalBackendTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();

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
  void an_answer_begins_with_the_reasoning_that_the_prompt_opened();
  void an_answer_ends_where_the_template_writes_its_end_as_text();
  void an_answer_ends_where_the_next_turn_begins();
  void switches_conversations();
  void answers_the_last_message_anew();
  void every_turn_ends_exactly_once();

 private:
  QTemporaryDir m_folder;
  QString m_model;
};

void LocalBackendTest::initTestCase() {
  qputenv("RUNNEL_ISA", "scalar");  // what the network says is then the same on every machine
  m_model = writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
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
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
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
    QVERIFY(talk.open(m_model, {.ctx_size = 128, .n_keep = 2}));
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
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
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
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
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
    QVERIFY(each->open(m_model, {.ctx_size = 256}));
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

void LocalBackendTest::an_answer_begins_with_the_reasoning_that_the_prompt_opened() {
  TinyModel thinking;
  thinking.chatTemplate.replace(QStringLiteral("assistant\n{% endif %}"),
                                QStringLiteral("assistant\n<think>\n{% endif %}"));
  QVERIFY(thinking.chatTemplate != TinyModel().chatTemplate);
  const QString folder = writeTinyModel(m_folder.filePath(QStringLiteral("thinking")), thinking);
  Talk talk;
  QVERIFY(talk.load(folder));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello there")));
  QVERIFY2(talk.text().startsWith(QStringLiteral("<think>\n")), qPrintable(talk.text()));
  QCOMPARE(talk.text().count(QStringLiteral("<think>")), 1);

  // Asked again for the same answer, and then on from one that ended within its reasoning.
  talk.tokens.clear();
  talk.send({messages.first()}, 1002);
  QVERIFY(talk.finished.wait(kPatience));
  QCOMPARE(talk.text().count(QStringLiteral("<think>")), 1);
  QVERIFY(talk.exchange(messages, QStringLiteral("And you?")));
  QVERIFY2(talk.text().startsWith(QStringLiteral("<think>\n")), qPrintable(talk.text()));
  QCOMPARE(talk.snapshot().telemetry.fed, talk.snapshot().spans.last().end);

  const std::shared_ptr<const runnel::Model> model = runnel::Model::open_without_weights(folder.toStdString());
  const ModelChatFormat format(model);
  const std::vector<runnel::Token> before = format.firstTurn({{"user", "Hello there"}}).tokens;
  const auto following = [&](const std::string& text) {
    return model->tokenizer().encode_after(before.back(), {{text, false}});
  };
  QCOMPARE(format.encodeAnswer("<think>\na</think>b", before), following("\n</think>\n\nb"));
  QCOMPARE(format.encodeAnswer("", before), following("\n</think>\n\n"));
  QCOMPARE(format.encodeAnswer("", {}), std::vector<runnel::Token>());
}

void LocalBackendTest::an_answer_ends_where_the_template_writes_its_end_as_text() {
  const auto vocabulary = runnel::Model::open_without_weights(m_model.toStdString());
  const TinyModel loud{.loudToken = vocabulary->tokenizer().encode(":").front()};
  Talk talk;
  QVERIFY(talk.load(writeTinyModel(m_folder.filePath(QStringLiteral("loud")), loud)));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello there"), 40));
  const QString unstopped = talk.text();
  const QString end = QRegularExpression(QStringLiteral(" \\w+:")).match(unstopped).captured();
  QVERIFY2(!end.isEmpty(), qPrintable(unstopped));

  // The network says the same whatever the template writes after an answer.
  TinyModel textual = loud;
  textual.chatTemplate.replace(
      QStringLiteral("<|im_end|>\n{% endfor %}"),
      QStringLiteral("{{ '%1' if message.role == 'assistant' else '<|im_end|>' }}\n{% endfor %}").arg(end));
  QVERIFY(talk.load(writeTinyModel(m_folder.filePath(QStringLiteral("textual")), textual)));
  messages.clear();
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello there"), 40, 2));
  QCOMPARE(talk.text(), unstopped.left(unstopped.indexOf(end)).trimmed());
  QCOMPARE(talk.stats().stopReason, StopReason::EndOfTurn);
  const CacheSnapshot snapshot = talk.snapshot();
  QCOMPARE(snapshot.spans.last().end - snapshot.spans.last().first, talk.stats().answerIds.size());
  QCOMPARE(snapshot.telemetry.fed, snapshot.spans.last().end);

  // The end comes with the next message, once.
  QVERIFY(talk.exchange(messages, QStringLiteral("And you?"), 8, 2));
  const QList<qint32> prompt = talk.stats().promptIds;
  const std::string fed = vocabulary->tokenizer().decode(std::vector<runnel::Token>(prompt.begin(), prompt.end()));
  QCOMPARE(QString::fromStdString(fed),
           end + QStringLiteral("\n<|im_start|>user\nAnd you?<|im_end|>\n<|im_start|>assistant\n"));
}

void LocalBackendTest::an_answer_ends_where_the_next_turn_begins() {
  constexpr int start = 1;  // <|im_start|>
  TinyModel loud{.loudToken = start};
  loud.chatTemplate.replace(QStringLiteral("<|im_end|>\n{% endfor %}"), QStringLiteral("{% endfor %}"));
  Talk talk;
  QVERIFY(talk.load(writeTinyModel(m_folder.filePath(QStringLiteral("endless")), loud)));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Hello there"), 60));
  QCOMPARE(talk.stats().stopReason, StopReason::EndOfTurn);
  QCOMPARE(talk.stats().answerIds.count(start), 0);
  QCOMPARE(talk.snapshot().telemetry.fed, talk.snapshot().spans.last().end);
  QVERIFY(talk.exchange(messages, QStringLiteral("And you?"), 60));
  QCOMPARE(talk.stats().promptIds.first(), start);
  QCOMPARE(talk.stats().promptIds.count(start), 2);
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

void LocalBackendTest::every_turn_ends_exactly_once() {
  Talk talk;
  QVERIFY(talk.open(m_model, {.ctx_size = 64}));
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

QTEST_GUILESS_MAIN(LocalBackendTest)
#include "tst_local_backend.moc"
