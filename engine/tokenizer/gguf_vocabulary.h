#pragma once

#include "format/gguf_file.h"
#include "tokenizer/vocabulary.h"

namespace runnel {

/// The vocabulary in a GGUF file's metadata (GGUF specification, "Tokenizer"); what the file does not say is filled in
/// as the converters of the time meant it. Throws Error, naming file and key, when a key has the wrong type or there is
/// no vocabulary. Whether it can be used is for `make_tokenizer` to say.
Vocabulary vocabulary_from_gguf(const GgufFile& file);

}  // namespace runnel
