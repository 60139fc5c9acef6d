#include "app/chat/cached_conversation.h"

#include <QDataStream>
#include <QIODevice>

#include <algorithm>
#include <utility>

#include "app/store/token_blob.h"

namespace runnel::app {

namespace {

constexpr quint32 kVersion = 1;
constexpr auto kStreamVersion = QDataStream::Qt_6_4;

bool isSound(const CachedConversation& cached) {
  const auto fed = static_cast<qint64>(cached.ids.size());
  qint64 end = 0;
  for (const MessageSpan& span : cached.spans) {
    if (span.first < end || span.end < span.first) return false;
    end = span.end;
  }
  return end <= fed && cached.prefix >= 0 && cached.prefix <= fed;
}

}  // namespace

qint64 beginOf(const MessageSpan& span, qint64 answerOpening) {
  return span.role == Role::Assistant ? std::max<qint64>(0, span.first - answerOpening) : span.first;
}

void cutBack(CachedConversation& cached, qint64 fed) {
  cached.ids.resize(static_cast<std::size_t>(fed));
  while (!cached.spans.isEmpty() && cached.spans.last().end > fed) cached.spans.removeLast();
  if (cached.spans.isEmpty()) cached = {};
}

std::optional<qint64> endOf(const CachedConversation& cached, qint64 messageId) {
  const auto span = std::ranges::find(cached.spans, messageId, &MessageSpan::messageId);
  return span == cached.spans.end() ? std::nullopt : std::optional(span->end);
}

bool becomeBranch(CachedConversation& cached, qint64 conversationId, const QHash<qint64, qint64>& messages,
                  const std::function<void(qint64 fed)>& goBack) {
  QList<MessageSpan> spans;
  for (MessageSpan span : std::as_const(cached.spans)) {
    const bool isTemplates = span.messageId == 0 && spans.isEmpty();
    if (!isTemplates && !messages.contains(span.messageId)) break;
    span.messageId = messages.value(span.messageId);
    spans.append(span);
  }
  if (spans.size() < 2) return false;
  goBack(spans.last().end);
  if (cached.spans.isEmpty()) return true;
  cached.conversationId = conversationId;
  cached.spans = spans;
  return true;
}

QByteArray packed(const CachedConversation& cached) {
  QByteArray bytes;
  QDataStream out(&bytes, QIODevice::WriteOnly);
  out.setVersion(kStreamVersion);
  out << kVersion << cached.conversationId << cached.prefix
      << packIds(QList<qint32>(cached.ids.begin(), cached.ids.end())) << static_cast<qint64>(cached.spans.size());
  for (const MessageSpan& span : cached.spans)
    out << span.messageId << static_cast<qint32>(span.role) << span.first << span.end << span.isPinned;
  return bytes;
}

std::optional<CachedConversation> unpacked(const QByteArray& bytes) {
  QDataStream in(bytes);
  in.setVersion(kStreamVersion);
  quint32 version = 0;
  QByteArray ids;
  qint64 spans = 0;
  CachedConversation cached;
  in >> version >> cached.conversationId >> cached.prefix >> ids >> spans;
  if (version != kVersion) return std::nullopt;
  const QList<qint32> fed = unpackIds(ids);
  cached.ids.assign(fed.begin(), fed.end());
  for (; spans > 0 && in.status() == QDataStream::Ok; --spans) {
    MessageSpan span;
    qint32 role = 0;
    in >> span.messageId >> role >> span.first >> span.end >> span.isPinned;
    if (role < static_cast<qint32>(Role::System) || role > static_cast<qint32>(Role::Assistant)) return std::nullopt;
    span.role = static_cast<Role>(role);
    cached.spans.append(span);
  }
  if (in.status() != QDataStream::Ok || !in.atEnd() || !isSound(cached)) return std::nullopt;
  return cached;
}

}  // namespace runnel::app
