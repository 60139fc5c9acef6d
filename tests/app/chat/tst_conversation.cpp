#include <QJsonDocument>
#include <QJsonObject>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

#include "app/chat/conversation.h"
#include "app/chat/scripted_backend.h"

using namespace runnel::app;

namespace {
constexpr int kPatience = 30'000;
}

class ConversationTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();
  void cleanup();

  void stores_the_message_before_it_is_answered();
  void stores_what_was_fed_and_sampled();
  void goes_on_without_feeding_anything_again();
  void stores_the_system_prompt_with_the_conversation();
  void keeps_a_partial_answer_when_it_is_stopped();
  void keeps_a_partial_answer_when_it_fails();
  void saves_a_partial_answer_while_it_is_written();
  void returns_a_prompt_that_was_stopped_to_the_composer();
  void returns_the_first_prompt_and_removes_its_conversation();
  void refuses_a_second_message_while_one_is_answered();
  void goes_on_answering_when_another_conversation_is_open();
  void removes_a_conversation_that_is_being_answered();
  void quitting_keeps_what_was_written();
  void sends_nothing_when_the_store_cannot_be_written();
  void writes_the_last_answer_anew();
  void keeps_the_answer_when_writing_anew_is_stopped_at_once();
  void stores_what_is_pinned_while_it_is_answered();
  void says_why_a_message_can_not_be_pinned();
  void titles_are_the_first_words_data();
  void titles_are_the_first_words();

 private:
  void loadModel() {
    QSignalSpy loaded(m_backend.get(), &ChatBackend::loaded);
    m_backend->load({.path = QStringLiteral("/models/tiny.gguf")});
    QVERIFY(loaded.wait(kPatience));
  }
  void sendAndWait(const QString& text) {
    QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
    QVERIFY(m_session->send(text));
    QVERIFY(ended.count() == 1 || ended.wait(kPatience));
  }
  /** Stops at the first token whose text is `word`, from outside the signal. */
  void stopAt(const QString& word) {
    connect(m_backend.get(), &ChatBackend::tokens, m_session.get(), [this, word](const TokenBatch& batch) {
      if (batch.text == word)
        QMetaObject::invokeMethod(m_session.get(), &ConversationSession::stop, Qt::QueuedConnection);
    });
  }
  void stopWhileReading() {
    m_backend->setPromptBatch(1);
    connect(m_backend.get(), &ChatBackend::promptProgress, m_session.get(), [this](const PromptProgress& progress) {
      if (progress.done == 2)
        QMetaObject::invokeMethod(m_session.get(), &ConversationSession::stop, Qt::QueuedConnection);
    });
  }

  std::unique_ptr<QTemporaryDir> m_folder;
  std::unique_ptr<ScriptedBackend> m_backend;
  std::unique_ptr<ConversationStore> m_store;
  std::unique_ptr<Settings> m_settings;
  std::unique_ptr<ConversationSession> m_session;
};

void ConversationTest::init() {
  m_folder = std::make_unique<QTemporaryDir>();
  m_backend = std::make_unique<ScriptedBackend>();
  m_backend->setAnswers({QStringLiteral("one two three four five")});
  m_store = std::make_unique<ConversationStore>();
  QVERIFY(m_store->open(m_folder->filePath(QStringLiteral("runnel.db"))));
  m_settings = std::make_unique<Settings>(m_folder->filePath(QStringLiteral("settings.ini")));
  m_session = std::make_unique<ConversationSession>(*m_backend, *m_store, *m_settings);
  loadModel();
}

void ConversationTest::cleanup() {
  m_session.reset();
  m_settings.reset();
  m_store.reset();
  m_backend.reset();
}

void ConversationTest::stores_the_message_before_it_is_answered() {
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(m_session->isAnswering());
  QVERIFY(!m_session->canSend());
  const QList<StoredMessage> stored = m_store->messages(m_session->conversationId());
  QCOMPARE(stored.size(), 2);
  QCOMPARE(stored.at(0).text, QStringLiteral("hello"));
  QCOMPARE(stored.at(1).role, Role::Assistant);
  QCOMPARE(stored.at(1).stopReason, StopReason::None);
}

void ConversationTest::stores_what_was_fed_and_sampled() {
  m_settings->setSampling({.temperature = 0.5F, .seed = 42});
  QSignalSpy appended(m_session.get(), &ConversationSession::textAppended);
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  sendAndWait(QStringLiteral("hello"));
  const auto stats = ended.at(0).at(1).value<TurnStats>();
  const QList<StoredMessage> stored = m_store->messages(m_session->conversationId());
  QCOMPARE(stored.at(0).ids, stats.promptIds);
  QCOMPARE(stored.at(0).prefix, stats.promptPrefix);
  QVERIFY(stored.at(0).prefix > 0);
  QCOMPARE(stored.at(0).tokenizer, QStringLiteral("scripted"));
  QCOMPARE(stored.at(1).text, QStringLiteral("one two three four five"));
  QCOMPARE(stored.at(1).ids, stats.answerIds);
  QCOMPARE(stored.at(1).stopReason, StopReason::EndOfTurn);
  QCOMPARE(stored.at(1).model, QStringLiteral("tiny"));
  const QJsonObject settings = QJsonDocument::fromJson(stored.at(1).settings.toUtf8()).object();
  QCOMPARE(settings.value(QStringLiteral("seed")).toString(), QStringLiteral("42"));
  QCOMPARE(settings.value(QStringLiteral("temperature")).toDouble(), 0.5);
  QString text;
  for (const QList<QVariant>& piece : appended) text += piece.at(1).toString();
  QCOMPARE(text, stored.at(1).text);
  QCOMPARE(m_session->messages().at(1).text, text);
  QVERIFY(m_session->canSend());
}

void ConversationTest::goes_on_without_feeding_anything_again() {
  sendAndWait(QStringLiteral("hello"));
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  sendAndWait(QStringLiteral("and then"));
  QCOMPARE(ended.at(0).at(1).value<TurnStats>().promptEvaluated, 5);
  QCOMPARE(m_store->messages(m_session->conversationId()).size(), 4);
}

void ConversationTest::stores_the_system_prompt_with_the_conversation() {
  m_settings->setSystemPrompt(QStringLiteral("Be brief."));
  sendAndWait(QStringLiteral("hello"));
  m_settings->setSystemPrompt(QStringLiteral("Be long."));
  sendAndWait(QStringLiteral("again"));
  const QList<StoredMessage> stored = m_store->messages(m_session->conversationId());
  QCOMPARE(stored.size(), 5);
  QCOMPARE(stored.at(0).role, Role::System);
  QCOMPARE(stored.at(0).text, QStringLiteral("Be brief."));
}

void ConversationTest::keeps_a_partial_answer_when_it_is_stopped() {
  stopAt(QStringLiteral(" two"));
  sendAndWait(QStringLiteral("hello"));
  const StoredMessage answer = m_store->messages(m_session->conversationId()).at(1);
  QCOMPARE(answer.stopReason, StopReason::Stopped);
  QVERIFY(answer.text.startsWith(QStringLiteral("one two")));
  QVERIFY(answer.text != QStringLiteral("one two three four five"));
}

void ConversationTest::keeps_a_partial_answer_when_it_fails() {
  QSignalSpy failed(m_session.get(), &ConversationSession::answerFailed);
  m_backend->failNextTurn(QStringLiteral("Memory is short."), 3);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(failed.wait(kPatience));
  QCOMPARE(failed.at(0).at(1).toString(), QStringLiteral("Memory is short."));
  const StoredMessage answer = m_store->messages(m_session->conversationId()).at(1);
  QCOMPARE(answer.stopReason, StopReason::Failed);
  QCOMPARE(answer.text, QStringLiteral("one two three"));
  sendAndWait(QStringLiteral("try again"));
}

void ConversationTest::saves_a_partial_answer_while_it_is_written() {
  QStringList words;
  for (int i = 0; i < 100'000; ++i) words.append(QString::number(i));
  m_backend->setAnswers({words.join(u' ')});
  m_settings->setMaxTokens(1'000'000);
  m_backend->setInterval(5);
  QVERIFY(m_session->send(QStringLiteral("count")));
  QTRY_VERIFY_WITH_TIMEOUT(
      m_store->messages(m_session->conversationId()).at(1).text.startsWith(QStringLiteral("0 1 2")), kPatience);
  const StoredMessage saved = m_store->messages(m_session->conversationId()).at(1);
  QCOMPARE(saved.stopReason, StopReason::None);
  QVERIFY(!saved.ids.isEmpty());
}

void ConversationTest::returns_a_prompt_that_was_stopped_to_the_composer() {
  sendAndWait(QStringLiteral("hello"));
  const qint64 conversation = m_session->conversationId();
  QSignalSpy returned(m_session.get(), &ConversationSession::promptReturned);
  QSignalSpy removed(m_session.get(), &ConversationSession::messageRemoved);
  stopWhileReading();
  QVERIFY(m_session->send(QStringLiteral("take this back please")));
  QVERIFY(returned.wait(kPatience));
  QCOMPARE(returned.at(0).at(0).toLongLong(), conversation);
  QCOMPARE(returned.at(0).at(1).toString(), QStringLiteral("take this back please"));
  QCOMPARE(removed.count(), 2);
  QCOMPARE(m_store->messages(conversation).size(), 2);
  QCOMPARE(m_session->messages().size(), 2);
  QVERIFY(m_session->canSend());
}

void ConversationTest::returns_the_first_prompt_and_removes_its_conversation() {
  m_settings->setSystemPrompt(QStringLiteral("Be brief."));
  QSignalSpy returned(m_session.get(), &ConversationSession::promptReturned);
  stopWhileReading();
  QVERIFY(m_session->send(QStringLiteral("take this back please")));
  QVERIFY(returned.wait(kPatience));
  QCOMPARE(returned.at(0).at(1).toString(), QStringLiteral("take this back please"));
  QCOMPARE(m_session->conversationId(), 0);
  QVERIFY(m_session->messages().isEmpty());
  QVERIFY(m_store->conversations().isEmpty());
}

void ConversationTest::refuses_a_second_message_while_one_is_answered() {
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(!m_session->send(QStringLiteral("too early")));
  QVERIFY(!m_session->send(QStringLiteral("  \n")));
  QVERIFY(ended.wait(kPatience));
  QVERIFY(!m_session->send(QStringLiteral("  \n")));
  QCOMPARE(m_store->messages(m_session->conversationId()).size(), 2);
}

void ConversationTest::goes_on_answering_when_another_conversation_is_open() {
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  const qint64 first = m_session->conversationId();
  m_session->open(0);
  QVERIFY(!m_session->isAnswering());
  QVERIFY(m_session->isAnsweringElsewhere());
  QVERIFY(!m_session->send(QStringLiteral("not yet")));
  QVERIFY(m_session->messages().isEmpty());
  QVERIFY(ended.wait(kPatience));
  QCOMPARE(m_store->messages(first).at(1).text, QStringLiteral("one two three four five"));
  QVERIFY(m_session->messages().isEmpty());
  m_session->open(first);
  QCOMPARE(m_session->messages().at(1).text, QStringLiteral("one two three four five"));
}

void ConversationTest::removes_a_conversation_that_is_being_answered() {
  QSignalSpy tokens(m_backend.get(), &ChatBackend::tokens);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(tokens.wait(kPatience));
  QVERIFY(m_session->remove(m_session->conversationId()));
  QCOMPARE(m_session->conversationId(), 0);
  QVERIFY(m_session->canSend());
  QVERIFY(m_store->conversations().isEmpty());
  sendAndWait(QStringLiteral("a new one"));
  QCOMPARE(m_store->conversations().size(), 1);
}

void ConversationTest::quitting_keeps_what_was_written() {
  QSignalSpy tokens(m_backend.get(), &ChatBackend::tokens);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(tokens.wait(kPatience));
  const qint64 conversation = m_session->conversationId();
  const QString written = m_session->messages().at(1).text;
  m_session.reset();
  const StoredMessage answer = m_store->messages(conversation).at(1);
  QCOMPARE(answer.text, written);
  QCOMPARE(answer.stopReason, StopReason::Stopped);
}

void ConversationTest::sends_nothing_when_the_store_cannot_be_written() {
  ConversationStore closed;
  QSignalSpy failed(&closed, &ConversationStore::failed);
  ConversationSession session(*m_backend, closed, *m_settings);
  QSignalSpy finished(m_backend.get(), &ChatBackend::finished);
  QVERIFY(!session.send(QStringLiteral("hello")));
  QCOMPARE(failed.count(), 1);
  QVERIFY(session.canSend());
  QVERIFY(!m_backend->isBusy());
}

void ConversationTest::writes_the_last_answer_anew() {
  QVERIFY(!m_session->answerAgain());
  m_backend->setAnswers({QStringLiteral("one two"), QStringLiteral("three four")});
  sendAndWait(QStringLiteral("hello"));
  const StoredMessage question = m_session->messages().at(0);
  const qint64 first = m_session->messages().at(1).id;
  QSignalSpy removed(m_session.get(), &ConversationSession::messageRemoved);
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  QVERIFY(m_session->answerAgain());
  QVERIFY(!m_session->answerAgain());
  QVERIFY(ended.count() == 1 || ended.wait(kPatience));
  QCOMPARE(removed.count(), 1);
  QCOMPARE(ended.at(0).at(1).value<TurnStats>().promptEvaluated, 1);
  const QList<StoredMessage> stored = m_store->messages(m_session->conversationId());
  QCOMPARE(stored.size(), 2);
  QCOMPARE(stored.at(0).ids, question.ids);
  QCOMPARE(stored.at(0).prefix, question.prefix);
  QCOMPARE(stored.at(1).text, QStringLiteral("three four"));
  QVERIFY(stored.at(1).id != first);
  sendAndWait(QStringLiteral("and on"));
}

void ConversationTest::keeps_the_answer_when_writing_anew_is_stopped_at_once() {
  sendAndWait(QStringLiteral("hello"));
  QSignalSpy returned(m_session.get(), &ConversationSession::promptReturned);
  QSignalSpy changed(m_session.get(), &ConversationSession::answeringChanged);
  QVERIFY(m_session->answerAgain());
  m_session->stop();
  QTRY_VERIFY_WITH_TIMEOUT(m_session->canSend(), kPatience);
  QVERIFY(returned.isEmpty());
  const QList<StoredMessage> stored = m_store->messages(m_session->conversationId());
  QCOMPARE(stored.size(), 2);
  QCOMPARE(stored.at(0).text, QStringLiteral("hello"));
  QCOMPARE(stored.at(1).text, QStringLiteral("one two three four five"));
  QCOMPARE(stored.at(1).stopReason, StopReason::EndOfTurn);
}

void ConversationTest::stores_what_is_pinned_while_it_is_answered() {
  QSignalSpy pinned(m_session.get(), &ConversationSession::messagePinned);
  QSignalSpy started(m_session.get(), &ConversationSession::textAppended);
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  QVERIFY(m_session->send(QStringLiteral("hello")));
  QVERIFY(started.wait(kPatience));
  const qint64 question = m_session->messages().at(0).id;
  m_session->setPinned(question, true);
  QVERIFY(pinned.count() == 1 || pinned.wait(kPatience));
  QVERIFY(ended.count() == 1 || ended.wait(kPatience));
  QVERIFY(m_session->messages().at(0).isPinned);
  QVERIFY(m_store->messages(m_session->conversationId()).at(0).isPinned);
  m_session->setPinned(question, false);
  QTRY_COMPARE(pinned.count(), 2);
  QVERIFY(!m_store->messages(m_session->conversationId()).at(0).isPinned);
}

void ConversationTest::says_why_a_message_can_not_be_pinned() {
  QSignalSpy applied(m_backend.get(), &ChatBackend::cacheSettingsApplied);
  m_backend->setCacheSettings({.ctx_size = 16, .n_keep = 2});
  QVERIFY(applied.wait(kPatience));
  QSignalSpy refused(m_session.get(), &ConversationSession::pinRefused);
  sendAndWait(QStringLiteral("one two three four five six seven eight nine ten"));
  m_session->setPinned(m_session->messages().at(0).id, true);
  QTRY_COMPARE(refused.count(), 1);
  QVERIFY(!refused.at(0).at(0).toString().isEmpty());
  QVERIFY(!m_store->messages(m_session->conversationId()).at(0).isPinned);
}

void ConversationTest::titles_are_the_first_words_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<QString>("title");
  QTest::newRow("short") << QStringLiteral("hello") << QStringLiteral("hello");
  QTest::newRow("lines") << QStringLiteral(" a\n\n b\tc ") << QStringLiteral("a b c");
  QTest::newRow("long") << QStringLiteral("1 2 3 4 5 6 7") << QStringLiteral("1 2 3 4 5 6 …");
  QTest::newRow("one long word") << QString(100, u'x') << QString(60, u'x') + QStringLiteral(" …");
  QTest::newRow("no half characters") << QString(59, u'x') + QStringLiteral("🦙🦙")
                                      << QString(59, u'x') + QStringLiteral(" …");
  QTest::newRow("empty") << QStringLiteral(" ") << QStringLiteral("New conversation");
}

void ConversationTest::titles_are_the_first_words() {
  QFETCH(QString, text);
  QFETCH(QString, title);
  QCOMPARE(titleFrom(text), title);
}

QTEST_GUILESS_MAIN(ConversationTest)
#include "tst_conversation.moc"
