#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace runnel {

/// Vocabularies of sentencepiece, GGUF's model "llama", through the sentencepiece library.
class SentencePieceTokenizer final : public VocabularyTokenizer {
 public:
  /// `vocabulary` must have passed `check`. Throws Error when the library refuses it. Tokens the library can't have
  /// (empty, repeated, not UTF-8, very long ones) are kept, but no text becomes one of them.
  explicit SentencePieceTokenizer(const Vocabulary& vocabulary);
  ~SentencePieceTokenizer() override;

  using VocabularyTokenizer::encode;
  std::vector<Token> encode(const MarkedText& text) const override;
  std::vector<Token> encode_after(Token previous, const MarkedText& text) const override;
  bool adds_space_prefix() const override { return prefixing_ != nullptr; }

 private:
  using Processor = std::unique_ptr<sentencepiece::SentencePieceProcessor>;

  void load(const Vocabulary& vocabulary);
  std::vector<Token> encode(const MarkedText& marked, bool at_beginning) const;
  void encode_part(std::string_view text, bool with_prefix, std::vector<Token>& ids) const;
  void encode_valid(std::string_view text, bool with_prefix, std::vector<Token>& ids) const;

  AddedTokens control_;              ///< user defined tokens are found by the library
  std::array<Token, 256> byte_ids_;  ///< −1: neither the byte nor an unknown token
  Processor plain_;                  ///< puts no space before a text
  Processor prefixing_;              ///< puts one; null if texts get none
  std::optional<Token> unknown_;
};

}  // namespace runnel
