#pragma once

#include <string_view>

#include "tokenizer/vocabulary.h"

namespace runnel {

/// Reads the vocabulary of a Hugging Face folder: `json` is its tokenizer.json, `config` its tokenizer_config.json (may
/// be empty; says bos and eos). Byte-level BPE alone; the result has model "gpt2".
/// Throws Error when the text is damaged or asks for something else (another model, normalizer or pre-tokenizer; the
/// message names it).
Vocabulary vocabulary_from_tokenizer_json(std::string_view json, std::string_view config = {});

}  // namespace runnel
