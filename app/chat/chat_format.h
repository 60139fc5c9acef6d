#pragma once

#include <QString>

#include <optional>
#include <span>
#include <vector>

#include "runnel/chat.h"
#include "runnel/stop_strings.h"

namespace runnel::app {

/** How a model writes a conversation as tokens. Immutable; any thread. */
class ChatFormat {
 public:
  ChatFormat() = default;
  virtual ~ChatFormat() = default;
  ChatFormat(const ChatFormat&) = delete;
  ChatFormat& operator=(const ChatFormat&) = delete;

  /** As runnel::first_turn. Throws Error when the template can't write these messages. */
  virtual runnel::Turn firstTurn(const std::vector<runnel::Message>& messages) const = 0;

  /** As runnel::next_turn. Throws Error when the template can't write these messages. */
  virtual runnel::Turn nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                                std::optional<runnel::Token> lastFed) const = 0;

  /** Tokens of an answer that this model has not sampled itself. `before`: those it follows, where they are known. */
  virtual std::vector<runnel::Token> encodeAnswer(const std::string& text,
                                                  std::span<const runnel::Token> before) const = 0;

  /** As runnel::answer_opening. */
  virtual qint64 answerOpening() const = 0;

  /** As runnel::stop_marks. */
  virtual const runnel::StopMarks& stopMarks() const = 0;

  /** Differs between models that would write a conversation with other tokens. */
  virtual QString fingerprint() const = 0;
};

}  // namespace runnel::app
