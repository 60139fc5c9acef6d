// The tokens that carry a conversation on: what a rendering says beyond what is in the cache already.

#include <algorithm>

#include "chat/jinja/unicode.h"
#include "chat/renderer.h"

namespace runnel {

namespace {

using chat::Entry;
using chat::Origin;
using chat::Part;

/// Stands for an answer while a conversation is rendered: no template has reason to change a plain word.
constexpr std::string_view marker = "RunnelAnswer";

Origin origin_of(std::size_t message) {
  return static_cast<Origin>(message + 1);
}

/// The same conversation without system messages: their text precedes that of the first user message.
/// Empty when there is nothing to be moved.
std::vector<Entry> with_folded_system(std::span<const Entry> messages) {
  std::vector<Part> system;
  std::vector<Entry> folded;
  for (const auto& message : messages) {
    if (message.role == "system") {
      system.insert(system.end(), message.content.begin(), message.content.end());
      system.push_back({"\n\n", message.content.empty() ? chat::from_template : message.content[0].origin});
    } else {
      folded.push_back(message);
    }
  }
  const auto user = std::find_if(folded.begin(), folded.end(), [](const Entry& entry) { return entry.role == "user"; });
  if (system.empty() || user == folded.end()) return {};
  user->content.insert(user->content.begin(), system.begin(), system.end());
  return folded;
}

/// Renders; where the template refuses the conversation as it is, the system message moves into the first user message.
std::vector<Part> rendered(const ChatTemplate& chat_template, std::span<const Entry> messages,
                           const RenderOptions& options) {
  try {
    return chat::Renderer::render(chat_template, messages, options);
  } catch (const chat::Refused& refused) {
    const auto folded = with_folded_system(messages);
    if (folded.empty()) throw;
    try {
      return chat::Renderer::render(chat_template, folded, options);
    } catch (const chat::Refused&) {
      throw refused;  // the first refusal is about the conversation as the user knows it
    }
  }
}

/// Offset of the first byte that comes from `origin`.
std::optional<std::size_t> offset_of(std::span<const Part> parts, Origin origin) {
  std::size_t offset = 0;
  for (const auto& part : parts) {
    if (part.origin == origin) return offset;
    offset += part.text.size();
  }
  return {};
}

/// Where the text of the first user message begins in the rendering `parts` of `messages`; where that text does not
/// show because it is blank, where another text in its place would begin.
std::optional<std::size_t> first_user_offset(const ChatTemplate& chat_template, std::vector<Entry> messages,
                                             std::span<const Part> parts, const RenderOptions& options) {
  const auto user =
      std::find_if(messages.begin(), messages.end(), [](const Entry& entry) { return entry.role == "user"; });
  if (user == messages.end()) return {};
  const Origin origin = origin_of(static_cast<std::size_t>(user - messages.begin()));
  if (const auto offset = offset_of(parts, origin)) return offset;
  user->content = {{std::string(marker), origin}};
  return offset_of(rendered(chat_template, messages, options), origin);
}

/// How many of `tokens` lie wholly within the first `offset` bytes of `text`, or nothing if the tokens' bytes are not
/// those of the text but for spaces that the tokenizer puts before words.
std::optional<std::size_t> tokens_before(const Tokenizer& tokenizer, std::span<const Token> tokens,
                                         std::string_view text, std::size_t offset) {
  std::size_t at = 0;
  std::size_t count = 0;
  for (const Token token : tokens) {
    const std::string own = tokenizer.bytes(token);
    std::string_view bytes = own;
    if (!text.substr(at).starts_with(bytes)) {
      if (!bytes.starts_with(' ')) return {};
      bytes.remove_prefix(1);
      if (!text.substr(at).starts_with(bytes)) return {};
    }
    at += bytes.size();
    if (at <= offset && (at < offset || !bytes.empty())) ++count;
  }
  if (at != text.size()) return {};
  return count;
}

/// The first `offset` bytes.
MarkedText prefix(MarkedText text, std::size_t offset) {
  MarkedText result;
  for (auto& passage : text) {
    if (offset == 0) break;
    if (passage.text.size() > offset) passage.text.resize(offset);
    offset -= passage.text.size();
    result.push_back(std::move(passage));
  }
  return result;
}

std::size_t count_before(const Tokenizer& tokenizer, std::span<const Token> tokens, const MarkedText& text,
                         std::size_t offset) {
  if (const auto count = tokens_before(tokenizer, tokens, plain(text), offset)) return *count;
  // The tokenizer normalizes text: the tokens that the beginning has in common with the whole lie within it.
  const auto alone = tokenizer.encode(prefix(text, offset));
  const auto end = std::min(alone.size(), tokens.size());
  return static_cast<std::size_t>(
      std::mismatch(alone.begin(), alone.begin() + static_cast<std::ptrdiff_t>(end), tokens.begin()).first -
      alone.begin());
}

/// What follows the marker, which message `answer` consists of.
std::vector<Part> after_marker(std::vector<Part> parts, Origin answer) {
  const auto is_answer = [answer](const Part& part) { return part.origin == answer; };
  const auto found = std::find_if(parts.begin(), parts.end(), is_answer);
  if (found == parts.end() || found->text != marker || std::count_if(parts.begin(), parts.end(), is_answer) != 1) {
    throw Error("The chat template can't be used: it does not show each answer exactly once as it is.");
  }
  parts.erase(parts.begin(), found + 1);
  return parts;
}

/// Removes the end of the answer where the model wrote it itself, with the blanks that the template puts before it.
void drop_fed_end(const Tokenizer& tokenizer, std::vector<Token>& tokens, std::optional<Token> last_fed) {
  const auto is_end = [&](Token token) { return tokenizer.is_end_of_generation(token); };
  const auto end = std::find_if(tokens.begin(), tokens.end(), [&](Token token) {
    return is_end(token) || !jinja::trimmed(tokenizer.bytes(token)).empty();
  });
  if (end != tokens.end() && is_end(*end) && *end == last_fed) tokens.erase(tokens.begin(), end + 1);
}

}  // namespace

RenderOptions render_options(const Tokenizer& tokenizer) {
  RenderOptions options;
  if (const auto bos = tokenizer.bos()) options.bos_token = tokenizer.bytes(*bos);
  if (const auto eos = tokenizer.eos()) options.eos_token = tokenizer.bytes(*eos);
  return options;
}

Turn first_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer, std::span<const Message> messages,
                const RenderOptions& options) {
  const auto entries = chat::entries_of(messages);
  const auto parts = rendered(chat_template, entries, options);
  const MarkedText text = chat::marked(parts);
  Turn turn{tokenizer.encode(text), 0};
  const auto offset = first_user_offset(chat_template, entries, parts, options);
  if (offset) turn.before_first_user = count_before(tokenizer, turn.tokens, text, *offset);
  const auto bos = tokenizer.bos();
  if (tokenizer.adds_bos() && bos && (turn.tokens.empty() || turn.tokens.front() != *bos)) {
    turn.tokens.insert(turn.tokens.begin(), *bos);
    ++turn.before_first_user;
  }
  return turn;
}

std::size_t answer_opening(const ChatTemplate& chat_template, const Tokenizer& tokenizer, RenderOptions options) {
  const std::vector<Message> messages = {{.role = "user", .content = std::string(marker)}};
  const auto length = [&](bool opened) {
    options.add_generation_prompt = opened;
    return tokenizer.encode(chat_template.render(messages, options)).size();
  };
  try {
    const std::size_t without = length(false);
    const std::size_t with = length(true);
    return with > without ? with - without : 0;
  } catch (const Error&) {
    return 0;
  }
}

Turn next_turn(const ChatTemplate& chat_template, const Tokenizer& tokenizer, std::span<const Message> messages,
               std::size_t last_answer, std::optional<Token> last_fed, const RenderOptions& options) {
  auto entries = chat::entries_of(messages);
  if (last_answer >= entries.size()) throw Error("The conversation has no answer to be continued.");
  const Origin origin = origin_of(last_answer);
  entries[last_answer].content = {{std::string(marker), origin}};
  const auto rest = after_marker(rendered(chat_template, entries, options), origin);
  const MarkedText text = chat::marked(rest);
  Turn turn{last_fed ? tokenizer.encode_after(*last_fed, text) : tokenizer.encode(text), 0};
  drop_fed_end(tokenizer, turn.tokens, last_fed);
  return turn;
}

}  // namespace runnel
