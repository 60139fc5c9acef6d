#include "runnel/stop_strings.h"

#include <algorithm>
#include <utility>

#include "chat/jinja/unicode.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::string_view answer = "RunnelAnswer";
constexpr std::string_view question = "RunnelQuestion";

struct FamilyStop {
  std::string_view architecture;
  std::string_view stop;
};

constexpr FamilyStop family_stops[] = {
    {"falcon", "\nUser:"},  // instructed ones begin the next message rather than end their own
};

/// What the template writes between an answer and the next message; "" when it can't be rendered or hides one of them.
std::string gap_after_answer(const ChatTemplate& chat_template, const RenderOptions& options) {
  const std::vector<Message> messages{
      {"user", "Hello"}, {"assistant", std::string(answer)}, {"user", std::string(question)}};
  try {
    const std::string text = plain(chat_template.render(messages, options));
    const std::size_t said = text.find(answer);
    const std::size_t asked = said == std::string::npos ? said : text.find(question, said);
    if (asked == std::string::npos) return {};
    return text.substr(said + answer.size(), asked - said - answer.size());
  } catch (const Error&) {
    return {};
  }
}

/// The first line of `gap` up to its first control token.
std::string text_of_gap(const Tokenizer& tokenizer, const std::string& gap) {
  const std::string_view start = jinja::trimmed(gap);
  std::string text;
  for (const Token token : tokenizer.encode(start, true)) {
    if (tokenizer.is_control(token) || tokenizer.is_end_of_generation(token)) break;
    text += tokenizer.bytes(token);
  }
  const std::string_view line = jinja::trimmed(std::string_view(text).substr(0, text.find('\n')));
  constexpr std::size_t shortest = 3;  // what is shorter stands in any text
  if (line.size() < shortest) return {};
  std::string stop;
  if (gap.find('\n') < gap.find(line.front())) stop += '\n';
  return stop.append(line);
}

}  // namespace

std::vector<std::string> stop_strings(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                      std::string_view architecture, const RenderOptions& options) {
  std::vector<std::string> stops;
  for (const FamilyStop& row : family_stops) {
    if (row.architecture == architecture) stops.emplace_back(row.stop);
  }
  std::string text = text_of_gap(tokenizer, gap_after_answer(chat_template, options));
  if (!text.empty() && std::ranges::find(stops, text) == stops.end()) stops.push_back(std::move(text));
  return stops;
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopMatcher::push(std::string_view text) {
  if (found_) return {};
  held_ += text;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    found_ = true;
    overshoot_ = held_.size() - first;
    held_.resize(first);
    return std::exchange(held_, {});
  }
  std::size_t kept = 0;
  for (const std::string& stop : stops_) {
    std::size_t length = std::min(stop.size() - 1, held_.size());
    while (length > 0 && !held_.ends_with(std::string_view(stop).substr(0, length))) --length;
    kept = std::max(kept, length);
  }
  std::string shown = held_.substr(0, held_.size() - kept);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopMatcher::finish() {
  return std::exchange(held_, {});
}

std::size_t tokens_within(const Tokenizer& tokenizer, std::span<const Token> ids, std::size_t bytes) {
  std::size_t count = 0;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const std::size_t length = tokenizer.bytes(*id).size();
    if (length > bytes) break;
    bytes -= length;
    ++count;
    if (bytes == 0) break;
  }
  return count;
}

}  // namespace runnel
