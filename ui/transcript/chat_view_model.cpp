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
    m_transcript.append(message, message.role == app::Role::Assistant && message.stopReason == app::StopReason::None);
  });
  connect(&m_transcript, &TranscriptModel::countChanged, this, &ChatViewModel::editingSummaryChanged);
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
    if (m_transcript.rowOf(answer.id) < 0) Q_EMIT failed(message);
  });
  connect(&m_session, &Session::promptReturned, this,
          [this](qint64 conversationId, const QString& text, qint64 edited) {
            if (edited != 0)
              m_drafts.giveBackEdit(conversationId, edited, draftOf(text));
            else
              m_drafts.giveBack(conversationId, draftOf(text));
            showDraft();
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
  m_drafts.open(m_session.conversationId());
  m_lateText.clear();  // it is in the session's messages already
  const QList<app::StoredMessage>& messages = m_session.messages();
  m_transcript.reset(messages, busy() && !messages.isEmpty() ? messages.constLast().id : 0);
  showDraft();
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
  if (text == draft()) return;
  m_drafts.setTyped(text);
  Q_EMIT draftChanged();
}

QString ChatViewModel::pastedSummary() const {
  return tr("Pasted text, %1 characters, goes before your message").arg(QLocale().toString(pasted().size()));
}

void ChatViewModel::open(qint64 conversationId) {
  m_session.open(conversationId);
}

void ChatViewModel::send(const QString& typed) {
  m_drafts.setTyped(typed);
  if (const qint64 edited = m_drafts.edited(); edited != 0) {
    if (m_session.edit(edited, m_drafts.current().whole().trimmed())) m_drafts.drop();
  } else {
    const Draft sent = m_drafts.take();
    if (!m_session.send(sent.whole().trimmed())) m_drafts.giveBack(m_session.conversationId(), sent);
  }
  showDraft();
}

void ChatViewModel::continueAnswer() {
  m_session.send(tr("Please continue."));
}

void ChatViewModel::answerAgain() {
  m_session.answerAgain();
}

QString ChatViewModel::editingSummary() const {
  const int after = m_transcript.count() - 1 - m_transcript.rowOf(m_drafts.edited());
  return after > 0 ? tr("Edits a message: it and the %n after it are replaced", "", after) : tr("Edits a message");
}

void ChatViewModel::edit(qint64 messageId) {
  m_drafts.beginEdit(messageId, m_transcript.textOf(m_transcript.rowOf(messageId)));
  showDraft();
}

void ChatViewModel::cancelEdit() {
  m_drafts.leaveEdit();
  showDraft();
}

void ChatViewModel::branch(qint64 messageId) {
  m_session.branch(messageId);
}

void ChatViewModel::removeFrom(qint64 messageId) {
  cancelEdit();
  m_session.removeFrom(messageId);
}

void ChatViewModel::setPinned(qint64 messageId, bool pinned) {
  m_session.setPinned(messageId, pinned);
}

void ChatViewModel::quoteAgain(qint64 messageId) {
  cancelEdit();
  m_drafts.giveBack(m_session.conversationId(), draftOf(m_transcript.textOf(m_transcript.rowOf(messageId))));
  showDraft();
}

void ChatViewModel::stop() {
  if (busy()) m_session.stop();
}

bool ChatViewModel::takePasted(const QString& text) {
  if (text.size() <= kLongPaste) return false;
  setPasted(pasted().isEmpty() ? text : pasted() + QStringLiteral("\n\n") + text);
  return true;
}

void ChatViewModel::dropPasted() {
  setPasted({});
}

void ChatViewModel::suggest(const QString& text) {
  m_drafts.setTyped(text);
  showDraft();
}

void ChatViewModel::setPasted(const QString& text) {
  if (text == pasted()) return;
  m_drafts.setPasted(text);
  Q_EMIT pastedChanged();
}

void ChatViewModel::showDraft() {
  Q_EMIT draftChanged();
  Q_EMIT draftReplaced();
  Q_EMIT pastedChanged();
  if (std::exchange(m_shownEdit, m_drafts.edited()) != m_drafts.edited()) Q_EMIT editingChanged();
  Q_EMIT editingSummaryChanged();
}

}  // namespace runnel::ui
