#include "runnel/stop_strings.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "chat/jinja/unicode.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::string_view answer = "RunnelAnswer";
constexpr std::string_view question = "RunnelQuestion";
constexpr std::string_view blanks = " \t\r\n";

/// What the template writes between an answer and the next message; "" when it can't be rendered or hides one of them.
std::string gap_after_answer(const ChatTemplate& chat_template, const RenderOptions& options) {
  const std::vector<Message> messages{
      {"user", "Hello"}, {"assistant", std::string(answer)}, {"user", std::string(question)}};
  const std::string text = plain(chat_template.render(messages, options));
  const std::size_t said = text.find(answer);
  const std::size_t asked = said == std::string::npos ? said : text.find(question, said);
  if (asked == std::string::npos) return {};
  return text.substr(said + answer.size(), asked - said - answer.size());
}

bool is_word(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0;
}

/// The mark or head that `text` begins with, as it would stand in an answer; "" when it is neither.
std::string mark_of(std::string_view text) {
  const std::string_view trimmed = jinja::trimmed(text);
  std::string_view line = jinja::trimmed(trimmed.substr(0, trimmed.find('\n')));
  if (line.empty() || std::ranges::none_of(line, is_word)) return {};
  const char closing = line.front() == '<' ? '>' : line.front() == '[' ? ']' : '\0';
  const std::size_t end = closing == '\0' ? std::string_view::npos : line.find(closing);
  if (end != std::string_view::npos) return std::string(line.substr(0, end + 1));
  if (line.back() != ':') return {};
  // A head stands at the beginning of a line, or at least of a word.
  const std::string_view before = text.substr(0, text.find(line.front()));
  std::string head;
  if (before.find('\n') != std::string_view::npos)
    head += '\n';
  else if (is_word(line.front()))
    head += before.empty() ? '\n' : ' ';
  return head.append(line);
}

/// The text of a gap before its first and after its last control token, and the first.
struct Gap {
  std::string before;
  std::string after;
  std::optional<Token> first;
};

Gap divided(const Tokenizer& tokenizer, const std::string& text) {
  Gap gap;
  for (const Token token : tokenizer.encode(text, true)) {
    if (tokenizer.is_control(token) || tokenizer.is_end_of_generation(token)) {
      if (!gap.first) gap.first = token;
      gap.after.clear();
    } else {
      (gap.first ? gap.after : gap.before) += tokenizer.bytes(token);
    }
  }
  return gap;
}

}  // namespace

StopMarks stop_marks(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const RenderOptions& options) {
  StopMarks marks;
  try {
    const Gap gap = divided(tokenizer, gap_after_answer(chat_template, options));
    const bool ends_with_token = gap.first && jinja::trimmed(gap.before).empty();
    if (ends_with_token && !tokenizer.is_end_of_generation(*gap.first) && gap.first != tokenizer.bos())
      marks.token = gap.first;
    std::string mark = mark_of(gap.before);
    // Models that were taught no end go on with the next head.
    if (ends_with_token && jinja::trimmed(gap.after).ends_with(':')) mark = mark_of("\n" + gap.after);
    if (!mark.empty()) marks.texts.push_back(std::move(mark));
  } catch (const Error&) {
    // Without an example of its conversations nothing is known.
  }
  return marks;
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopMatcher::push(std::string_view text) {
  taken_ += text.size();
  if (found_) return {};
  held_ += text;
  const auto before_blanks = [this](std::size_t end) {
    const std::size_t last = end == 0 ? std::string::npos : held_.find_last_not_of(blanks, end - 1);
    return last == std::string::npos ? 0 : last + 1;
  };
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    found_ = true;
    return show(before_blanks(first));
  }
  if (stops_.empty()) return show(held_.size());
  std::size_t begun = 0;
  for (const std::string& stop : stops_) {
    std::size_t length = std::min(stop.size() - 1, held_.size());
    while (length > 0 && !held_.ends_with(std::string_view(stop).substr(0, length))) --length;
    begun = std::max(begun, length);
  }
  return show(before_blanks(held_.size() - begun));
}

std::string StopMatcher::finish() {
  return found_ ? std::string() : show(held_.size());
}

std::string StopMatcher::show(std::size_t bytes) {
  std::string shown = held_.substr(0, bytes);
  held_.erase(0, bytes);
  shown_ += bytes;
  return shown;
}

}  // namespace runnel
