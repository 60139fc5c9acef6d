#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"

namespace runnel {

/// Byte pair encoding of one word after another (Sennrich et al. 2016, arXiv 1508.07909): the neighbours with the
/// lowest rank are merged, the leftmost first, until no neighbours can be merged. O(n log n) for a word of n symbols.
/// Keeps its buffers from word to word.
class PairMerger {
 public:
  explicit PairMerger(const MergeTable& merges) : merges_(merges) {}

  /// Merges the bytes of `word` and appends what they become to `ids`. `byte_ids` are the tokens of single bytes, or
  /// negative: such a byte merges with nothing and is left out.
  void merge(std::string_view word, const std::array<Token, 256>& byte_ids, std::vector<Token>& ids);

 private:
  struct Symbol {
    Token id;
    std::int32_t previous;  ///< −1: none
    std::int32_t next;      ///< −1: none
    bool gone;              ///< taken into the symbol before it
  };
  struct Candidate {
    std::int32_t rank;
    std::int32_t position;  ///< of the left symbol
    Token left;
    Token right;
    Token result;
  };

  void propose(std::int32_t left);
  bool is_current(const Candidate& candidate) const;
  void apply(const Candidate& candidate);

  const MergeTable& merges_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> queue_;  ///< heap, the next merge at the front
};

}  // namespace runnel
