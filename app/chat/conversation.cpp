#include "app/chat/conversation.h"

#include <QJsonDocument>
#include <QJsonObject>

#include <string>
#include <utility>

namespace runnel::app {

namespace {

constexpr int kSaveEveryMs = 1000;
constexpr qsizetype kTitleWords = 6;
constexpr qsizetype kTitleLength = 60;

ChatMessage chatMessage(const StoredMessage& message) {
  return {.id = message.id,
          .role = message.role,
          .text = message.text,
          .ids = message.ids,
          .prefix = message.prefix,
          .tokenizer = message.tokenizer,
          .stopReason = message.stopReason,
          .isPinned = message.isPinned};
}

}  // namespace

QString titleFrom(const QString& text) {
  const QStringList words = text.left(1000).simplified().split(u' ', Qt::SkipEmptyParts);
  QString title = words.mid(0, kTitleWords).join(u' ');
  const bool isWhole = words.size() <= kTitleWords && title.size() <= kTitleLength;
  if (isWhole) return title.isEmpty() ? ConversationSession::tr("New conversation") : title;
  title.truncate(kTitleLength);
  if (title.back().isHighSurrogate()) title.chop(1);
  return title + QStringLiteral(" …");
}

ConversationSession::ConversationSession(ChatBackend& backend, ConversationStore& store, Settings& settings,
                                         QObject* parent)
    : QObject(parent), m_backend(backend), m_store(store), m_settings(settings) {
  m_saveTimer.setSingleShot(true);
  m_saveTimer.setInterval(kSaveEveryMs);
  connect(&m_saveTimer, &QTimer::timeout, this, &ConversationSession::savePartial);
  connect(&m_backend, &ChatBackend::loaded, this,
          [this](const QString&, const runnel::ModelFacts& facts) { m_model = QString::fromStdString(facts.name); });
  connect(&m_backend, &ChatBackend::tokens, this, &ConversationSession::take);
  connect(&m_backend, &ChatBackend::finished, this, &ConversationSession::finish);
  connect(&m_backend, &ChatBackend::failed, this,
          [this](qint64, qint64 answerId, const QString& message) { fail(answerId, message); });
  connect(&m_backend, &ChatBackend::pinChanged, this,
          [this](qint64, qint64 messageId, bool pinned) { storePin(messageId, pinned); });
  connect(&m_backend, &ChatBackend::pinRefused, this,
          [this](qint64, qint64, const QString& message) { Q_EMIT pinRefused(message); });
  connect(&m_backend, &ChatBackend::promptCancelled, this, [this](qint64, qint64 answerId) { returnPrompt(answerId); });
}

ConversationSession::~ConversationSession() {
  if (!m_live) return;
  m_live->answer.stopReason = StopReason::Stopped;
  m_store.updateMessage(m_live->answer);
}

bool ConversationSession::isAnswering() const {
  return m_live && m_live->answer.conversationId == m_conversationId;
}

bool ConversationSession::isAnsweringElsewhere() const {
  return m_live && m_live->answer.conversationId != m_conversationId;
}

void ConversationSession::open(qint64 conversationId) {
  m_conversationId = conversationId;
  m_messages = conversationId == 0 ? QList<StoredMessage>() : m_store.messages(conversationId);
  if (m_live) replaceShown(m_live->answer);
  QList<ChatMessage> messages;
  for (const StoredMessage& message : std::as_const(m_messages)) messages.append(chatMessage(message));
  m_backend.open(conversationId, messages);
  Q_EMIT conversationChanged();
  Q_EMIT answeringChanged();
}

bool ConversationSession::send(const QString& text) {
  if (!canSend() || text.trimmed().isEmpty() || !ensureStored(text)) return false;
  const std::optional<StoredMessage> question = append(Role::User, text);
  if (!question) return false;
  const std::optional<StoredMessage> answer = append(Role::Assistant, {});
  if (!answer) {
    forget(*question);
    return false;
  }
  m_live = Live{.question = *question, .answer = *answer};
  m_backend.send(requestFor(answer->id));
  Q_EMIT answeringChanged();
  return true;
}

bool ConversationSession::canAnswerAgain() const {
  const qsizetype count = m_messages.size();
  return canSend() && count >= 2 && m_messages.at(count - 1).role == Role::Assistant &&
         m_messages.at(count - 2).role == Role::User;
}

bool ConversationSession::answerAgain() {
  if (!canAnswerAgain()) return false;
  const StoredMessage replaced = m_messages.last();
  const StoredMessage question = m_messages.at(m_messages.size() - 2);
  const std::optional<StoredMessage> answer = append(Role::Assistant, {});
  if (!answer) return false;
  forget(replaced);
  m_live = Live{.question = question, .answer = *answer, .replaced = replaced};
  m_backend.send(requestFor(answer->id));
  Q_EMIT answeringChanged();
  return true;
}

// The system prompt is stored with its conversation: what the model was told must not change under it.
bool ConversationSession::ensureStored(const QString& firstMessage) {
  if (m_conversationId != 0) return true;
  const std::optional<Conversation> made = m_store.createConversation(titleFrom(firstMessage));
  if (!made) return false;
  m_conversationId = made->id;
  m_messages.clear();
  Q_EMIT conversationChanged();
  const QString systemPrompt = m_settings.systemPrompt();
  return systemPrompt.trimmed().isEmpty() || append(Role::System, systemPrompt);
}

std::optional<StoredMessage> ConversationSession::append(Role role, const QString& text) {
  StoredMessage message{.conversationId = m_conversationId,
                        .role = role,
                        .text = text,
                        .model = role == Role::Assistant ? m_model : QString(),
                        .created = QDateTime::currentDateTime()};
  return append(std::move(message));
}

std::optional<StoredMessage> ConversationSession::append(StoredMessage message) {
  const std::optional<qint64> id = m_store.appendMessage(message);
  if (!id) return std::nullopt;
  message.id = *id;
  m_messages.append(message);
  Q_EMIT messageAppended(message);
  return message;
}

TurnRequest ConversationSession::requestFor(qint64 answerId) const {
  TurnRequest request{.conversationId = m_conversationId,
                      .answerId = answerId,
                      .sampling = m_settings.sampling(),
                      .maxTokens = m_settings.maxTokens(),
                      .keepSystem = m_settings.keepSystem()};
  for (const StoredMessage& message : m_messages)
    if (message.id != answerId) request.messages.append(chatMessage(message));
  return request;
}

void ConversationSession::setPinned(qint64 messageId, bool pinned) {
  m_backend.setPinned(m_conversationId, messageId, pinned);
}

void ConversationSession::storePin(qint64 messageId, bool pinned) {
  if (!m_store.setPinned(messageId, pinned)) return;
  if (m_live && m_live->question.id == messageId) m_live->question.isPinned = pinned;
  for (StoredMessage& message : m_messages)
    if (message.id == messageId) message.isPinned = pinned;
  Q_EMIT messagePinned(messageId, pinned);
}

void ConversationSession::stop() {
  if (m_live) m_backend.stop();
}

bool ConversationSession::rename(qint64 conversationId, const QString& title) {
  return m_store.renameConversation(conversationId, title);
}

bool ConversationSession::remove(qint64 conversationId) {
  if (m_live && m_live->answer.conversationId == conversationId) {
    endLive();  // what the backend still says about it finds nobody
    m_backend.stop();
  }
  const bool removed = m_store.removeConversation(conversationId);
  if (removed) Q_EMIT conversationRemoved(conversationId);
  if (conversationId == m_conversationId)
    open(removed ? 0 : conversationId);
  else
    Q_EMIT answeringChanged();
  return removed;
}

void ConversationSession::take(const TokenBatch& batch) {
  if (!m_live || batch.answerId != m_live->answer.id) return;
  m_live->answer.text += batch.text;
  m_live->answer.ids += batch.ids;
  if (!m_saveTimer.isActive()) m_saveTimer.start();
  replaceShown(m_live->answer);
  if (isAnswering()) Q_EMIT textAppended(batch.answerId, batch.text);
}

void ConversationSession::finish(const TurnStats& stats) {
  if (!m_live || stats.answerId != m_live->answer.id) return;
  auto [question, answer, replaced] = endLive();
  question.ids = stats.promptIds;
  question.prefix = stats.promptPrefix;
  question.tokenizer = stats.tokenizer;
  question.model = m_model;
  answer.ids = stats.answerIds;
  answer.tokenizer = stats.tokenizer;
  answer.model = m_model;
  answer.settings = settingsJson(stats);
  answer.stopReason = stats.stopReason;
  m_store.updateMessage(question);
  m_store.updateMessage(answer);
  replaceShown(question);
  replaceShown(answer);
  Q_EMIT answerEnded(answer, stats);
  Q_EMIT answeringChanged();
}

void ConversationSession::fail(qint64 answerId, const QString& message) {
  if (!m_live || answerId != m_live->answer.id) return;
  StoredMessage answer = endLive().answer;
  answer.stopReason = StopReason::Failed;
  m_store.updateMessage(answer);
  replaceShown(answer);
  Q_EMIT answerFailed(answer, message);
  Q_EMIT answeringChanged();
}

void ConversationSession::returnPrompt(qint64 answerId) {
  if (!m_live || answerId != m_live->answer.id) return;
  const auto [question, answer, replaced] = endLive();
  const qint64 conversation = question.conversationId;
  forget(answer);
  if (replaced) {
    restore(*replaced);
    Q_EMIT answeringChanged();
    return;
  }
  forget(question);
  const QList<StoredMessage> left = m_store.messages(conversation);
  const bool isEmpty = left.isEmpty() || (left.size() == 1 && left.first().role == Role::System);
  if (isEmpty && m_store.removeConversation(conversation)) Q_EMIT conversationRemoved(conversation);
  if (isEmpty && conversation == m_conversationId) {
    open(0);
    Q_EMIT promptReturned(0, question.text);
    return;
  }
  Q_EMIT promptReturned(conversation, question.text);
  Q_EMIT answeringChanged();
}

// Under another id: what caches know of the old one is of an answer that has been taken back.
void ConversationSession::restore(const StoredMessage& answer) {
  if (answer.conversationId == m_conversationId)
    append(answer);
  else
    m_store.appendMessage(answer);
}

void ConversationSession::savePartial() {
  if (m_live && !m_live->answer.text.isEmpty()) m_store.updateMessage(m_live->answer);
}

ConversationSession::Live ConversationSession::endLive() {
  m_saveTimer.stop();
  return std::exchange(m_live, std::nullopt).value_or(Live{});
}

void ConversationSession::replaceShown(const StoredMessage& message) {
  // The newest messages change, so they are looked for from the end.
  for (auto shown = m_messages.rbegin(); shown != m_messages.rend(); ++shown) {
    if (shown->id != message.id) continue;
    *shown = message;
    return;
  }
}

void ConversationSession::forget(const StoredMessage& message) {
  m_store.removeMessage(message.id);
  const qsizetype before = m_messages.size();
  m_messages.removeIf([&](const StoredMessage& shown) { return shown.id == message.id; });
  if (m_messages.size() != before) Q_EMIT messageRemoved(message.id);
}

QString ConversationSession::settingsJson(const TurnStats& stats) const {
  const runnel::SamplerSettings sampling = m_settings.sampling();
  const runnel::CacheSettings cache = m_settings.cache();
  const QJsonObject json{
      {QStringLiteral("seed"), QString::number(stats.seed)},
      {QStringLiteral("temperature"), sampling.temperature},
      {QStringLiteral("top_k"), sampling.top_k},
      {QStringLiteral("top_p"), sampling.top_p},
      {QStringLiteral("min_p"), sampling.min_p},
      {QStringLiteral("repetition_penalty"), sampling.repetition_penalty},
      {QStringLiteral("repetition_window"), sampling.repetition_window},
      {QStringLiteral("ctx_size"), cache.ctx_size},
      {QStringLiteral("n_keep"), cache.n_keep},
      {QStringLiteral("n_discard"), cache.n_discard},
      {QStringLiteral("kv_type"), QString::fromUtf8(runnel::name_of(cache.kv_type).data())},
  };
  return QString::fromUtf8(QJsonDocument(json).toJson(QJsonDocument::Compact));
}

}  // namespace runnel::app
