#include "tokenizer/bpe_tokenizer.h"

#include "runnel/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/fingerprint.h"
#include "tokenizer/nfc.h"
#include "tokenizer/pre_tokenizer_table.h"

namespace runnel {
namespace {

/// What a token stands for. Added tokens are written as they are, all others in the alphabet of bytes; what is not in
/// the alphabet is taken as it is.
std::string bytes_of(const std::string& text, TokenType type) {
  if (type == TokenType::control || type == TokenType::unknown || type == TokenType::user_defined) return text;
  if (type == TokenType::byte) {
    if (const auto byte = named_byte(text)) return std::string(1, static_cast<char>(*byte));
  }
  return bytes_from_alphabet(text).value_or(text);
}

}  // namespace

BpeTokenizer::BpeTokenizer(Vocabulary vocabulary)
    : roles_(roles_of(vocabulary)),
      added_(vocabulary.tokens, roles_.types),
      pre_tokenizer_(find_pre_tokenizer(vocabulary.pre).patterns),
      whole_words_first_(vocabulary.whole_words_first.value_or(find_pre_tokenizer(vocabulary.pre).whole_words_first)),
      nfc_(vocabulary.nfc.value_or(find_pre_tokenizer(vocabulary.pre).nfc)),
      merges_(vocabulary.merges.size()),
      bos_(vocabulary.bos),
      eos_(vocabulary.eos),
      adds_bos_(vocabulary.adds_bos && vocabulary.bos),
      fingerprint_(fingerprint_of(vocabulary)) {
  index_tokens(vocabulary);
  index_merges(vocabulary.merges);
}

void BpeTokenizer::index_tokens(const Vocabulary& vocabulary) {
  bytes_.reserve(vocabulary.tokens.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    bytes_.push_back(bytes_of(vocabulary.tokens[id], roles_.types[id]));
  }
  for (const bool added : {false, true}) {  // where both have the same bytes, the token of the vocabulary proper counts
    for (std::size_t id = 0; id < bytes_.size(); ++id) {
      const TokenType type = roles_.types[id];
      if (type == TokenType::control || type == TokenType::unknown || bytes_[id].empty()) continue;
      if ((type == TokenType::user_defined) == added) ordinary_.try_emplace(bytes_[id], static_cast<Token>(id));
    }
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    byte_ids_[byte] = find_ordinary(std::string_view(&c, 1)).value_or(vocabulary.unknown.value_or(-1));
  }
}

void BpeTokenizer::index_merges(const std::vector<std::string>& merges) {
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) continue;
    const auto left_bytes = bytes_from_alphabet(merge.substr(0, space));
    const auto right_bytes = bytes_from_alphabet(merge.substr(space + 1));
    if (!left_bytes || !right_bytes) continue;
    const auto left = find_ordinary(*left_bytes);
    const auto right = find_ordinary(*right_bytes);
    const auto result = find_ordinary(*left_bytes + *right_bytes);
    if (left && right && result) merges_.add(*left, *right, {static_cast<std::int32_t>(rank), *result});
  }
}

std::optional<Token> BpeTokenizer::find_ordinary(std::string_view bytes) const {
  const auto found = ordinary_.find(bytes);
  return found == ordinary_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Token> BpeTokenizer::encode(const MarkedText& marked) const {
  const std::string text = plain(marked);
  PairMerger merger(merges_);
  std::vector<Token> ids;
  for (const AddedTokens::Part& part : added_.partition(text, marked)) {
    if (part.token >= 0) {
      ids.push_back(part.token);
      continue;
    }
    const std::string_view written = std::string_view(text).substr(part.begin, part.end - part.begin);
    const std::string normalized = nfc_ ? to_nfc(written) : std::string();
    for (const std::string_view word : pre_tokenizer_.split(nfc_ ? normalized : written)) {
      encode_word(word, merger, ids);
    }
  }
  return ids;
}

void BpeTokenizer::encode_word(std::string_view word, PairMerger& merger, std::vector<Token>& ids) const {
  if (whole_words_first_) {
    if (const auto whole = find_ordinary(word)) {
      ids.push_back(*whole);
      return;
    }
  }
  merger.merge(word, byte_ids_, ids);
}

std::string BpeTokenizer::bytes(Token token) const {
  check_range(token);
  return bytes_[token];
}

bool BpeTokenizer::is_control(Token token) const {
  check_range(token);
  return roles_.types[token] == TokenType::control;
}

bool BpeTokenizer::is_end_of_generation(Token token) const {
  check_range(token);
  return roles_.end_of_generation[token];
}

void BpeTokenizer::check_range(Token token) const {
  if (token >= 0 && token < size()) return;
  throw Error("Token " + std::to_string(token) + " is not in the vocabulary, which has the tokens 0 to " +
              std::to_string(size() - 1) + ".");
}

}  // namespace runnel
