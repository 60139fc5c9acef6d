#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pair_merger.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace runnel {

/// Byte-level byte pair encoding, GGUF's model "gpt2" (Radford et al. 2019, section 2.2).
class BpeTokenizer final : public VocabularyTokenizer {
 public:
  /// `vocabulary` must have passed `check`. Throws Error when its pre-tokenizer is not known. Merges whose sides or
  /// result are not ordinary tokens are ignored, so that no text becomes a control token by merging.
  explicit BpeTokenizer(const Vocabulary& vocabulary);

  using VocabularyTokenizer::encode;
  std::vector<Token> encode(const MarkedText& text) const override;

 private:
  void index_tokens(const std::vector<std::string>& texts, Token unknown);
  void index_merges(const std::vector<std::string>& merges);
  std::optional<Token> find_ordinary(std::string_view bytes) const;
  void encode_word(std::string_view word, PairMerger& merger, std::vector<Token>& ids) const;

  AddedTokens added_;
  PreTokenizer pre_tokenizer_;
  bool whole_words_first_;
  bool nfc_;
  std::unordered_map<std::string_view, Token, SaltedHash> ordinary_;  ///< tokens that text may become, by their bytes
  std::array<Token, 256> byte_ids_;  ///< −1: the vocabulary has neither the byte nor an unknown token
  MergeTable merges_;
};

}  // namespace runnel
