#pragma once

#include <string>
#include <string_view>

#include "runnel/tokenizer.h"

namespace runnel {

/// A token as it may be shown by itself: valid UTF-8 on one line, short, nothing in it acts on the text around it.
/// Control tokens give their name (<|im_end|>), all others what `label_of_bytes` says of their bytes.
/// Throws Error when `token` is out of range.
std::string token_label(const Tokenizer& tokenizer, Token token);

/// What a token stands for: its text in quotation marks (“ remember”), or its bytes in hexadecimal (F0 9F) where these
/// are not whole characters. Line breaks and tabs are shown by ⏎, ␍ and ⇥; other characters that can't be seen, those
/// that change the direction of writing among them, by their code points (‹U+200D›). More than 24 characters, or 8
/// bytes, are cut off and marked by an ellipsis.
std::string label_of_bytes(std::string_view bytes);

}  // namespace runnel
