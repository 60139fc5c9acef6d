#include "tokenizer/bpe_tokenizer.h"

#include "tokenizer/byte_alphabet.h"
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

BpeTokenizer::BpeTokenizer(const Vocabulary& vocabulary)
    : VocabularyTokenizer(vocabulary, bytes_of),
      added_(vocabulary.tokens, types()),
      pre_tokenizer_(find_pre_tokenizer(vocabulary.pre).patterns),
      whole_words_first_(vocabulary.whole_words_first.value_or(find_pre_tokenizer(vocabulary.pre).whole_words_first)),
      nfc_(vocabulary.nfc.value_or(find_pre_tokenizer(vocabulary.pre).nfc)),
      merges_(vocabulary.merges.size()) {
  index_tokens(vocabulary.tokens, vocabulary.unknown.value_or(-1));
  index_merges(vocabulary.merges);
}

// Of tokens that stand for the same bytes, one that is written in the alphabet counts before one that is not, which no
// merge leads to, and both before an added one.
void BpeTokenizer::index_tokens(const std::vector<std::string>& texts, Token unknown) {
  enum class Kind { spelled, literal, added };
  const auto kind_of = [&](Token id) {
    if (types()[id] == TokenType::user_defined) return Kind::added;
    return types()[id] == TokenType::byte || bytes_from_alphabet(texts[id]) ? Kind::spelled : Kind::literal;
  };
  for (const Kind kind : {Kind::spelled, Kind::literal, Kind::added}) {
    for (Token id = 0; id < size(); ++id) {
      const TokenType type = types()[id];
      if (type == TokenType::control || type == TokenType::unknown || token_bytes()[id].empty()) continue;
      if (kind_of(id) == kind) ordinary_.try_emplace(token_bytes()[id], id);
    }
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    byte_ids_[byte] = find_ordinary(std::string_view(&c, 1)).value_or(unknown);
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

}  // namespace runnel
