#pragma once

#include <QByteArray>
#include <QList>

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

/** Forgets what was fed from position `fed` on, and which message a cut went through. */
void cutBack(CachedConversation& cached, qint64 fed);

/** As a snapshot of the cache carries it along. */
QByteArray packed(const CachedConversation& cached);

/** Nothing when the bytes are not what `packed` gives. */
std::optional<CachedConversation> unpacked(const QByteArray& bytes);

}  // namespace runnel::app
