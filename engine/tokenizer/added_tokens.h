#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/token_roles.h"

namespace runnel {

/// Names of tokens, found by their beginning.
class NameSet {
 public:
  struct Name {
    std::string text;
    Token token;
  };

  /// Of equal names the lowest token stays; empty and absurdly long names (above 256 bytes) are left out.
  explicit NameSet(std::vector<Name> names);

  /// The longest name that `text`, not empty, begins with; null if there is none.
  const Name* longest(std::string_view text) const;

 private:
  std::vector<Name> names_;                      ///< sorted by text, each once
  std::array<std::uint32_t, 257> first_byte_{};  ///< where the names that begin with a byte begin; the last is the end
};

/// The tokens that are found in text by their name, before it is cut into words: control tokens where the text is
/// trusted and, in all that is left, user defined ones. The leftmost match is taken, of those the longest. Control
/// tokens come first, so that nothing in front of a turn marker can swallow a part of it.
class AddedTokens {
 public:
  /// A part of a text: a token, or the text between two of them.
  struct Part {
    std::size_t begin;
    std::size_t end;
    Token token;  ///< −1: text
  };

  AddedTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types);

  /// Cuts `text` (= plain(marked)) into its parts, none of them empty. O(length · longest name).
  std::vector<Part> partition(std::string_view text, const MarkedText& marked) const;

 private:
  NameSet control_;
  NameSet user_defined_;
};

}  // namespace runnel
