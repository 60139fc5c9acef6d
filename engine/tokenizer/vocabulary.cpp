#include "tokenizer/vocabulary.h"

#include "runnel/error.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/sentencepiece_tokenizer.h"
#include "tokenizer/token_roles.h"

namespace runnel {

std::unique_ptr<Tokenizer> make_tokenizer(const Vocabulary& vocabulary) {
  check(vocabulary);
  if (vocabulary.model == "gpt2") return std::make_unique<BpeTokenizer>(vocabulary);
  if (vocabulary.model == "llama") return std::make_unique<SentencePieceTokenizer>(vocabulary);
  throw Error("The tokenizer \"" + vocabulary.model +
              "\" (tokenizer.ggml.model) is not supported; known are gpt2 (byte-level BPE) and llama (sentencepiece).");
}

}  // namespace runnel
