#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>
#include <QTimer>

#include "app/chat/chat_backend.h"
#include "app/chat/conversation.h"
#include "ui/transcript/drafts.h"
#include "ui/transcript/transcript_model.h"

namespace runnel::ui {

/**
 * The open conversation as the composer sees it: what is being written, whether an answer is on its way, and how far a
 * prompt has been read. Lives on the window's thread.
 */
class ChatViewModel : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(bool busy READ busy NOTIFY busyChanged)
  Q_PROPERTY(bool waiting READ waiting NOTIFY busyChanged)
  Q_PROPERTY(bool reading READ reading NOTIFY readingChanged)
  Q_PROPERTY(double readingShare READ readingShare NOTIFY readingChanged)
  Q_PROPERTY(QString readingText READ readingText NOTIFY readingChanged)
  Q_PROPERTY(QString draft READ draft WRITE setDraft NOTIFY draftChanged)
  Q_PROPERTY(bool editing READ editing NOTIFY editingChanged)
  Q_PROPERTY(QString editingSummary READ editingSummary NOTIFY editingSummaryChanged)
  Q_PROPERTY(QString pasted READ pasted NOTIFY pastedChanged)
  Q_PROPERTY(QString pastedSummary READ pastedSummary NOTIFY pastedChanged)

 public:
  /** The answer grows at most this often: a fast model writes more tokens than anybody sees frames. */
  static constexpr int kTextMilliseconds = 30;

  ChatViewModel(app::ChatBackend& backend, app::ConversationSession& session, TranscriptModel& transcript,
                QObject* parent = nullptr);

  /** An answer to this conversation is on its way. */
  bool busy() const { return m_session.isAnswering(); }
  /** Another conversation is being answered; this one's turn comes afterwards. */
  bool waiting() const { return m_session.isAnsweringElsewhere(); }
  bool reading() const { return m_progress.total > 0; }
  double readingShare() const;
  QString readingText() const;
  QString draft() const { return m_drafts.current().typed; }
  void setDraft(const QString& text);
  /** What is sent next takes the place of a message, and of all that came after it. */
  bool editing() const { return m_drafts.edited() != 0; }
  QString editingSummary() const;
  QString pasted() const { return m_drafts.current().pasted; }
  QString pastedSummary() const;

  /** Shows a conversation; 0: a new one, which is made when its first message is sent. */
  void open(qint64 conversationId);

  /** Shows the speed at which the present answer is written. */
  void noteSpeed(double tokensPerSecond);

  Q_INVOKABLE void send(const QString& text);
  /** Asks the model to go on where its answer reached the limit. */
  Q_INVOKABLE void continueAnswer();
  /** Has the last answer written anew. */
  Q_INVOKABLE void answerAgain();
  /** Puts a message's text before the draft: what becomes of it is to take the message's place. */
  Q_INVOKABLE void edit(qint64 messageId);
  /** Leaves that message as it is; what was written for it is there when it is edited again. */
  Q_INVOKABLE void cancelEdit();
  /** Opens a new conversation that begins with the messages up to this one. */
  Q_INVOKABLE void branch(qint64 messageId);
  /** Takes a message, and all that came after it, out of the conversation. */
  Q_INVOKABLE void removeFrom(qint64 messageId);
  /** Keeps a message in memory for ever, or lets it roll out again. */
  Q_INVOKABLE void setPinned(qint64 messageId, bool pinned);
  /** Puts a message's text before the draft, to be sent once more. */
  Q_INVOKABLE void quoteAgain(qint64 messageId);
  Q_INVOKABLE void stop();
  /** Keeps `text` beside the draft when it is long; false when it is short enough to be typed text. */
  Q_INVOKABLE bool takePasted(const QString& text);
  Q_INVOKABLE void dropPasted();
  /** Makes `text` the draft, as if it had been typed. */
  Q_INVOKABLE void suggest(const QString& text);

 Q_SIGNALS:
  void busyChanged();
  void readingChanged();
  void draftChanged();
  void draftReplaced();
  void editingChanged();
  void editingSummaryChanged();
  void pastedChanged();
  void failed(const QString& message);
  void pinRefused(const QString& message);

 private:
  void connectSession();
  void showMessages();
  void takeText(qint64 id, const QString& text);
  void showText();
  void setPasted(const QString& text);
  void showDraft();
  void setProgress(const app::PromptProgress& progress);

  app::ConversationSession& m_session;
  TranscriptModel& m_transcript;
  app::PromptProgress m_progress;
  qint64 m_lateId = 0;
  QString m_lateText;  // arrived since the transcript was changed last
  QTimer m_textTimer;
  Drafts m_drafts;
  qint64 m_shownEdit = 0;
};

}  // namespace runnel::ui
