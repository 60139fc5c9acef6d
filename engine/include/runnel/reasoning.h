#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runnel/reasoning_marks.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// What a model wrote, in its sections. Both are parts of that text.
struct AnswerSections {
  std::string_view reasoning;   ///< without the marks and the blanks around it; "" when there is none
  std::string_view answer;      ///< what follows it, without blanks before it; the whole text when there is none
  bool reasoning_open = false;  ///< the text ends within the reasoning
};

/// Only a section at the very beginning, but for blanks, is reasoning: marks further on are part of the answer.
/// `complete`: nothing more will come. Otherwise an end that may yet become a mark is in neither section, so that what
/// is shown of a growing text is never taken back.
AnswerSections answer_sections(std::string_view text, bool complete = true);

/// What of `fed`, the tokens before an answer, is part of the answer already: "<think>\n", say, where the template's
/// generation prompt ends with it; else "". The answer's text begins with it.
std::string reasoning_opening(const Tokenizer& tokenizer, std::span<const Token> fed);

/// An answer that another model wrote, to be fed after a prompt that ends with `opening` (see reasoning_opening): its
/// reasoning is left out, as templates do with earlier answers, and what was opened is closed.
MarkedText foreign_answer(std::string_view opening, std::string_view text);

}  // namespace runnel
