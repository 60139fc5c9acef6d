#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/chat/byte_tokenizer.h"
#include "runnel/chat.h"
#include "runnel/error.h"

// Renders chat templates for tests/compat/templates. Reads from standard input one JSON object a line
// {"template", "messages", "bos_token", "eos_token", "now"} and answers each with one line: {"text": the rendering with
// the opening of an answer, "pieces": what is fed before the first answer and behind each} or {"error"}; "error" of the
// pieces alone is "turn_error".

namespace {

using namespace runnel;

std::string text_of(const Turn& turn) {
  const ByteTokenizer tokenizer;
  std::string text;
  for (const Token token : turn.tokens) text += tokenizer.bytes(token);
  return text;
}

// The conversation told again turn by turn, as it is fed.
std::vector<std::string> pieces(const ChatTemplate& chat_template, const std::vector<Message>& messages,
                                const RenderOptions& options) {
  const ByteTokenizer tokenizer;
  std::vector<std::string> pieces;
  std::vector<Message> told;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    told.push_back(messages[i]);
    if (messages[i].role != "user") continue;
    const bool first = pieces.empty();
    pieces.push_back(text_of(first ? first_turn(chat_template, tokenizer, told, options)
                                   : next_turn(chat_template, tokenizer, told, i - 1, {}, options)));
  }
  return pieces;
}

nlohmann::json answer(const nlohmann::json& question) {
  std::vector<Message> messages;
  for (const auto& message : question.at("messages"))
    messages.push_back({.role = message.at("role"), .content = message.at("content")});
  const RenderOptions options{.bos_token = question.at("bos_token"),
                              .eos_token = question.at("eos_token"),
                              .now = question.at("now").get<std::int64_t>()};
  nlohmann::json result;
  try {
    const ChatTemplate chat_template(question.at("template").get<std::string>());
    result["text"] = plain(chat_template.render(messages, options));
    try {
      result["pieces"] = pieces(chat_template, messages, options);
    } catch (const Error& error) {
      result["turn_error"] = error.what();
    }
  } catch (const Error& error) {
    result["error"] = error.what();
  }
  return result;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(nlohmann::json::parse(line)) << std::endl;
}
