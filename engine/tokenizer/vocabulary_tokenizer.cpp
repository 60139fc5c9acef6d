#include "tokenizer/vocabulary_tokenizer.h"

#include "runnel/error.h"
#include "tokenizer/fingerprint.h"

namespace runnel {

VocabularyTokenizer::VocabularyTokenizer(const Vocabulary& vocabulary,
                                         std::string (*bytes_of)(const std::string&, TokenType))
    : roles_(roles_of(vocabulary)),
      bos_(vocabulary.bos),
      eos_(vocabulary.eos),
      adds_bos_(vocabulary.adds_bos && vocabulary.bos),
      fingerprint_(fingerprint_of(vocabulary)) {
  bytes_.reserve(vocabulary.tokens.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    bytes_.push_back(bytes_of(vocabulary.tokens[id], roles_.types[id]));
  }
}

std::string VocabularyTokenizer::bytes(Token token) const {
  check_range(token);
  return bytes_[token];
}

bool VocabularyTokenizer::is_control(Token token) const {
  check_range(token);
  return roles_.types[token] == TokenType::control;
}

bool VocabularyTokenizer::is_end_of_generation(Token token) const {
  check_range(token);
  return roles_.end_of_generation[token];
}

void VocabularyTokenizer::check_range(Token token) const {
  if (token >= 0 && token < size()) return;
  throw Error("Token " + std::to_string(token) + " is not in the vocabulary, which has the tokens 0 to " +
              std::to_string(size() - 1) + ".");
}

}  // namespace runnel
