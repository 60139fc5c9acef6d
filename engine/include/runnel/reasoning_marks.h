#pragma once

#include <array>
#include <string_view>

namespace runnel {

/// How a family of models marks the reasoning that it writes before an answer.
struct ReasoningMarks {
  std::string_view open;
  std::string_view close;
};

inline constexpr std::array<ReasoningMarks, 2> reasoning_marks = {{
    {"<think>", "</think>"},  // DeepSeek R1 and its distills, Qwen 3, SmolLM3, Phi-4 reasoning
    {"[THINK]", "[/THINK]"},  // Magistral
}};

}  // namespace runnel
