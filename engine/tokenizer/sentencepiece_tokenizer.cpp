#include "tokenizer/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "runnel/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/salted_hash.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/utf8.h"

namespace runnel {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";
/// The library undoes merges into unused pieces by recursion, as deep as a piece is long.
constexpr std::size_t kLongestPiece = 512;
constexpr float kLowestScore = -1e9F;

using Piece = SentencePieceModel::Piece;

std::string without_space_marks(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const bool mark = text.substr(at).starts_with(kSpaceMark);
    result += mark ? ' ' : text[at];
    at += mark ? kSpaceMark.size() : 1;
  }
  return result;
}

/// The text of a piece. GGUF files write user defined tokens as they are, with spaces.
std::string piece_text(const std::string& text, TokenType type) {
  if (type != TokenType::user_defined) return text;
  std::string result;
  for (const char c : text) {
    if (c == ' ') {
      result += kSpaceMark;
    } else {
      result += c;
    }
  }
  return result;
}

std::string bytes_of(const std::string& text, TokenType type) {
  if (type == TokenType::control || type == TokenType::unknown) return text;
  if (type == TokenType::byte) {
    if (const auto byte = named_byte(text)) return std::string(1, static_cast<char>(*byte));
  }
  return without_space_marks(text);
}

bool is_usable(std::string_view text, TokenType type) {
  return !text.empty() && text.size() <= kLongestPiece && text.find('\0') == std::string_view::npos &&
         utf8_valid_prefix(text) == text.size() && (type != TokenType::byte || named_byte(text));
}

/// Pieces as the library demands them: each with a text of its own, exactly one unknown, all 256 bytes or none. What is
/// missing is added behind the vocabulary's own; what can't be used becomes a control piece, which no text matches.
class PieceList {
 public:
  explicit PieceList(const Vocabulary& vocabulary, const std::vector<TokenType>& types) {
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      const float score = vocabulary.scores.empty() ? 0 : vocabulary.scores[id];
      add(piece_text(vocabulary.tokens[id], types[id]), std::isfinite(score) ? score : kLowestScore, types[id]);
    }
    if (!has_unknown_) add_missing("<unk>", TokenType::unknown);
    if (!has_bytes_) return;
    for (int byte = 0; byte < 256; ++byte) {
      const std::string name = fmt::format("<0x{:02X}>", byte);
      if (!texts_.contains(name)) add(name, 0, TokenType::byte);
    }
  }

  std::vector<Piece> take() { return std::move(pieces_); }
  bool has_bytes() const { return has_bytes_; }

 private:
  void add(const std::string& text, float score, TokenType type) {
    if (!is_usable(text, type) || texts_.contains(text)) {
      add_missing("<unusable>", TokenType::control);
      return;
    }
    if (type == TokenType::unknown && has_unknown_) type = TokenType::control;
    has_unknown_ |= type == TokenType::unknown;
    has_bytes_ |= type == TokenType::byte;
    texts_.insert(text);
    pieces_.push_back({text, score, type});
  }

  /// Adds a piece with a text like `name` that no other has.
  void add_missing(const std::string& name, TokenType type) {
    std::string text = name;
    while (!texts_.insert(text).second) text = fmt::format("{}{}", name, next_++);
    has_unknown_ |= type == TokenType::unknown;
    pieces_.push_back({text, 0, type});
  }

  std::vector<Piece> pieces_;
  std::unordered_set<std::string, SaltedHash> texts_;
  std::size_t next_ = 0;  ///< numbers the pieces that have no text of their own
  bool has_unknown_ = false;
  bool has_bytes_ = false;
};

/// The types by which control tokens are found; the library finds the user defined ones.
std::vector<TokenType> without_user_defined(std::vector<TokenType> types) {
  std::ranges::replace(types, TokenType::user_defined, TokenType::normal);
  return types;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const Vocabulary& vocabulary)
    : VocabularyTokenizer(vocabulary, bytes_of),
      control_(vocabulary.tokens, without_user_defined(types())),
      unknown_(vocabulary.unknown) {
  byte_ids_.fill(unknown_.value_or(-1));
  for (Token id = size() - 1; id >= 0; --id) {
    if (types()[id] != TokenType::byte) continue;
    if (const auto byte = named_byte(vocabulary.tokens[id])) byte_ids_[*byte] = id;
  }
  load(vocabulary);
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

void SentencePieceTokenizer::load(const Vocabulary& vocabulary) {
  if (!is_sound_charsmap(vocabulary.charsmap)) {
    throw Error("The vocabulary's normalization (precompiled_charsmap) is damaged. Download the model again.");
  }
  PieceList pieces(vocabulary, types());
  SentencePieceModel model;
  model.byte_fallback = pieces.has_bytes();
  model.pieces = pieces.take();
  model.unigram = vocabulary.unigram;
  model.removes_extra_spaces = vocabulary.removes_extra_spaces;
  model.charsmap = vocabulary.charsmap;
  const auto load_one = [&](bool with_prefix) {
    model.adds_space_prefix = with_prefix;
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    const auto status = processor->LoadFromSerializedProto(write_sentencepiece_model(model));
    if (!status.ok()) throw Error("The model's vocabulary can't be used by sentencepiece.", status.ToString());
    return processor;
  };
  plain_ = load_one(false);
  if (vocabulary.adds_space_prefix) prefixing_ = load_one(true);
}

std::vector<Token> SentencePieceTokenizer::encode(const MarkedText& text) const {
  return encode(text, true);
}

std::vector<Token> SentencePieceTokenizer::encode_after(Token previous, const MarkedText& text) const {
  return encode(text, is_control(previous));
}

std::vector<Token> SentencePieceTokenizer::encode(const MarkedText& marked, bool at_beginning) const {
  const std::string text = plain(marked);
  std::vector<Token> ids;
  for (const AddedTokens::Part& part : control_.partition(text, marked)) {
    if (part.token >= 0) {
      ids.push_back(part.token);
    } else {
      const bool with_prefix = prefixing_ && (at_beginning || part.begin > 0);
      encode_part(std::string_view(text).substr(part.begin, part.end - part.begin), with_prefix, ids);
    }
  }
  return ids;
}

void SentencePieceTokenizer::encode_part(std::string_view text, bool with_prefix, std::vector<Token>& ids) const {
  while (!text.empty()) {
    const std::size_t valid = utf8_valid_prefix(text);
    encode_valid(text.substr(0, valid), with_prefix, ids);
    text.remove_prefix(valid);
    const std::size_t invalid = utf8_step(text).length;
    for (const char c : text.substr(0, invalid)) {
      const Token id = byte_ids_[static_cast<unsigned char>(c)];
      if (id >= 0) ids.push_back(id);
    }
    text.remove_prefix(invalid);
    with_prefix = false;
  }
}

void SentencePieceTokenizer::encode_valid(std::string_view text, bool with_prefix, std::vector<Token>& ids) const {
  std::vector<int> pieces;
  const auto status = (with_prefix ? prefixing_ : plain_)->Encode({text.data(), text.size()}, &pieces);
  if (!status.ok()) throw Error("The text can't be split into tokens.", status.ToString());
  for (const int piece : pieces) {
    if (piece < size()) {
      ids.push_back(piece);
    } else if (unknown_) {
      ids.push_back(*unknown_);
    }
  }
}

}  // namespace runnel
