#include "app/chat/turn_plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>

#include "runnel/error.h"

namespace runnel::app {

namespace {

using Messages = QList<ChatMessage>;
using Tokens = std::vector<runnel::Token>;

/** A message's tokens as they were, or would have been, fed. */
struct Part {
  qint64 messageId = 0;
  Role role = Role::User;
  Tokens tokens;
  bool isPinned = false;
};

const char* roleName(Role role) {
  switch (role) {
    case Role::System:
      return "system";
    case Role::User:
      return "user";
    case Role::Assistant:
      return "assistant";
  }
  return "user";
}

std::vector<runnel::Message> forTemplate(const Messages& messages) {
  std::vector<runnel::Message> result;
  result.reserve(static_cast<std::size_t>(messages.size()));
  for (const ChatMessage& message : messages) result.push_back({roleName(message.role), message.text.toStdString()});
  return result;
}

/** At most one system message, then user and assistant in turn, a user's last: what every template accepts. An answer
 *  that is missing is an empty one, with the id 0. */
Messages inTurn(const Messages& messages) {
  Messages result;
  for (const ChatMessage& message : messages) {
    const bool afterUser = !result.isEmpty() && result.last().role == Role::User;
    if (message.role == Role::System && !result.isEmpty()) continue;
    if (message.role == Role::Assistant && !afterUser) continue;
    if (message.role == Role::User && afterUser) result.append(ChatMessage{.role = Role::Assistant});
    result.append(message);
  }
  if (result.isEmpty() || result.last().role != Role::User)
    throw runnel::Error("There is no message to answer; write one.");
  return result;
}

qsizetype firstUserOf(const Messages& messages) {
  return messages.first().role == Role::System ? 1 : 0;
}

qint64 systemIdOf(const Messages& messages) {
  return messages.first().role == Role::System ? messages.first().id : 0;
}

std::optional<runnel::Token> lastOf(const Tokens& tokens) {
  return tokens.empty() ? std::nullopt : std::optional(tokens.back());
}

/** The tokens of single messages, stored ones where they belong to this model. */
class Parts {
 public:
  Parts(const ChatFormat& format, const Messages& messages) : m_format(format), m_messages(messages) {}

  /** `prefix`: how many of the first user's tokens precede its text. */
  Tokens firstUser(qint64& prefix) const {
    const qsizetype index = firstUserOf(m_messages);
    const ChatMessage& message = m_messages.at(index);
    prefix = message.prefix;
    if (isUsable(message) && prefix >= 0 && prefix <= message.ids.size()) return stored(message);
    runnel::Turn turn = m_format.firstTurn(forTemplate(m_messages.first(index + 1)));
    prefix = static_cast<qint64>(turn.before_first_user);
    return std::move(turn.tokens);
  }

  /** `before`: the tokens of the question, where the answer's own first tokens matter. */
  Tokens answer(qsizetype index, std::span<const runnel::Token> before = {}) const {
    const ChatMessage& message = m_messages.at(index);
    if (isUsable(message)) return stored(message);
    return m_format.encodeAnswer(message.text.toStdString(), before);
  }

  /** A user's message that is not the first. What a template writes between an answer and the next depends on these
   *  two, so they are rendered alone: the cost must not grow with the conversation. */
  Tokens user(qsizetype index) const {
    const ChatMessage& message = m_messages.at(index);
    if (isUsable(message)) return stored(message);
    Messages near = m_messages.first(firstUserOf(m_messages));
    near.append(m_messages.mid(index - 2, 3));
    return m_format.nextTurn(forTemplate(near), static_cast<std::size_t>(near.size() - 2), lastOf(answer(index - 1)))
        .tokens;
  }

 private:
  bool isUsable(const ChatMessage& message) const {
    return !message.ids.isEmpty() && message.tokenizer == m_format.fingerprint();
  }
  static Tokens stored(const ChatMessage& message) { return {message.ids.begin(), message.ids.end()}; }

  const ChatFormat& m_format;
  const Messages& m_messages;
};

void append(TurnPlan& plan, const Part& part) {
  const qint64 first = plan.backTo + static_cast<qint64>(plan.tokens.size());
  plan.tokens.insert(plan.tokens.end(), part.tokens.begin(), part.tokens.end());
  plan.spans.append({.messageId = part.messageId,
                     .role = part.role,
                     .first = first,
                     .end = first + static_cast<qint64>(part.tokens.size()),
                     .isPinned = part.isPinned});
}

TurnPlan firstTurnPlan(const ChatFormat& format, const Messages& messages) {
  runnel::Turn turn = format.firstTurn(forTemplate(messages));
  const auto prefix = static_cast<std::ptrdiff_t>(turn.before_first_user);
  TurnPlan plan;
  plan.anew = true;
  plan.prefix = prefix;
  plan.promptPrefix = prefix;
  append(plan, {systemIdOf(messages), Role::System, {turn.tokens.begin(), turn.tokens.begin() + prefix}});
  append(plan, {messages.last().id, Role::User, {turn.tokens.begin() + prefix, turn.tokens.end()}});
  return plan;
}

/** What of the messages before the last one a cache that is made anew is fed. */
class Earlier {
 public:
  /** `firstUserText`: the tokens of the first user's message from its text on. */
  Earlier(const Parts& parts, const Messages& messages, Tokens firstUserText)
      : m_parts(parts), m_messages(messages), m_firstUserText(std::move(firstUserText)), m_kept(messages.size()) {}

  /** The newest pinned messages that `most` tokens have place for; how many these take. */
  qint64 keepPinned(qint64 most) {
    qint64 taken = 0;
    for (qsizetype index = m_messages.size() - 2; index >= firstUserOf(m_messages); --index) {
      if (!m_messages.at(index).isPinned) continue;
      Part part = partAt(index);
      const auto tokens = static_cast<qint64>(part.tokens.size());
      if (taken + tokens > most) continue;
      taken += tokens;
      m_kept[index] = std::move(part);
    }
    return taken;
  }

  /** The newest whole exchanges that `room` has place for besides. */
  void keepNewestExchanges(qint64 room) {
    for (qsizetype user = m_messages.size() - 3; user >= firstUserOf(m_messages); user -= 2) {
      for (const qsizetype index : {user, user + 1}) {
        if (m_kept.at(index)) continue;
        m_exchange[index - user] = partAt(index);
        room -= static_cast<qint64>(m_exchange[index - user].tokens.size());
      }
      if (room < 0) return;
      for (const qsizetype index : {user, user + 1})
        if (!m_kept.at(index)) m_kept[index] = std::move(m_exchange[index - user]);
    }
  }

  void appendTo(TurnPlan& plan) const {
    for (const std::optional<Part>& part : m_kept)
      if (part) append(plan, *part);
  }

 private:
  Part partAt(qsizetype index) const {
    const ChatMessage& message = m_messages.at(index);
    Part part{.messageId = message.id, .role = message.role, .tokens = {}, .isPinned = message.isPinned};
    if (message.role == Role::Assistant)
      part.tokens = m_parts.answer(index, partAt(index - 1).tokens);
    else
      part.tokens = index == firstUserOf(m_messages) ? m_firstUserText : m_parts.user(index);
    return part;
  }

  const Parts& m_parts;
  const Messages& m_messages;
  Tokens m_firstUserText;
  QList<std::optional<Part>> m_kept;  // [messages]
  std::array<Part, 2> m_exchange;
};

/** How much of the cached conversation the messages of a request continue. Messages between cached ones were left out
 *  when the cache was made anew. */
struct Match {
  bool found = false;
  qsizetype spans = 0;     //!< so many of the cached spans belong to the request …
  qsizetype messages = 0;  //!< … and this is the first of its messages that is not cached
};

Match match(const QList<MessageSpan>& spans, const Messages& messages) {
  Match result;
  if (spans.size() < 2 || spans.first().messageId != systemIdOf(messages)) return result;
  result.spans = 1;
  result.messages = firstUserOf(messages);
  for (; result.spans < spans.size(); ++result.spans) {
    const auto next = std::find_if(messages.begin() + result.messages, messages.end(), [&](const ChatMessage& message) {
      return message.id == spans.at(result.spans).messageId;
    });
    if (next == messages.end()) break;
    result.messages = std::distance(messages.begin(), next) + 1;
  }
  result.found = result.spans > 1;
  while (result.messages < messages.size() && messages.at(result.messages).id == 0) ++result.messages;
  return result;
}

Tokens cut(const CachedConversation& cached, qint64 first, qint64 end) {
  return {cached.ids.begin() + first, cached.ids.begin() + end};
}

}  // namespace

TurnPlan TurnPlanner::plan(const CachedConversation& cached, const TurnRequest& request) const {
  const Messages messages = inTurn(request.messages);
  if (cached.conversationId != request.conversationId) return planAnew(request);
  const Match known = match(cached.spans, messages);
  if (!known.found) return planAnew(request);

  TurnPlan plan;
  plan.prefix = cached.prefix;
  plan.spans = cached.spans.first(known.spans);
  const MessageSpan last = plan.spans.last();
  if (known.messages == messages.size()) {  // the message is answered anew: its last token gives the logits again
    plan.backTo = last.end - 1;
    plan.tokens = cut(cached, last.end - 1, last.end);
    plan.promptPrefix = messages.size() == firstUserOf(messages) + 1 ? cached.prefix : 0;
    plan.promptFirst = last.first - plan.promptPrefix;
    return plan;
  }
  if (known.messages != messages.size() - 1) return planAnew(request);
  plan.backTo = last.end;
  plan.promptFirst = last.end;
  const runnel::Token lastFed = cached.ids.at(static_cast<std::size_t>(last.end - 1));
  runnel::Turn turn = m_format.nextTurn(forTemplate(messages), static_cast<std::size_t>(messages.size() - 2), lastFed);
  append(plan, {messages.last().id, Role::User, std::move(turn.tokens)});
  return plan;
}

TurnPlan TurnPlanner::planAnew(const TurnRequest& request) const {
  const Messages messages = inTurn(request.messages);
  if (messages.size() == firstUserOf(messages) + 1) return firstTurnPlan(m_format, messages);

  const Parts parts(m_format, messages);
  TurnPlan plan;
  plan.anew = true;
  Tokens firstUser = parts.firstUser(plan.prefix);
  const auto text = firstUser.begin() + plan.prefix;
  const qsizetype lastAnswer = messages.size() - 2;
  runnel::Turn turn =
      m_format.nextTurn(forTemplate(messages), static_cast<std::size_t>(lastAnswer), lastOf(parts.answer(lastAnswer)));
  const qint64 room = m_ctxSize - plan.prefix - static_cast<qint64>(turn.tokens.size());
  append(plan, {systemIdOf(messages), Role::System, {firstUser.begin(), text}});
  Earlier earlier(parts, messages, {text, firstUser.end()});
  earlier.keepNewestExchanges(room - earlier.keepPinned(mostPinned(plan.prefix)));
  earlier.appendTo(plan);
  plan.promptFirst = static_cast<qint64>(plan.tokens.size());
  append(plan, {messages.last().id, Role::User, std::move(turn.tokens)});
  return plan;
}

// Beside them a quarter of the cache must be left to roll.
qint64 TurnPlanner::mostPinned(qint64 prefix) const {
  return m_ctxSize - (m_ctxSize + 3) / 4 - prefix;
}

TurnPlan TurnPlanner::planAgain(const CachedConversation& cached) const {
  TurnPlan plan;
  plan.anew = true;
  plan.prefix = cached.prefix;
  if (cached.spans.isEmpty()) return plan;
  qint64 room = m_ctxSize - cached.prefix;
  const auto lengthOf = [](const MessageSpan& span) { return span.end - span.first; };
  for (const MessageSpan& span : cached.spans) room -= span.isPinned ? lengthOf(span) : 0;
  qsizetype start = cached.spans.size();
  for (qsizetype index = start - 1; index >= 1; --index) {
    const MessageSpan& span = cached.spans.at(index);
    room -= span.isPinned ? 0 : lengthOf(span);
    if (room < 0) break;
    if (span.role == Role::User) start = index;
  }
  append(plan, {cached.spans.first().messageId, Role::System, cut(cached, 0, cached.prefix)});
  for (qsizetype index = 1; index < cached.spans.size(); ++index) {
    const MessageSpan& span = cached.spans.at(index);
    if (index >= start || span.isPinned)
      append(plan, {span.messageId, span.role, cut(cached, span.first, span.end), span.isPinned});
  }
  plan.promptFirst = static_cast<qint64>(plan.tokens.size());
  return plan;
}

}  // namespace runnel::app
