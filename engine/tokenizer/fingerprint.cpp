#include "tokenizer/fingerprint.h"

#include <spdlog/fmt/fmt.h>

#include <bit>
#include <cstdint>
#include <string_view>

namespace runnel {
namespace {

class Fnv1a {
 public:
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
  }
  void add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) add_byte(static_cast<unsigned char>(number >> (8 * i)));
  }
  std::uint64_t value() const { return value_; }

 private:
  void add_byte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001B3U; }

  std::uint64_t value_ = 0xCBF29CE484222325U;
};

std::uint64_t number(const std::optional<Token>& id) {
  return id ? static_cast<std::uint64_t>(*id) + 1 : 0;
}

std::uint64_t number(const std::optional<bool>& choice) {
  return choice ? 1 + (*choice ? 1 : 0) : 0;
}

}  // namespace

std::string fingerprint_of(const Vocabulary& vocabulary) {
  Fnv1a hash;
  hash.add(vocabulary.model);
  hash.add(vocabulary.pre);
  for (const std::string& token : vocabulary.tokens) hash.add(token);
  for (const TokenType type : vocabulary.types) hash.add(static_cast<std::uint64_t>(type));
  for (const float score : vocabulary.scores) hash.add(std::bit_cast<std::uint32_t>(score));
  for (const std::string& merge : vocabulary.merges) hash.add(merge);
  hash.add(number(vocabulary.bos));
  hash.add(number(vocabulary.eos));
  hash.add(number(vocabulary.unknown));
  for (const Token token : vocabulary.end_of_generation) hash.add(static_cast<std::uint64_t>(token));
  hash.add(number(vocabulary.whole_words_first));
  hash.add(number(vocabulary.nfc));
  hash.add((vocabulary.adds_bos ? 1U : 0U) | (vocabulary.adds_space_prefix ? 2U : 0U) |
           (vocabulary.removes_extra_spaces ? 4U : 0U) | (vocabulary.unigram ? 8U : 0U));
  hash.add(vocabulary.charsmap);
  return fmt::format("{:016x}", hash.value());
}

}  // namespace runnel
