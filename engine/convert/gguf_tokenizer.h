#pragma once

#include <string>

#include "format/gguf_writer.h"
#include "tokenizer/vocabulary.h"

namespace runnel {

/// Writes a vocabulary under the keys that GGUF gives it (specification, "Tokenizer"), filled up with unused tokens to
/// `n_vocab`, the rows of the embedding. Byte-level BPE, and sentencepiece's byte pair encoding. Throws Error,
/// beginning with `label`, that says what GGUF can't express: a unigram model, a normalization of its own, spaces that
/// are removed, a pre-tokenizer that has no name; or that there are more tokens than rows.
void write_vocabulary(GgufWriter& writer, const Vocabulary& vocabulary, int n_vocab, const std::string& label);

}  // namespace runnel
