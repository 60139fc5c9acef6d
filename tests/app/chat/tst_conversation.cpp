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
  void an_edited_message_takes_the_place_of_all_that_followed();
  void an_edit_that_is_stopped_at_once_changes_nothing();
  void an_edit_that_fails_changes_nothing();
  void quitting_before_an_edit_is_answered_loses_nothing();
  void only_what_the_user_wrote_can_be_edited();
  void removes_what_follows_a_message();
  void removes_nothing_that_stays_in_the_store();
  void removing_all_removes_the_conversation();
  void a_branch_goes_on_from_the_same_memory();
  void branches_are_numbered();
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

void ConversationTest::an_edited_message_takes_the_place_of_all_that_followed() {
  for (const char* text : {"hello", "second message", "third"}) sendAndWait(QString::fromLatin1(text));
  const QList<StoredMessage> before = m_session->messages();
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  QVERIFY(m_session->edit(before.at(2).id, QStringLiteral("another message")));
  QVERIFY(ended.wait(kPatience));
  // Opening, two words and closing, opening: what came before is in the cache.
  QCOMPARE(ended.at(0).at(1).value<TurnStats>().promptEvaluated, 5);
  const QList<StoredMessage> after = m_store->messages(m_session->conversationId());
  QCOMPARE(after.size(), 4);
  QCOMPARE(after.at(1).ids, before.at(1).ids);
  QCOMPARE(after.at(2).text, QStringLiteral("another message"));
  QCOMPARE(after.at(3).stopReason, StopReason::EndOfTurn);
  sendAndWait(QStringLiteral("and on"));
}

void ConversationTest::an_edit_that_is_stopped_at_once_changes_nothing() {
  for (const char* text : {"hello", "second message", "third"}) sendAndWait(QString::fromLatin1(text));
  QList<StoredMessage> before = m_session->messages();
  QVERIFY(m_store->setPinned(before.at(2).id, true));
  before = m_store->messages(m_session->conversationId());
  m_session->open(m_session->conversationId());
  QSignalSpy returned(m_session.get(), &ConversationSession::promptReturned);
  stopWhileReading();
  QVERIFY(m_session->edit(before.at(2).id, QStringLiteral("another message")));
  QVERIFY(returned.wait(kPatience));
  QCOMPARE(returned.at(0).at(1).toString(), QStringLiteral("another message"));
  const QList<StoredMessage> after = m_store->messages(m_session->conversationId());
  QCOMPARE(after.size(), before.size());
  for (qsizetype i = 0; i < after.size(); ++i) {
    QCOMPARE(after.at(i).text, before.at(i).text);
    QCOMPARE(after.at(i).ids, before.at(i).ids);
    QCOMPARE(after.at(i).isPinned, before.at(i).isPinned);
    QCOMPARE(m_session->messages().at(i).id, after.at(i).id);
  }
  QCOMPARE(returned.at(0).at(2).toLongLong(), before.at(2).id);
  m_backend->setPromptBatch(100);
  sendAndWait(QStringLiteral("and on"));
}

void ConversationTest::an_edit_that_fails_changes_nothing() {
  for (const char* text : {"hello", "second message", "third"}) sendAndWait(QString::fromLatin1(text));
  const QList<StoredMessage> before = m_session->messages();
  QSignalSpy returned(m_session.get(), &ConversationSession::promptReturned);
  QSignalSpy failed(m_session.get(), &ConversationSession::answerFailed);
  m_backend->failNextTurn(QStringLiteral("Memory is short."));
  QVERIFY(m_session->edit(before.at(2).id, QStringLiteral("another message")));
  QVERIFY(failed.wait(kPatience));
  QCOMPARE(returned.at(0).at(1).toString(), QStringLiteral("another message"));
  const QList<StoredMessage> after = m_store->messages(m_session->conversationId());
  QCOMPARE(after.size(), before.size());
  for (qsizetype i = 0; i < after.size(); ++i) QCOMPARE(after.at(i).id, before.at(i).id);
}

void ConversationTest::quitting_before_an_edit_is_answered_loses_nothing() {
  for (const char* text : {"hello", "second message"}) sendAndWait(QString::fromLatin1(text));
  const qint64 conversation = m_session->conversationId();
  QVERIFY(m_session->edit(m_session->messages().at(2).id, QStringLiteral("another message")));
  m_session.reset();
  QStringList texts;
  for (const StoredMessage& message : m_store->messages(conversation)) texts.append(message.text);
  QVERIFY(texts.contains(QStringLiteral("second message")) && texts.contains(QStringLiteral("another message")));
}

void ConversationTest::only_what_the_user_wrote_can_be_edited() {
  sendAndWait(QStringLiteral("hello"));
  QVERIFY(!m_session->edit(m_session->messages().at(1).id, QStringLiteral("Mine")));
  QVERIFY(!m_session->edit(m_session->messages().at(0).id, QStringLiteral("  ")));
  QVERIFY(!m_session->edit(12345, QStringLiteral("Nobody's")));
  QCOMPARE(m_store->messages(m_session->conversationId()).size(), 2);
}

void ConversationTest::removes_what_follows_a_message() {
  for (const char* text : {"hello", "second", "third"}) sendAndWait(QString::fromLatin1(text));
  QSignalSpy cache(m_backend.get(), &ChatBackend::cacheChanged);
  const qint64 kept = m_session->messages().at(1).id;
  QVERIFY(m_session->removeFrom(m_session->messages().at(2).id));
  QCOMPARE(m_store->messages(m_session->conversationId()).size(), 2);
  QCOMPARE(m_session->messages().size(), 2);
  const auto snapshot = cache.last().at(0).value<CacheSnapshot>();
  QCOMPARE(snapshot.spans.last().messageId, kept);
  QCOMPARE(snapshot.telemetry.fed, snapshot.spans.last().end);
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  sendAndWait(QStringLiteral("another"));
  QCOMPARE(ended.at(0).at(1).value<TurnStats>().promptEvaluated, 4);
}

void ConversationTest::removes_nothing_that_stays_in_the_store() {
  for (const char* text : {"hello", "second"}) sendAndWait(QString::fromLatin1(text));
  const qint64 message = m_session->messages().at(2).id;
  QVERIFY(m_store->removeMessages({message}));  // behind the session's back: to remove it once more fails
  QVERIFY(!m_session->removeFrom(message));
  QCOMPARE(m_session->messages().size(), 4);
}

void ConversationTest::removing_all_removes_the_conversation() {
  m_settings->setSystemPrompt(QStringLiteral("Be brief."));
  sendAndWait(QStringLiteral("hello"));
  QVERIFY(m_session->removeFrom(m_session->messages().at(1).id));
  QCOMPARE(m_session->conversationId(), 0);
  QVERIFY(m_store->conversations().isEmpty());
}

void ConversationTest::a_branch_goes_on_from_the_same_memory() {
  for (const char* text : {"hello", "second", "third"}) sendAndWait(QString::fromLatin1(text));
  const qint64 origin = m_session->conversationId();
  QSignalSpy cache(m_backend.get(), &ChatBackend::cacheChanged);
  QVERIFY(m_session->branch(m_session->messages().at(3).id));
  QVERIFY(m_session->conversationId() != origin);
  QCOMPARE(m_session->messages().size(), 4);
  QCOMPARE(m_store->title(m_session->conversationId()), QStringLiteral("hello · 2"));
  const auto snapshot = cache.last().at(0).value<CacheSnapshot>();
  QCOMPARE(snapshot.conversationId, m_session->conversationId());
  QCOMPARE(snapshot.spans.last().messageId, m_session->messages().last().id);
  QSignalSpy ended(m_session.get(), &ConversationSession::answerEnded);
  sendAndWait(QStringLiteral("elsewhere"));
  QCOMPARE(ended.at(0).at(1).value<TurnStats>().promptEvaluated, 4);
  QCOMPARE(m_store->messages(origin).size(), 6);
}

void ConversationTest::branches_are_numbered() {
  QCOMPARE(titleOfBranch(QStringLiteral("Trees"), {QStringLiteral("Trees")}), QStringLiteral("Trees · 2"));
  QCOMPARE(titleOfBranch(QStringLiteral("Trees · 2"), {QStringLiteral("Trees · 2"), QStringLiteral("Trees · 3")}),
           QStringLiteral("Trees · 4"));
  QCOMPARE(titleOfBranch(QStringLiteral("3 · 4 = 12"), {}), QStringLiteral("3 · 4 = 12 · 2"));
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
