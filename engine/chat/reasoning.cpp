#include "runnel/reasoning.h"

#include <algorithm>

#include "chat/jinja/unicode.h"

namespace runnel {
namespace {

std::string_view without_blanks_before(std::string_view text) {
  const std::string_view rest = jinja::trimmed(text);
  return rest.empty() ? rest : text.substr(static_cast<std::size_t>(rest.data() - text.data()));
}

const ReasoningMarks* marks_at_start(std::string_view text) {
  const auto found =
      std::ranges::find_if(reasoning_marks, [&](const ReasoningMarks& marks) { return text.starts_with(marks.open); });
  return found == reasoning_marks.end() ? nullptr : &*found;
}

bool may_become_mark(std::string_view text) {
  return std::ranges::any_of(reasoning_marks,
                             [&](const ReasoningMarks& marks) { return marks.open.starts_with(text); });
}

/// `text` without an end that `mark` begins with.
std::string_view without_begun(std::string_view mark, std::string_view text) {
  for (std::size_t length = std::min(mark.size() - 1, text.size()); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return text.substr(0, text.size() - length);
  }
  return text;
}

}  // namespace

AnswerSections answer_sections(std::string_view text, bool complete) {
  const std::string_view start = without_blanks_before(text);
  const ReasoningMarks* marks = marks_at_start(start);
  if (marks == nullptr && !complete && may_become_mark(start)) return {};
  if (marks == nullptr) return {.reasoning = {}, .answer = text};
  const std::string_view inside = start.substr(marks->open.size());
  const std::size_t end = inside.find(marks->close);
  if (end != std::string_view::npos) {
    return {.reasoning = jinja::trimmed(inside.substr(0, end)),
            .answer = without_blanks_before(inside.substr(end + marks->close.size()))};
  }
  const std::string_view reasoning = complete ? inside : without_begun(marks->close, inside);
  return {.reasoning = jinja::trimmed(reasoning), .answer = {}, .reasoning_open = true};
}

std::string reasoning_opening(const Tokenizer& tokenizer, std::span<const Token> fed) {
  // A mark that is no token of its own takes at most as many as it has bytes; blanks follow it.
  constexpr std::size_t longest = 16;
  std::string tail;
  for (const Token token : fed.last(std::min(fed.size(), longest))) tail += tokenizer.bytes(token);
  const std::string_view text = jinja::trimmed(tail);
  const auto found =
      std::ranges::find_if(reasoning_marks, [&](const ReasoningMarks& marks) { return text.ends_with(marks.open); });
  if (found == reasoning_marks.end()) return {};
  const auto mark = static_cast<std::size_t>(text.data() - tail.data()) + text.size() - found->open.size();
  return tail.substr(mark);
}

MarkedText foreign_answer(std::string_view opening, std::string_view text) {
  MarkedText result;
  if (const ReasoningMarks* marks = marks_at_start(opening)) {
    std::string closing("\n");
    closing.append(marks->close).append("\n\n");
    result.push_back({std::move(closing), true});
  }
  const std::string_view answer = answer_sections(text).answer;
  if (!answer.empty()) result.push_back({std::string(answer), false});
  return result;
}

}  // namespace runnel
