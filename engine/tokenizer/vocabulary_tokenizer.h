#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tokenizer/token_roles.h"

namespace runnel {

/// What tokenizers of all kinds have in common: the facts about each token.
class VocabularyTokenizer : public Tokenizer {
 public:
  using Tokenizer::encode;
  std::string bytes(Token token) const override;
  int size() const override { return static_cast<int>(bytes_.size()); }
  bool is_control(Token token) const override;
  bool is_end_of_generation(Token token) const override;
  std::optional<Token> bos() const override { return bos_; }
  std::optional<Token> eos() const override { return eos_; }
  bool adds_bos() const override { return adds_bos_; }
  std::string fingerprint() const override { return fingerprint_; }

 protected:
  /// `vocabulary` must have passed `check`. `bytes_of` says what a token stands for, by its text and type.
  VocabularyTokenizer(const Vocabulary& vocabulary, std::string (*bytes_of)(const std::string&, TokenType));

  const std::vector<TokenType>& types() const { return roles_.types; }
  /// [n_vocab] what each token stands for
  const std::vector<std::string>& token_bytes() const { return bytes_; }

 private:
  void check_range(Token token) const;

  TokenRoles roles_;
  std::vector<std::string> bytes_;
  std::optional<Token> bos_;
  std::optional<Token> eos_;
  bool adds_bos_;
  std::string fingerprint_;
};

}  // namespace runnel
