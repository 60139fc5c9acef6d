#pragma once

#include <QElapsedTimer>
#include <QList>
#include <QObject>
#include <QString>
#include <QTimer>

#include <optional>

#include "app/chat/chat_backend.h"
#include "app/settings/settings.h"
#include "app/store/conversation_store.h"

namespace runnel::app {

/** The first words of a message, as a conversation's title; never empty. */
QString titleFrom(const QString& text);

/** The title of a conversation that branches off one with this title: the same with a number, the first that is not
 *  among `taken`. */
QString titleOfBranch(const QString& title, const QStringList& taken);

/**
 * The open conversation: what the user does goes to the store first and then to the backend, what the backend answers
 * goes to the store and then to whoever listens. A message is on disk before it is answered; an answer that is being
 * written is saved every second. One answer is written at a time; it goes on when another conversation is opened.
 *
 * Lives on the window's thread. The store announces by its own signal what it can't write.
 */
class ConversationSession : public QObject {
  Q_OBJECT

 public:
  ConversationSession(ChatBackend& backend, ConversationStore& store, Settings& settings, QObject* parent = nullptr);
  ~ConversationSession() override;

  qint64 conversationId() const { return m_conversationId; }           //!< 0: a new one, not yet stored
  const QList<StoredMessage>& messages() const { return m_messages; }  //!< of the open conversation, oldest first

  bool isAnswering() const;           //!< an answer to a message of the open conversation is on its way
  bool isAnsweringElsewhere() const;  //!< … of another conversation
  bool canSend() const { return !m_live; }

  /** Shows a conversation; 0: a new one, which is stored with its first message. */
  void open(qint64 conversationId);

  /** Stores the message and has it answered. False when nothing was sent: an empty text, an answer on its way, a store
   *  that can't be written. */
  bool send(const QString& text);

  /** Whether the last message is an answer that can be written anew. */
  bool canAnswerAgain() const;

  /** Has the last answer written anew, in place of the one there is. False when there is none or it can't be sent. */
  bool answerAgain();

  /** Has another text answered in place of a message that the user wrote, and of all that came after it. False when
   *  nothing was sent. */
  bool edit(qint64 messageId, const QString& text);

  /** Takes a message and all that came after it out of the open conversation, for ever; a conversation without messages
   *  goes. False while an answer is on its way. */
  bool removeFrom(qint64 messageId);

  /** Opens a new conversation with copies of the messages up to this one, of which the model remembers what it does
   *  here. False while an answer is on its way, or when the store can't be written. */
  bool branch(qint64 messageId);

  /** Keeps a message of the open conversation in the cache for ever, or lets it roll out again. Ends in
   *  `messagePinned` or `pinRefused`. */
  void setPinned(qint64 messageId, bool pinned);

  /** Stops the answer on its way, in whichever conversation. */
  void stop();

  bool rename(qint64 conversationId, const QString& title);

  /** Removes a conversation, stopping its answer; when it is the open one, a new one is shown. */
  bool remove(qint64 conversationId);

 Q_SIGNALS:
  void conversationChanged();  //!< another conversation is open, or it was stored; `messages` are others
  void messageAppended(const runnel::app::StoredMessage& message);
  void messageRemoved(qint64 id);
  void textAppended(qint64 messageId, const QString& text);
  void answerEnded(const runnel::app::StoredMessage& answer, const runnel::app::TurnStats& stats);
  void answerFailed(const runnel::app::StoredMessage& answer, const QString& message);
  void conversationRemoved(qint64 conversationId);
  void messagePinned(qint64 id, bool pinned);
  void pinRefused(const QString& message);
  void answeringChanged();  //!< isAnswering, isAnsweringElsewhere, canSend

  /** The prompt was stopped before it was read, or an edit failed: its messages are gone, the text goes back to the
   *  composer. `edited`: the message whose place it was to take, which is there again; 0: none. */
  void promptReturned(qint64 conversationId, const QString& text, qint64 edited);

 private:
  /** The answer on its way. */
  struct Live {
    StoredMessage question;
    StoredMessage answer;
    /** What this answer, or it and its question, take the place of: no longer shown, and stored until the answer
     *  begins. */
    QList<StoredMessage> replaced = {};
  };

  bool sendInPlaceOf(const QList<StoredMessage>& replaced, const QString& text);
  qsizetype indexOf(qint64 messageId) const;
  bool ensureStored(const QString& firstMessage);
  std::optional<StoredMessage> append(Role role, const QString& text);
  std::optional<StoredMessage> append(StoredMessage message);
  TurnRequest requestFor(qint64 answerId) const;
  void take(const TokenBatch& batch);
  void finish(const TurnStats& stats);
  void fail(qint64 answerId, const QString& message);
  void returnPrompt(qint64 answerId);
  void savePartial();
  Live endLive();
  void replaceShown(const StoredMessage& message);
  bool forget(const QList<StoredMessage>& messages);
  void takeOut(const QList<StoredMessage>& messages);
  void hide(const QList<StoredMessage>& messages);
  void dropReplaced();
  void takeBack(const Live& live);
  void storePin(qint64 messageId, bool pinned);
  QString settingsJson(const TurnStats& stats) const;

  ChatBackend& m_backend;
  ConversationStore& m_store;
  Settings& m_settings;
  qint64 m_conversationId = 0;
  QList<StoredMessage> m_messages;
  std::optional<Live> m_live;
  QTimer m_saveTimer;
  QString m_model;
};

}  // namespace runnel::app
