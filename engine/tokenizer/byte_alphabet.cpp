#include "tokenizer/byte_alphabet.h"

#include <array>
#include <charconv>

#include "tokenizer/utf8.h"

namespace runnel {
namespace {

constexpr int kFirstMoved = 0x100;
constexpr int kMovedBytes = 68;

constexpr bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// [U+0000 … U+0143] → byte, or −1 for a character outside the alphabet.
constexpr auto kByteOfCharacter = [] {
  std::array<int, kFirstMoved + kMovedBytes> table{};
  int moved = kFirstMoved;
  for (int byte = 0; byte < 256; ++byte) {
    table[byte] = -1;
    if (stands_for_itself(byte)) table[byte] = byte;
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (!stands_for_itself(byte)) table[moved++] = byte;
  }
  return table;
}();

/// Code point of a well-formed character of 1 or 2 bytes (all that the alphabet has); a large number otherwise.
unsigned code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first;
  if (character.size() > 2) return ~0U;
  return (first & 0x1FU) << 6U | (static_cast<unsigned char>(character[1]) & 0x3FU);
}

}  // namespace

std::optional<std::string> bytes_from_alphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (step.kind != Utf8Step::Kind::character) return std::nullopt;
    const unsigned character = code_point(text.substr(0, step.length));
    if (character >= kByteOfCharacter.size() || kByteOfCharacter[character] < 0) return std::nullopt;
    bytes += static_cast<char>(kByteOfCharacter[character]);
    text.remove_prefix(step.length);
  }
  return bytes;
}

std::optional<unsigned char> named_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  unsigned char byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
  if (error != std::errc{} || end != text.data() + 5) return std::nullopt;
  return byte;
}

}  // namespace runnel
