#include "tokenizer/gguf_vocabulary.h"

#include "tokenizer/pre_tokenizer_table.h"

namespace runnel {
namespace {

template <typename T>
std::vector<T> list(const GgufFile& file, const char* key) {
  return file.find<std::vector<T>>(key).value_or(std::vector<T>());
}

std::vector<TokenType> types_of(const GgufFile& file) {
  std::vector<TokenType> types;
  for (const auto type : list<std::int32_t>(file, "tokenizer.ggml.token_type")) {
    types.push_back(static_cast<TokenType>(type));
  }
  return types;
}

}  // namespace

Vocabulary vocabulary_from_gguf(const GgufFile& file) {
  Vocabulary vocabulary;
  vocabulary.model = file.get<std::string>("tokenizer.ggml.model");
  vocabulary.pre = file.find<std::string>("tokenizer.ggml.pre").value_or("");
  vocabulary.tokens = file.get<std::vector<std::string>>("tokenizer.ggml.tokens");
  vocabulary.types = types_of(file);
  vocabulary.scores = list<float>(file, "tokenizer.ggml.scores");
  vocabulary.merges = list<std::string>(file, "tokenizer.ggml.merges");
  vocabulary.bos = file.find<Token>("tokenizer.ggml.bos_token_id");
  vocabulary.eos = file.find<Token>("tokenizer.ggml.eos_token_id");
  vocabulary.unknown = file.find<Token>("tokenizer.ggml.unknown_token_id");
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (const auto id = file.find<Token>(key)) vocabulary.end_of_generation.push_back(*id);
  }
  const bool sentencepiece = vocabulary.model == "llama";
  vocabulary.adds_bos =
      file.find<bool>("tokenizer.ggml.add_bos_token").value_or(sentencepiece || family_adds_bos(vocabulary.pre));
  vocabulary.adds_space_prefix = file.find<bool>("tokenizer.ggml.add_space_prefix").value_or(sentencepiece);
  return vocabulary;
}

}  // namespace runnel
