#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runnel/chat.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// Texts that end an answer of models that write the end of a turn as text: what `chat_template` puts between an answer
/// and the next message, where that is no token of the vocabulary which ends a generation, and what the family is known
/// to go on with. `architecture` as in ModelFacts. Empty for most models, which have a token for it.
std::vector<std::string> stop_strings(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                      std::string_view architecture, const RenderOptions& options);

/// Looks for stop strings in an answer that grows, and never lets out a part of one.
class StopMatcher {
 public:
  /// Empty strings are left out.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Takes the next text of the answer and gives what may be shown of it now. Nothing is shown once one was found.
  std::string push(std::string_view text);

  /// At the end of the answer: what was held back because it might have become a stop string.
  std::string finish();

  bool found() const { return found_; }

  /// Bytes taken from the beginning of the stop string that was found on, it and what came after it in the same piece.
  std::size_t overshoot() const { return overshoot_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::size_t overshoot_ = 0;
  bool found_ = false;
};

/// How many of the last of `ids` lie wholly within the last `bytes` bytes of their text.
std::size_t tokens_within(const Tokenizer& tokenizer, std::span<const Token> ids, std::size_t bytes);

}  // namespace runnel
