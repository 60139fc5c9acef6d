#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace runnel {

/// What we use of sentencepiece's ModelProto (sentencepiece_model.proto).
struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    TokenType type = TokenType::normal;
  };
  std::vector<Piece> pieces;
  bool unigram = true;               ///< the model type; byte pair encoding otherwise
  bool byte_fallback = false;        ///< needs a piece for each of the 256 bytes
  bool adds_space_prefix = true;     ///< add_dummy_prefix
  bool removes_extra_spaces = true;  ///< remove_extra_whitespaces
  std::string charsmap;              ///< precompiled_charsmap: the normalization; empty: none
  Token unknown = 0;
  Token bos = 1;  ///< −1: none
  Token eos = 2;  ///< −1: none
};

/// Reads a tokenizer.model. Throws Error when it is damaged or of a kind we don't support.
SentencePieceModel read_sentencepiece_model(std::string_view proto);

/// Writes a ModelProto that the sentencepiece library reads.
std::string write_sentencepiece_model(const SentencePieceModel& model);

/// The vocabulary of a Hugging Face folder with a tokenizer.model; `config` is its tokenizer_config.json (may be
/// empty), which can add tokens and says whether texts begin with BOS. Throws Error when one of them is damaged.
Vocabulary vocabulary_from_sentencepiece(std::string_view proto, std::string_view config = {});

/// Whether the library can follow the normalization map `charsmap` without leaving it, and no character becomes more
/// than 256 bytes. (The library checks neither.)
bool is_sound_charsmap(std::string_view charsmap);

}  // namespace runnel
