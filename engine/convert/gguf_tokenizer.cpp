#include "convert/gguf_tokenizer.h"

#include <vector>

#include "runnel/error.h"
#include "tokenizer/pre_tokenizer_table.h"
#include "tokenizer/token_roles.h"

namespace runnel {
namespace {

void refuse_if(bool refused, const std::string& label, const std::string& what) {
  if (refused) throw Error(label + " can't be saved as GGUF: its tokenizer " + what + ", which GGUF can't express.");
}

// The pre-tokenizer's name stands for normalization and handling of whole words, too.
std::string pre_tokenizer(const Vocabulary& vocabulary, const std::string& label) {
  const PreTokenizerRow& row = find_pre_tokenizer(vocabulary.pre);
  const bool whole_words_first = vocabulary.whole_words_first.value_or(row.whole_words_first);
  const bool nfc = vocabulary.nfc.value_or(row.nfc);
  const auto name = name_of_pre_tokenizer(row.patterns, whole_words_first, nfc);
  refuse_if(!name, label,
            "combines the pre-tokenizer \"" + vocabulary.pre + "\" with " + (nfc ? "" : "no ") +
                "normalization to NFC and " + (whole_words_first ? "whole words first" : "merges alone"));
  return std::string(*name);
}

void refuse_sentencepiece(const Vocabulary& vocabulary, const std::string& label) {
  refuse_if(vocabulary.unigram, label, "is a unigram model");
  refuse_if(!vocabulary.charsmap.empty(), label, "has a normalization map of its own");
  refuse_if(vocabulary.removes_extra_spaces, label, "removes spaces");
}

void write_tokens(GgufWriter& writer, const Vocabulary& vocabulary, std::size_t n_vocab) {
  std::vector<std::string> tokens = vocabulary.tokens;
  std::vector<std::int32_t> types;
  for (const TokenType type : roles_of(vocabulary).types) types.push_back(static_cast<std::int32_t>(type));
  tokens.resize(n_vocab);
  types.resize(n_vocab);
  for (std::size_t id = 0; id < n_vocab; ++id) {
    if (!tokens[id].empty()) continue;
    tokens[id] = "[PAD" + std::to_string(id) + "]";  // other programs want each token to have a name
    types[id] = static_cast<std::int32_t>(TokenType::unused);
  }
  writer.set("tokenizer.ggml.tokens", tokens);
  writer.set("tokenizer.ggml.token_type", types);
  if (vocabulary.scores.empty()) return;
  std::vector<float> scores = vocabulary.scores;
  constexpr float never = -1000;
  scores.resize(n_vocab, never);
  writer.set("tokenizer.ggml.scores", scores);
}

void write_ids(GgufWriter& writer, const Vocabulary& vocabulary) {
  const auto write = [&writer](const char* key, std::optional<Token> id) {
    if (id) writer.set(key, static_cast<std::uint32_t>(*id));
  };
  write("tokenizer.ggml.bos_token_id", vocabulary.bos);
  write("tokenizer.ggml.eos_token_id", vocabulary.eos);
  write("tokenizer.ggml.unknown_token_id", vocabulary.unknown);
  if (!vocabulary.end_of_generation.empty()) write("tokenizer.ggml.eot_token_id", vocabulary.end_of_generation.front());
  writer.set("tokenizer.ggml.add_bos_token", vocabulary.adds_bos);
}

}  // namespace

void write_vocabulary(GgufWriter& writer, const Vocabulary& vocabulary, int n_vocab, const std::string& label) {
  check(vocabulary);
  if (vocabulary.tokens.size() > static_cast<std::size_t>(n_vocab)) {
    throw Error(label + " can't be saved: its vocabulary has " + std::to_string(vocabulary.tokens.size()) +
                " tokens and its embedding only " + std::to_string(n_vocab) + " rows.");
  }
  const bool sentencepiece = vocabulary.model == "llama";
  refuse_if(!sentencepiece && vocabulary.model != "gpt2", label, "is of the kind \"" + vocabulary.model + "\"");
  if (sentencepiece) refuse_sentencepiece(vocabulary, label);
  writer.set("tokenizer.ggml.model", vocabulary.model);
  if (!sentencepiece) writer.set("tokenizer.ggml.pre", pre_tokenizer(vocabulary, label));
  write_tokens(writer, vocabulary, static_cast<std::size_t>(n_vocab));
  if (!vocabulary.merges.empty()) writer.set("tokenizer.ggml.merges", vocabulary.merges);
  if (sentencepiece) writer.set("tokenizer.ggml.add_space_prefix", vocabulary.adds_space_prefix);
  write_ids(writer, vocabulary);
}

}  // namespace runnel
