#include "ui/transcript/chat_view_model.h"

#include <QLocale>

#include <cmath>
#include <utility>

namespace runnel::ui {

namespace {

QString statsText(const app::TurnStats& stats) {
  const QLocale locale;
  return ChatViewModel::tr("%1 tokens/s · first token %2 s")
      .arg(locale.toString(stats.tokensPerSecond, 'f', 1), locale.toString(stats.firstTokenSeconds, 'f', 2));
}

}  // namespace

ChatViewModel::ChatViewModel(app::ChatBackend& backend, app::ConversationSession& session, TranscriptModel& transcript,
                             QObject* parent)
    : QObject(parent), m_session(session), m_transcript(transcript) {
  connect(&backend, &app::ChatBackend::promptProgress, this, &ChatViewModel::setProgress);
  m_textTimer.setSingleShot(true);
  m_textTimer.setInterval(kTextMilliseconds);
  connect(&m_textTimer, &QTimer::timeout, this, &ChatViewModel::showText);
  connectSession();
}

void ChatViewModel::connectSession() {
  using Session = app::ConversationSession;
  connect(&m_session, &Session::conversationChanged, this, &ChatViewModel::showMessages);
  connect(&m_session, &Session::messageAppended, this, [this](const app::StoredMessage& message) {
    m_transcript.append(message, message.role == app::Role::Assistant);
  });
  connect(&m_session, &Session::messagePinned, &m_transcript, &TranscriptModel::setPinned);
  connect(&m_session, &Session::pinRefused, this, &ChatViewModel::pinRefused);
  connect(&m_session, &Session::messageRemoved, &m_transcript, &TranscriptModel::remove);
  connect(&m_session, &Session::textAppended, this, [this](qint64 id, const QString& text) {
    if (reading()) setProgress({});
    takeText(id, text);
  });
  connect(&m_session, &Session::answerEnded, this,
          [this](const app::StoredMessage& answer, const app::TurnStats& stats) {
            showText();
            m_transcript.finish(answer.id, answer.stopReason);
            if (stats.tokensPerSecond > 0) m_transcript.setStats(answer.id, statsText(stats));
          });
  connect(&m_session, &Session::answerFailed, this, [this](const app::StoredMessage& answer, const QString& message) {
    showText();
    m_transcript.finish(answer.id, app::StopReason::Failed, message);
    if (answer.conversationId != m_session.conversationId()) Q_EMIT failed(message);
  });
  connect(&m_session, &Session::promptReturned, this, [this](qint64 conversationId, const QString& text) {
    if (conversationId == m_session.conversationId() && m_draft.isEmpty())
      restore(text);
    else
      m_drafts.insert(conversationId, text);
  });
  connect(&m_session, &Session::answeringChanged, this, [this] {
    if (m_session.canSend()) setProgress({});
    Q_EMIT busyChanged();
  });
}

void ChatViewModel::takeText(qint64 id, const QString& text) {
  m_lateId = id;
  m_lateText += text;
  if (!m_textTimer.isActive()) showText();
}

void ChatViewModel::showText() {
  if (m_lateText.isEmpty()) return;
  m_transcript.appendText(m_lateId, std::exchange(m_lateText, QString()));
  m_textTimer.start();
}

void ChatViewModel::showMessages() {
  m_lateText.clear();  // it is in the session's messages already
  const QList<app::StoredMessage>& messages = m_session.messages();
  m_transcript.reset(messages, busy() && !messages.isEmpty() ? messages.constLast().id : 0);
}

void ChatViewModel::setProgress(const app::PromptProgress& progress) {
  m_progress = progress;
  Q_EMIT readingChanged();
}

void ChatViewModel::noteSpeed(double tokensPerSecond) {
  if (!busy() || reading() || tokensPerSecond <= 0) return;
  m_transcript.setStats(m_session.messages().constLast().id,
                        tr("%1 tokens/s").arg(QLocale().toString(tokensPerSecond, 'f', 1)));
}

double ChatViewModel::readingShare() const {
  return m_progress.total > 0 ? static_cast<double>(m_progress.done) / static_cast<double>(m_progress.total) : 0;
}

QString ChatViewModel::readingText() const {
  const QLocale locale;
  const QString counts = tr("%1 of %2 tokens").arg(locale.toString(m_progress.done), locale.toString(m_progress.total));
  const QString what =
      m_progress.anew ? tr("Remembering the conversation: %1").arg(counts) : tr("Reading your message: %1").arg(counts);
  if (m_progress.secondsLeft < 0) return what;
  return tr("%1 · %2 s left").arg(what, locale.toString(std::ceil(m_progress.secondsLeft), 'f', 0));
}

void ChatViewModel::setDraft(const QString& text) {
  if (text == m_draft) return;
  m_draft = text;
  Q_EMIT draftChanged();
}

QString ChatViewModel::pastedSummary() const {
  return tr("Pasted text, %1 characters, goes before your message").arg(QLocale().toString(m_pasted.size()));
}

void ChatViewModel::open(qint64 conversationId) {
  if (!m_draft.isEmpty()) m_drafts.insert(m_session.conversationId(), m_draft);
  suggest({});
  setPasted({});
  m_session.open(conversationId);
  suggest(m_drafts.take(conversationId));
}

void ChatViewModel::send(const QString& typed) {
  const QString text = m_pasted.isEmpty() ? typed : m_pasted + QStringLiteral("\n\n") + typed;
  // The draft goes first: a prompt that is stopped at once comes back as a draft.
  const QString draft = std::exchange(m_draft, QString());
  if (m_session.send(text.trimmed())) {
    setPasted({});
    Q_EMIT draftReplaced();
  } else {
    m_draft = draft;
  }
}

void ChatViewModel::continueAnswer() {
  m_session.send(tr("Please continue."));
}

void ChatViewModel::answerAgain() {
  m_session.answerAgain();
}

void ChatViewModel::setPinned(qint64 messageId, bool pinned) {
  m_session.setPinned(messageId, pinned);
}

void ChatViewModel::quoteAgain(qint64 messageId) {
  const QString text = m_transcript.textOf(m_transcript.rowOf(messageId));
  if (m_draft.isEmpty())
    restore(text);
  else
    suggest(text + QStringLiteral("\n\n") + m_draft);
}

void ChatViewModel::stop() {
  if (busy()) m_session.stop();
}

bool ChatViewModel::takePasted(const QString& text) {
  if (text.size() <= kLongPaste) return false;
  setPasted(m_pasted.isEmpty() ? text : m_pasted + QStringLiteral("\n\n") + text);
  return true;
}

void ChatViewModel::dropPasted() {
  setPasted({});
}

void ChatViewModel::restore(const QString& text) {
  if (!takePasted(text)) suggest(text);
}

void ChatViewModel::suggest(const QString& text) {
  setDraft(text);
  Q_EMIT draftReplaced();
}

void ChatViewModel::setPasted(const QString& text) {
  if (text == m_pasted) return;
  m_pasted = text;
  Q_EMIT pastedChanged();
}

}  // namespace runnel::ui
