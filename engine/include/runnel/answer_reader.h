#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "runnel/stop_strings.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// Reads the tokens of an answer as text while a model writes it, and notices where it ends.
class AnswerReader {
 public:
  /// `tokenizer` must outlive the reader. `opening`: what of the answer stands before its first token (see
  /// reasoning_opening).
  AnswerReader(const Tokenizer& tokenizer, StopMarks marks, std::string opening);

  /// Takes the next token and gives the text that may be shown of the answer now: only whole characters, and nothing
  /// that may belong to a stop string.
  std::string push(Token token);

  /// At the end of the answer: what was held back of its text.
  std::string finish();

  /// The last token ended the answer: one that ends a generation or begins the next turn, or a stop string's last.
  bool ended() const { return is_ended_ || matcher_.found(); }

  /// How many of the tokens, from the first, are the answer: those of what the template writes after one are not.
  std::size_t kept() const;

 private:
  const Tokenizer& tokenizer_;
  std::optional<Token> stop_token_;
  std::string opening_;  ///< until it was given
  Detokenizer detokenizer_;
  StopMatcher matcher_;
  std::vector<std::size_t> starts_;  ///< of the tokens, in bytes of their text
  bool is_ended_ = false;
  bool is_next_turn_ = false;  ///< the last token belongs to it
};

}  // namespace runnel
