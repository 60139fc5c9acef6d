#pragma once

#include <string>

#include "tokenizer/vocabulary.h"

namespace runnel {

/// 16 hexadecimal digits that depend on everything in `vocabulary` that decides which ids a text gets (FNV-1a, 64
/// bits). Not meant against forgery.
std::string fingerprint_of(const Vocabulary& vocabulary);

}  // namespace runnel
