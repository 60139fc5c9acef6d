#pragma once

#include <QByteArray>
#include <QHash>
#include <QList>

#include <functional>
#include <optional>
#include <vector>

#include "app/chat/chat_values.h"

namespace runnel::app {

/** Which conversation a cache was fed, token by token. */
struct CachedConversation {
  qint64 conversationId = 0;
  std::vector<runnel::Token> ids;  //!< every token fed since the cache was empty; the index is the original position
  QList<MessageSpan> spans;        //!< in order; the template's own system text has messageId 0
  qint64 prefix = 0;               //!< tokens before the text of the conversation's first user message
};

/** Where the tokens of a message begin, the template's own included: an answer's stand with the message before it.
 *  `answerOpening`: ChatFormat::answerOpening. */
qint64 beginOf(const MessageSpan& span, qint64 answerOpening);

/** Forgets what was fed from position `fed` on, and which message a cut went through. */
void cutBack(CachedConversation& cached, qint64 fed);

/** One past the last token of a message; nothing when it is not cached. */
std::optional<qint64> endOf(const CachedConversation& cached, qint64 messageId);

/** Makes what is cached of a conversation that of another, which begins with those of its messages that have an id in
 *  `messages`. `goBack` is called with how many tokens stay, and empties `cached` where it can't go there. Whether the
 *  other conversation has anything of it; if not, nothing has changed. */
bool becomeBranch(CachedConversation& cached, qint64 conversationId, const QHash<qint64, qint64>& messages,
                  const std::function<void(qint64 fed)>& goBack);

/** As a snapshot of the cache carries it along. */
QByteArray packed(const CachedConversation& cached);

/** Nothing when the bytes are not what `packed` gives. */
std::optional<CachedConversation> unpacked(const QByteArray& bytes);

}  // namespace runnel::app
