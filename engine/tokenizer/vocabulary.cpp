#include "tokenizer/vocabulary.h"

#include "runnel/error.h"
#include "tokenizer/bpe_tokenizer.h"
#include "tokenizer/token_roles.h"

namespace runnel {

std::unique_ptr<Tokenizer> make_tokenizer(Vocabulary vocabulary) {
  check(vocabulary);
  if (vocabulary.model == "gpt2") return std::make_unique<BpeTokenizer>(std::move(vocabulary));
  throw Error("The tokenizer \"" + vocabulary.model +
              "\" (tokenizer.ggml.model) is not supported; known is gpt2 (byte-level BPE).");
}

}  // namespace runnel
