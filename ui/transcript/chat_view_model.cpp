#include "ui/transcript/chat_view_model.h"

#include <QLocale>

#include <cmath>

namespace runnel::ui {

namespace {

constexpr qsizetype kTitleLength = 48;

/** The beginning of a message, as a conversation's title. */
QString titleFrom(const QString& text) {
  const QString line = text.left(400).simplified();
  if (line.size() <= kTitleLength) return line;
  const qsizetype space = line.lastIndexOf(QLatin1Char(' '), kTitleLength);
  return line.left(space > kTitleLength / 2 ? space : kTitleLength) + QStringLiteral(" …");
}

app::ChatMessage chatMessageFrom(const app::StoredMessage& message) {
  app::ChatMessage result;
  result.id = message.id;
  result.role = message.role;
  result.text = message.text;
  result.ids = message.ids;
  result.stopReason = message.stopReason;
  return result;
}

}  // namespace

ChatViewModel::ChatViewModel(app::ChatBackend& backend, app::ConversationStore& store, app::Settings& settings,
                             TranscriptModel& transcript, QObject* parent)
    : QObject(parent), m_backend(backend), m_store(store), m_settings(settings), m_transcript(transcript) {
  connect(&m_backend, &app::ChatBackend::promptProgress, this, [this](const app::PromptProgress& progress) {
    m_progress = progress;
    Q_EMIT readingChanged();
  });
  connect(&m_backend, &app::ChatBackend::tokens, this, [this](const app::TokenBatch& batch) {
    m_progress = {};
    Q_EMIT readingChanged();
    m_transcript.appendText(batch.answerId, batch.text);
  });
  connect(&m_backend, &app::ChatBackend::finished, this, [this](const app::TurnStats& stats) {
    m_transcript.finish(stats.answerId, stats.stopReason);
    m_transcript.setStats(stats.answerId, tr("%1 tokens/s · first token %2 s")
                                              .arg(QLocale().toString(stats.tokensPerSecond, 'f', 1),
                                                   QLocale().toString(stats.firstTokenSeconds, 'f', 2)));
    m_answerId = 0;
    m_progress = {};
    Q_EMIT readingChanged();
    Q_EMIT busyChanged();
  });
}

double ChatViewModel::readingShare() const {
  return m_progress.total > 0 ? static_cast<double>(m_progress.done) / static_cast<double>(m_progress.total) : 0;
}

QString ChatViewModel::readingText() const {
  const QLocale locale;
  const QString counts = tr("%1 of %2 tokens").arg(locale.toString(m_progress.done), locale.toString(m_progress.total));
  const QString what = m_progress.anew ? tr("Remembering the conversation: %1").arg(counts)
                                       : tr("Reading your message: %1").arg(counts);
  if (m_progress.secondsLeft < 0) return what;
  return tr("%1 · %2 s left").arg(what, locale.toString(std::ceil(m_progress.secondsLeft), 'f', 0));
}

void ChatViewModel::setDraft(const QString& text) {
  if (text == m_draft) return;
  m_draft = text;
  Q_EMIT draftChanged();
}

QString ChatViewModel::pastedSummary() const {
  const QLocale locale;
  return tr("Pasted text, %1 characters in %n line(s), before your message", "", static_cast<int>(m_pasted.count('\n')) + 1)
      .arg(locale.toString(m_pasted.size()));
}

void ChatViewModel::open(qint64 conversationId) {
  if (!m_draft.isEmpty()) m_drafts.insert(m_conversationId, m_draft);
  m_conversationId = conversationId;
  const QList<app::StoredMessage> messages =
      conversationId > 0 ? m_store.messages(conversationId) : QList<app::StoredMessage>();
  m_transcript.reset(messages);
  QList<app::ChatMessage> known;
  for (const app::StoredMessage& message : messages) known.append(chatMessageFrom(message));
  m_backend.open(conversationId, known);
  suggest(m_drafts.take(conversationId));
  setPasted({});
  Q_EMIT conversationChanged();
}

void ChatViewModel::send(const QString& typed) {
  const QString text = m_pasted.isEmpty() ? typed.trimmed() : (m_pasted + QStringLiteral("\n\n") + typed).trimmed();
  if (busy() || text.isEmpty()) return;
  if (m_conversationId == 0) {
    const auto conversation = m_store.createConversation(titleFrom(text));
    if (!conversation) return;
    m_conversationId = conversation->id;
    Q_EMIT conversationChanged();
  }
  app::StoredMessage message;
  message.conversationId = m_conversationId;
  message.role = app::Role::User;
  message.text = text;
  message.created = QDateTime::currentDateTime();
  const auto id = m_store.appendMessage(message);
  if (!id) return;
  message.id = *id;
  m_transcript.append(message, false);
  app::StoredMessage answer;
  answer.conversationId = m_conversationId;
  answer.role = app::Role::Assistant;
  answer.created = message.created;
  answer.id = m_store.appendMessage(answer).value_or(0);
  m_transcript.append(answer, true);
  m_answerId = answer.id;
  app::TurnRequest turn;
  turn.conversationId = m_conversationId;
  for (const auto& stored : m_store.messages(m_conversationId))
    if (stored.id != answer.id) turn.messages.append(chatMessageFrom(stored));
  turn.answerId = answer.id;
  turn.sampling = m_settings.sampling();
  turn.maxTokens = m_settings.maxTokens();
  m_backend.send(turn);
  suggest({});
  setPasted({});
  Q_EMIT busyChanged();
}

void ChatViewModel::stop() {
  if (busy()) m_backend.stop();
}

bool ChatViewModel::takePasted(const QString& text) {
  if (text.size() <= kLongPaste) return false;
  setPasted(m_pasted.isEmpty() ? text : m_pasted + QStringLiteral("\n\n") + text);
  return true;
}

void ChatViewModel::dropPasted() { setPasted({}); }

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
