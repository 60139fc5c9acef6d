#include <charconv>

#include "tokenizer/json_access.h"
#include "tokenizer/sentencepiece_model.h"

namespace runnel {
namespace {

constexpr const char* kConfigFile = "tokenizer_config.json";

std::optional<Token> token_of(Token id, const Vocabulary& vocabulary) {
  const bool exists = id >= 0 && static_cast<std::size_t>(id) < vocabulary.tokens.size();
  return exists ? std::optional(id) : std::nullopt;
}

/// Tokens that a fine-tuning added, by their ids: {"32000": {"content": "<|im_end|>", "special": true}, …}.
void add_tokens(const nlohmann::json& config, Vocabulary& vocabulary) {
  const nlohmann::json& added = member(config, "added_tokens_decoder");
  if (!added.is_object()) return;
  for (const auto& [key, token] : added.items()) {
    std::int64_t id = -1;
    std::from_chars(key.data(), key.data() + key.size(), id);
    const std::string text = text_of(member(token, "content"));
    const auto known = find_token(vocabulary, text);
    if (known && *known == id && vocabulary.types[*known] != TokenType::normal) continue;
    const TokenType type = is_true(member(token, "special")) ? TokenType::control : TokenType::user_defined;
    set_token(vocabulary, id, text, type, kConfigFile);
  }
  vocabulary.scores.resize(vocabulary.tokens.size());
}

}  // namespace

Vocabulary vocabulary_from_sentencepiece(std::string_view proto, std::string_view config_text) {
  const SentencePieceModel model = read_sentencepiece_model(proto);
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    vocabulary.tokens.push_back(piece.text);
    vocabulary.scores.push_back(piece.score);
    vocabulary.types.push_back(piece.type);
  }
  vocabulary.unigram = model.unigram;
  vocabulary.adds_space_prefix = model.adds_space_prefix;
  vocabulary.removes_extra_spaces = model.removes_extra_spaces;
  vocabulary.charsmap = model.charsmap;
  vocabulary.unknown = token_of(model.unknown, vocabulary);
  vocabulary.bos = token_of(model.bos, vocabulary);
  vocabulary.eos = token_of(model.eos, vocabulary);
  vocabulary.adds_bos = vocabulary.bos.has_value();
  if (config_text.empty()) return vocabulary;
  const nlohmann::json config = parse_json_object(config_text, kConfigFile);
  add_tokens(config, vocabulary);
  if (const auto bos = find_token(vocabulary, name_of_token(config, "bos_token"))) vocabulary.bos = bos;
  if (const auto eos = find_token(vocabulary, name_of_token(config, "eos_token"))) vocabulary.eos = eos;
  const nlohmann::json& adds_bos = member(config, "add_bos_token");
  if (adds_bos.is_boolean()) vocabulary.adds_bos = is_true(adds_bos);
  return vocabulary;
}

}  // namespace runnel
