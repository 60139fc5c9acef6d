#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runnel/tokenizer.h"

namespace runnel {

/// GGUF's tokenizer.ggml.token_type (GGUF specification, "Tokenizer").
enum class TokenType : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// A vocabulary as a model file holds it, before it is known whether we can use it.
struct Vocabulary {
  std::string model;                ///< "gpt2" (byte-level BPE), "llama" (sentencepiece) …
  std::string pre;                  ///< pre-tokenizer name ("smollm", "llama-bpe", "qwen2" …)
  std::vector<std::string> tokens;  ///< [n_vocab]; for "gpt2" in the byte-to-character alphabet of GPT-2
  std::vector<TokenType> types;     ///< [n_vocab], or empty: all normal
  std::vector<float> scores;        ///< [n_vocab], or empty
  std::vector<std::string> merges;  ///< "left right", best first; for "gpt2"
  std::optional<Token> bos;
  std::optional<Token> eos;
  std::optional<Token> unknown;
  std::vector<Token> end_of_generation;  ///< what the file names besides eos (eot, eom …)
  std::optional<bool>
      whole_words_first;    ///< a word that is a token is taken whole, before any merges; none: as `pre` has it
  std::optional<bool> nfc;  ///< text is normalized to form C first; none: as `pre` has it
  bool adds_bos = false;
  // For "llama" alone:
  bool adds_space_prefix = false;     ///< a space is put before a text, and before what follows a control token
  bool removes_extra_spaces = false;  ///< spaces at the ends go, and of several in a row one stays
  bool unigram = false;               ///< the likeliest pieces; byte pair encoding by scores otherwise
  std::string charsmap;               ///< sentencepiece's precompiled normalization map; empty: none
};

/// Builds the tokenizer. Throws Error when model or pre-tokenizer are not known (naming them) or when the vocabulary
/// contradicts itself. Duplicate token strings are accepted (the lower id wins).
std::unique_ptr<Tokenizer> make_tokenizer(const Vocabulary& vocabulary);

}  // namespace runnel
