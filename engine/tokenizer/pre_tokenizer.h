#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// Cuts text into the words that byte pair encoding works on, by regular expressions as tokenizer definitions have
/// them (Perl syntax; \p, \s and \d by Unicode properties). Each pattern in turn cuts the pieces that the ones before
/// left: every match becomes a piece, and so does what lies between two matches. Immutable; `split` may be called from
/// any thread.
class PreTokenizer {
 public:
  /// Throws Error when a pattern is not a regular expression.
  explicit PreTokenizer(std::span<const std::string> patterns);
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  /// The words of `text` in order; joined they are `text`, and none is empty. A stretch that is not UTF-8 is a word for
  /// itself. Backtracking lives on the heap and is bounded: if a pattern exceeds the bound on some text, the rest of
  /// that piece stays uncut (does not happen with the patterns of `find_pre_tokenizer`).
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  class Pattern;
  std::vector<Pattern> patterns_;
};

}  // namespace runnel
