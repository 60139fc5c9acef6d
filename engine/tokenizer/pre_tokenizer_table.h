#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// How a family of byte-level vocabularies prepares text.
struct PreTokenizerRow {
  std::vector<std::string_view> names;  ///< in GGUF files (tokenizer.ggml.pre)
  std::vector<std::string> patterns;    ///< for PreTokenizer; no word is found in more than linear time
  bool whole_words_first = false;       ///< a word that is a token is taken as it is, whatever the merges say
  bool nfc = false;                     ///< text is normalized to NFC first
  bool adds_bos = false;                ///< a text begins with BOS where the file does not say
};

/// Looks up a GGUF name; "" is "default". Throws Error, with the names that are known, for any other.
const PreTokenizerRow& find_pre_tokenizer(std::string_view name);

/// Whether texts of the family with this GGUF name begin with BOS where the file does not say; not if it is unknown.
bool family_adds_bos(std::string_view name);

/// The GGUF name of a row with these patterns (as a tokenizer.json has them), if there is one.
std::optional<std::string_view> name_of_pre_tokenizer(const std::vector<std::string>& patterns);

/// The same of a row that also treats whole words and normalization so.
std::optional<std::string_view> name_of_pre_tokenizer(const std::vector<std::string>& patterns, bool whole_words_first,
                                                      bool nfc);

}  // namespace runnel
