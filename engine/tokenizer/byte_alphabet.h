#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runnel {

/// Reads a token of a byte-level vocabulary. GPT-2 (Radford et al. 2019) writes each of the 256 bytes as one printable
/// character: the printable ones of Latin-1 (0x21–0x7E, 0xA1–0xAC, 0xAE–0xFF) as themselves, the others, in order, as
/// U+0100 … U+0143 (so a space is "Ġ", a line feed "Ċ"). None when `text` has a character outside this alphabet.
std::optional<std::string> bytes_from_alphabet(std::string_view text);

/// The one byte that a byte token names ("<0x0A>"). None when `text` is not of this form.
std::optional<unsigned char> named_byte(std::string_view text);

}  // namespace runnel
