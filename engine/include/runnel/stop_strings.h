#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runnel/chat.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// What ends an answer besides the tokens that end a generation: how the template goes on after one.
struct StopMarks {
  std::vector<std::string> texts;  ///< for models that write the end of a turn, or the next head, as text
  std::optional<Token> token;      ///< a control token that begins the next turn and ends no generation by itself
};

/// Found in what `chat_template` writes between an answer and the next message. Text counts where it is a mark or a
/// head ("<|im_end|>" of a vocabulary without that token, "### User:", "USER:"), not what stands in any answer. Empty
/// for most models, which have a token for it.
StopMarks stop_marks(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const RenderOptions& options);

/// Looks for stop strings in an answer that grows, and never lets out a part of one or of the blanks before it.
class StopMatcher {
 public:
  /// Empty strings are left out.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Takes the next text of the answer and gives what may be shown of it now. Nothing is shown once one was found.
  std::string push(std::string_view text);

  /// At the end of the answer: what was held back because it might have become a stop string.
  std::string finish();

  bool found() const { return found_; }

  /// Bytes of the answer that have been taken, shown or not.
  std::size_t taken() const { return taken_; }

  /// Bytes of the answer before the stop string that was found and the blanks before that.
  std::size_t length() const { return shown_; }

 private:
  std::string show(std::size_t bytes);

  std::vector<std::string> stops_;
  std::string held_;
  std::size_t taken_ = 0;
  std::size_t shown_ = 0;
  bool found_ = false;
};

}  // namespace runnel
