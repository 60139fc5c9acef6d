#include "format/printable.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace runnel {
namespace {

constexpr std::size_t longest_path = 4096;

/// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode 15, table 3-7), 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                             : lead >= 0xE0 && lead <= 0xEF ? 3
                             : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool surrogate = lead == 0xED && at(1) > 0x9F;
  const bool beyond = lead == 0xF4 && at(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

/// C0 and C1 controls, DEL, and the bidirectional controls that would reorder the sentence around them.
bool is_control(std::string_view sequence) {
  if (sequence.size() == 1) return static_cast<std::uint8_t>(sequence[0]) < 0x20 || sequence[0] == 0x7F;
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<std::uint8_t>(sequence[1]) < 0xA0;
  static constexpr std::array<std::string_view, 13> separators_and_directions = {
      "\u2028", "\u2029", "\u200E", "\u200F", "\u202A", "\u202B", "\u202C",
      "\u202D", "\u202E", "\u2066", "\u2067", "\u2068", "\u2069"};
  for (std::string_view control : separators_and_directions) {
    if (sequence == control) return true;
  }
  return false;
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    std::string piece(text.substr(0, length == 0 ? 1 : length));
    text.remove_prefix(piece.size());
    if (length == 0 || is_control(piece)) {
      std::string escaped;
      for (char byte : piece) escaped += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
      piece = std::move(escaped);
    }
    if (out.size() + piece.size() > max_bytes) return out + "…";
    out += piece;
  }
  return out;
}

std::string printable_path(const std::filesystem::path& path) {
  return printable(path.native(), longest_path);
}

}  // namespace runnel
