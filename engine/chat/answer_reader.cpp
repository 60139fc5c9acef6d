#include "runnel/answer_reader.h"

#include <algorithm>
#include <utility>

namespace runnel {

AnswerReader::AnswerReader(const Tokenizer& tokenizer, StopMarks marks, std::string opening)
    : tokenizer_(tokenizer),
      stop_token_(marks.token),
      opening_(std::move(opening)),
      detokenizer_(tokenizer),
      matcher_(std::move(marks.texts)) {}

std::string AnswerReader::push(Token token) {
  starts_.push_back(matcher_.taken());
  is_next_turn_ = token == stop_token_;
  is_ended_ = is_next_turn_ || tokenizer_.is_end_of_generation(token);
  if (is_ended_) return {};
  return std::exchange(opening_, {}) + matcher_.push(detokenizer_.push(token));
}

std::string AnswerReader::finish() {
  return matcher_.finish();
}

std::size_t AnswerReader::kept() const {
  if (is_next_turn_) return starts_.size() - 1;
  if (!matcher_.found()) return starts_.size();
  return static_cast<std::size_t>(std::ranges::lower_bound(starts_, matcher_.length()) - starts_.begin());
}

}  // namespace runnel
