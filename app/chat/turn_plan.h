#pragma once

#include <QList>

#include <vector>

#include "app/chat/cached_conversation.h"
#include "app/chat/chat_format.h"
#include "app/chat/chat_values.h"

namespace runnel::app {

/** What a turn does to the cache before the answer is sampled. */
struct TurnPlan {
  bool anew = false;                  //!< everything is forgotten first
  qint64 backTo = 0;                  //!< how many of the tokens fed before stay
  std::vector<runnel::Token> tokens;  //!< fed then
  QList<MessageSpan> spans;           //!< of the whole conversation once they are fed
  qint64 prefix = 0;                  //!< of the whole conversation: tokens before the first user message's text

  qint64 promptFirst = 0;   //!< position of the first token that is stored with the user's new message
  qint64 promptPrefix = 0;  //!< of these tokens, how many precede the first user message's text
};

/**
 * Decides what to feed for a turn (DESIGN §2.9 and §2.14): what is in the cache is never fed again; where the request
 * leaves the cached conversation, the cache goes back to there; and what can't be continued is made anew from the
 * stored ids of what precedes the first user message's text, of the pinned messages, and of the newest whole exchanges
 * that fit into the cache besides.
 * Pure: the same cache and request give the same plan.
 */
class TurnPlanner {
 public:
  /** `ctxSize`: capacity of the cache in tokens. */
  TurnPlanner(const ChatFormat& format, int ctxSize) : m_format(format), m_ctxSize(ctxSize) {}

  /** Throws Error when the template can't write the conversation, or when it doesn't end with a user's message. */
  TurnPlan plan(const CachedConversation& cached, const TurnRequest& request) const;

  /** The same for an empty cache. */
  TurnPlan planAnew(const TurnRequest& request) const;

  /** For a cache that must be made anew between turns: what of `cached` to feed into an empty one. */
  TurnPlan planAgain(const CachedConversation& cached) const;

 private:
  qint64 mostPinned(qint64 prefix) const;

  const ChatFormat& m_format;
  int m_ctxSize;
};

}  // namespace runnel::app
