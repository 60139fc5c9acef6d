#pragma once

#include <cstdint>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace runnel {

/// What each token of a vocabulary is for.
struct TokenRoles {
  std::vector<TokenType> types;         ///< [n_vocab]
  std::vector<bool> end_of_generation;  ///< [n_vocab]
};

/// Reads the roles from a vocabulary that `check` accepts.
///
/// End of generation are eos, what the file names besides, and tokens with the text of a known end of turn if they are
/// control or user defined. A token that the file types as user defined (recognized in everybody's text) but that is
/// one of those, bos, or has the shape "<|…|>", is control here: nobody's message may end or begin a turn. The same
/// goes for all tokens of a vocabulary without types. Only "</s>" stays user defined where eos is another token: it is
/// a tag of HTML then.
TokenRoles roles_of(const Vocabulary& vocabulary);

/// Throws Error when the vocabulary contradicts itself: no tokens, arrays of different lengths, ids out of range (the
/// message names the key of the file and the value).
void check(const Vocabulary& vocabulary);

}  // namespace runnel
