#include "runnel/tokenizer.h"

#include <algorithm>

#include "runnel/reasoning_marks.h"
#include "tokenizer/utf8.h"

namespace runnel {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool marks_reasoning(std::string_view text) {
  return std::ranges::any_of(reasoning_marks,
                             [&](const ReasoningMarks& marks) { return text == marks.open || text == marks.close; });
}

}  // namespace

std::string plain(const MarkedText& text) {
  std::string joined;
  std::size_t length = 0;
  for (const Passage& passage : text) length += passage.text.size();
  joined.reserve(length);
  for (const Passage& passage : text) joined += passage.text;
  return joined;
}

std::vector<Token> Tokenizer::encode(std::string_view text, bool trusted) const {
  return encode(MarkedText{{std::string(text), trusted}});
}

std::vector<Token> Tokenizer::encode_after(Token /*previous*/, const MarkedText& text) const {
  return encode(text);
}

std::string Tokenizer::decode(std::span<const Token> ids) const {
  std::string text;
  for (const Token id : ids) text += bytes(id);
  if (adds_space_prefix() && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string Detokenizer::push(Token token) {
  const std::string bytes = tokenizer_.bytes(token);
  if (tokenizer_.is_control(token) && !marks_reasoning(bytes)) return {};
  pending_ += bytes;
  std::string text;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = utf8_step(rest);
    if (step.kind == Utf8Step::Kind::unfinished) break;
    text += step.kind == Utf8Step::Kind::character ? rest.substr(0, step.length) : kReplacement;
    rest.remove_prefix(step.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return text;
}

}  // namespace runnel
