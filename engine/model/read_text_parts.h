#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "format/gguf_file.h"
#include "format/hf_folder.h"
#include "tokenizer/vocabulary.h"

namespace runnel {

/// What a model needs to speak, as far as the file has it.
struct TextParts {
  std::optional<Vocabulary> vocabulary;
  std::string vocabulary_problem;  ///< why there is none
  std::string chat_template;       ///< Jinja source; empty when the file has none
};

TextParts read_text_parts(const GgufFile& file);
TextParts read_text_parts(const HfFolder& folder);

}  // namespace runnel
