#include "app/chat/conversation.h"

#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>

#include <algorithm>
#include <iterator>
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

QString titleOfBranch(const QString& title, const QStringList& taken) {
  static const QRegularExpression kNumber(QStringLiteral(" · [0-9]+$"));
  const QString base = QString(title).remove(kNumber);
  for (int number = 2;; ++number) {
    const QString branch = base + QStringLiteral(" · %1").arg(number);
    if (!taken.contains(branch)) return branch;
  }
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
  const bool isOnlyAgain = !m_live->replaced.isEmpty() && m_live->replaced.first().role == Role::Assistant;
  if (isOnlyAgain) {
    m_store.removeMessages({m_live->answer.id});
    return;
  }
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
  if (m_live) {
    replaceShown(m_live->answer);
    takeOut(m_live->replaced);
  }
  QList<ChatMessage> messages;
  for (const StoredMessage& message : std::as_const(m_messages)) messages.append(chatMessage(message));
  m_backend.open(conversationId, messages);
  Q_EMIT conversationChanged();
  Q_EMIT answeringChanged();
}

bool ConversationSession::send(const QString& text) {
  return canSend() && !text.trimmed().isEmpty() && ensureStored(text) && sendInPlaceOf({}, text);
}

bool ConversationSession::edit(qint64 messageId, const QString& text) {
  const qsizetype index = indexOf(messageId);
  const bool isOurs = index >= 0 && m_messages.at(index).role == Role::User;
  return isOurs && canSend() && !text.trimmed().isEmpty() && sendInPlaceOf(m_messages.mid(index), text);
}

bool ConversationSession::sendInPlaceOf(const QList<StoredMessage>& replaced, const QString& text) {
  const std::optional<StoredMessage> question = append(Role::User, text);
  if (!question) return false;
  const std::optional<StoredMessage> answer = append(Role::Assistant, {});
  if (!answer) {
    forget({*question});
    return false;
  }
  m_live = Live{.question = *question, .answer = *answer, .replaced = replaced};
  if (!replaced.isEmpty()) {
    takeOut(replaced);
    Q_EMIT conversationChanged();
  }
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
  hide({replaced});
  m_live = Live{.question = question, .answer = *answer, .replaced = {replaced}};
  m_backend.send(requestFor(answer->id));
  Q_EMIT answeringChanged();
  return true;
}

bool ConversationSession::removeFrom(qint64 messageId) {
  const qsizetype index = indexOf(messageId);
  if (!canSend() || index < 0) return false;
  const bool isAll = index == 0 || (index == 1 && m_messages.first().role == Role::System);
  if (isAll) return remove(m_conversationId);
  if (!forget(m_messages.mid(index))) return false;
  m_backend.forgetAfter(m_conversationId, m_messages.last().id);
  Q_EMIT answeringChanged();
  return true;
}

bool ConversationSession::branch(qint64 messageId) {
  const qsizetype index = indexOf(messageId);
  if (!canSend() || index < 0) return false;
  QStringList titles;
  for (const Conversation& conversation : m_store.conversations()) titles.append(conversation.title);
  const QString title = titleOfBranch(m_store.title(m_conversationId), titles);
  const std::optional<Branch> made = m_store.branch(m_conversationId, messageId, title);
  if (!made) return false;
  m_backend.branch(m_conversationId, m_messages.last().id, made->conversationId, made->messages);
  open(made->conversationId);
  return true;
}

qsizetype ConversationSession::indexOf(qint64 messageId) const {
  const auto found = std::ranges::find(m_messages, messageId, &StoredMessage::id);
  return found == m_messages.end() ? -1 : std::distance(m_messages.begin(), found);
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
  if (m_live)
    for (StoredMessage& message : m_live->replaced)
      if (message.id == messageId) message.isPinned = pinned;
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
  dropReplaced();
  m_live->answer.text += batch.text;
  m_live->answer.ids += batch.ids;
  if (!m_saveTimer.isActive()) m_saveTimer.start();
  replaceShown(m_live->answer);
  if (isAnswering()) Q_EMIT textAppended(batch.answerId, batch.text);
}

void ConversationSession::finish(const TurnStats& stats) {
  if (!m_live || stats.answerId != m_live->answer.id) return;
  dropReplaced();
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
  const Live live = endLive();
  StoredMessage answer = live.answer;
  answer.stopReason = StopReason::Failed;
  if (live.replaced.isEmpty()) {
    m_store.updateMessage(answer);
    replaceShown(answer);
  } else {
    takeBack(live);
  }
  Q_EMIT answerFailed(answer, message);
  Q_EMIT answeringChanged();
}

void ConversationSession::returnPrompt(qint64 answerId) {
  if (!m_live || answerId != m_live->answer.id) return;
  const Live live = endLive();
  const qint64 conversation = live.question.conversationId;
  if (!live.replaced.isEmpty()) {
    takeBack(live);
    Q_EMIT answeringChanged();
    return;
  }
  forget({live.question, live.answer});
  const QList<StoredMessage> left = m_store.messages(conversation);
  const bool isEmpty = left.isEmpty() || (left.size() == 1 && left.first().role == Role::System);
  if (isEmpty && m_store.removeConversation(conversation)) Q_EMIT conversationRemoved(conversation);
  if (isEmpty && conversation == m_conversationId) {
    open(0);
    Q_EMIT promptReturned(0, live.question.text, 0);
    return;
  }
  Q_EMIT promptReturned(conversation, live.question.text, 0);
  Q_EMIT answeringChanged();
}

// Nothing was answered, so that what was to be replaced is still stored. It is shown again by one signal: views of
// Qt 6.4 don't survive rows that go and come within one event.
void ConversationSession::takeBack(const Live& live) {
  const qint64 conversation = live.answer.conversationId;
  const StoredMessage& first = live.replaced.first();
  const bool isEdit = first.role == Role::User;
  m_store.removeMessages(isEdit ? QList{live.question.id, live.answer.id} : QList{live.answer.id});
  if (conversation == m_conversationId) {
    m_messages = m_store.messages(conversation);
    Q_EMIT conversationChanged();
  }
  if (isEdit) Q_EMIT promptReturned(conversation, live.question.text, first.id);
}

void ConversationSession::dropReplaced() {
  QList<qint64> ids;
  for (const StoredMessage& message : std::as_const(m_live->replaced)) ids.append(message.id);
  m_store.removeMessages(ids);
  m_live->replaced.clear();
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

bool ConversationSession::forget(const QList<StoredMessage>& messages) {
  QList<qint64> ids;
  for (const StoredMessage& message : messages) ids.append(message.id);
  const bool isRemoved = m_store.removeMessages(ids);
  if (isRemoved) hide(messages);
  return isRemoved;
}

void ConversationSession::takeOut(const QList<StoredMessage>& messages) {
  const auto isOne = [&](const StoredMessage& shown) {
    return std::ranges::find(messages, shown.id, &StoredMessage::id) != messages.end();
  };
  m_messages.removeIf(isOne);
}

void ConversationSession::hide(const QList<StoredMessage>& messages) {
  takeOut(messages);
  for (const StoredMessage& message : messages)
    if (message.conversationId == m_conversationId) Q_EMIT messageRemoved(message.id);
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
      {QStringLiteral("whole_messages"), cache.whole_messages},
  };
  return QString::fromUtf8(QJsonDocument(json).toJson(QJsonDocument::Compact));
}

}  // namespace runnel::app
