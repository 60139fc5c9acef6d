#include <cstdint>
#include <cstring>

#include "tokenizer/sentencepiece_model.h"

namespace runnel {
namespace {

constexpr std::size_t kLongestReplacement = 256;
constexpr std::uint32_t kIsValue = 1U << 31U;

std::uint32_t unit_at(std::string_view text, std::size_t index) {
  std::uint32_t unit = 0;
  std::memcpy(&unit, text.data() + index * sizeof unit, sizeof unit);
  return unit;
}

/// Where the children of a unit of a Darts-clone double array are, relative (xor) to it.
std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10U) << ((unit & 1U << 9U) >> 6U);
}

}  // namespace

/// The map is the size of a trie, the trie (a double array after Darts-clone), and the texts, each ended by 0, that the
/// trie's values point to.
bool is_sound_charsmap(std::string_view charsmap) {
  if (charsmap.size() < sizeof(std::uint32_t)) return charsmap.empty();
  const std::size_t trie_bytes = unit_at(charsmap, 0);
  charsmap.remove_prefix(sizeof(std::uint32_t));
  if (trie_bytes == 0 || trie_bytes % sizeof(std::uint32_t) != 0 || trie_bytes >= charsmap.size()) return false;
  const std::string_view texts = charsmap.substr(trie_bytes);
  if (texts.back() != '\0') return false;
  const std::size_t units = trie_bytes / sizeof(std::uint32_t);
  for (std::size_t i = 0; i < units; ++i) {
    const std::uint32_t unit = unit_at(charsmap, i);
    if (unit & kIsValue) {
      const std::size_t text = unit & ~kIsValue;
      if (text >= texts.size()) return false;
      if (texts.find('\0', text) - text > kLongestReplacement) return false;
    } else if (((i ^ offset_of(unit)) | 0xFFU) >= units) {
      return false;  // a child by some byte would lie outside
    }
  }
  return true;
}

}  // namespace runnel
