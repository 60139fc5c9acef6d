#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runnel/tokenizer.h"

namespace runnel {

namespace chat {
class Renderer;
}

/// One message of a conversation as a chat template sees it.
struct Message {
  std::string role;     ///< "system", "user" or "assistant"
  std::string content;  ///< UTF-8
};

/// What a template is rendered with, besides the messages.
struct RenderOptions {
  bool add_generation_prompt = true;  ///< end with the opening of an assistant's turn
  // NOLINTBEGIN(readability-redundant-member-init): so that callers may name only some of the fields
  std::string bos_token = {};  ///< text of the BOS token, "" when the vocabulary has none
  std::string eos_token = {};  ///< text of the EOS token, "" when the vocabulary has none
  // NOLINTEND(readability-redundant-member-init)
  /// Seconds since the epoch that `strftime_now` shows, in local time; default: the present.
  std::optional<std::int64_t> now = std::nullopt;
};

/// With BOS and EOS as a template needs them, at the present time.
RenderOptions render_options(const Tokenizer& tokenizer);

/// A model's chat template: Jinja as jinja2 renders it in the set-up of transformers (trim_blocks, lstrip_blocks, loop
/// controls, {% generation %}, tojson without HTML or ASCII escaping, raise_exception, strftime_now).
/// Immutable; may be rendered from any thread.
class ChatTemplate {
 public:
  /// Parses `source`. Throws Error with line and construct when it can't be understood.
  explicit ChatTemplate(std::string_view source);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  /// The text of a conversation, with the origin of every character: what comes from a message's content is not
  /// trusted, through all string operations of the template. Throws Error when the template raises, when it meets a
  /// construct or type it can't handle (with its line), or when it exceeds its bounds in steps per message, depth or
  /// output.
  MarkedText render(std::span<const Message> messages, const RenderOptions& options) const;

 private:
  friend class chat::Renderer;
  struct Program;
  std::unique_ptr<const Program> program_;
};

/// The Jinja source used when a model brings no template, or one that can't be parsed, by GGUF architecture name
/// ("llama", "gemma" …). Always one that ChatTemplate accepts.
std::string_view fallback_template(std::string_view architecture);

/// The tokens that carry a conversation on (DESIGN §2.14).
struct Turn {
  std::vector<Token> tokens;      ///< to be fed in this order
  std::size_t before_first_user;  ///< of these, how many precede the first character of the first user message's text;
                                  ///< 0 for a turn that is not the first
};

/// What to feed for a conversation that is not in the cache yet: the whole rendering, with BOS exactly once.
/// `messages` ends with a user message. Where the template refuses a system message, here and in next_turn, its text
/// moves in front of the first user message's.
Turn first_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer, std::span<const Message> messages,
                const RenderOptions& options);

/// How many tokens of a template open an answer: those that a rendering with the generation prompt ends with and one
/// without does not. 0 where the template can't tell.
std::size_t answer_opening(const ChatTemplate& chat_template, const Tokenizer& tokenizer, RenderOptions options);

/// What to feed after the answer `messages[last_answer]`, which is in the cache as it was sampled: the rendering with
/// that answer replaced by a marker, from behind the marker on; less its first token when that ends a generation and
/// equals `last_fed` (the model produced it and it was fed), together with blanks before it. Throws Error when the
/// template does not show the marker exactly once and unchanged.
Turn next_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer, std::span<const Message> messages,
               std::size_t last_answer, std::optional<Token> last_fed, const RenderOptions& options);

}  // namespace runnel
