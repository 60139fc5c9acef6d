#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runnel/chat.h"
#include "runnel/error.h"

namespace runnel::chat {

/// Where text of a rendering comes from: the template (which is trusted), or message n as n + 1.
using Origin = std::uint32_t;
inline constexpr Origin from_template = 0;

/// Text of one origin.
struct Part {
  std::string text;
  Origin origin;
};

/// A message to be rendered. Its content may come from several messages.
struct Entry {
  std::string role;
  Origin role_origin;
  std::vector<Part> content;
};

/// The template itself refused the conversation with raise_exception.
class Refused : public Error {
 public:
  using Error::Error;
};

/// The messages as they are; the three roles that we write ourselves are trusted, others are not.
std::vector<Entry> entries_of(std::span<const Message> messages);

/// Renders with the exact origin of every character; ChatTemplate::render and the turns are made from it.
class Renderer {
 public:
  /// Neighbouring parts have different origins. Throws as ChatTemplate::render does, Refused for raise_exception.
  static std::vector<Part> render(const ChatTemplate& chat_template, std::span<const Entry> messages,
                                  const RenderOptions& options);
};

/// Parts as the tokenizer wants them.
MarkedText marked(std::span<const Part> parts);

}  // namespace runnel::chat
