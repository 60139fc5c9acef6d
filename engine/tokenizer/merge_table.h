#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runnel/tokenizer.h"
#include "tokenizer/salted_hash.h"

namespace runnel {

/// What two neighbouring tokens become.
struct Merge {
  std::int32_t rank;  ///< lower is done first; −1: they are not merged
  Token result;
};

/// The merges of a byte pair vocabulary by their two sides: a hash table with open addressing, at most half full.
class MergeTable {
 public:
  /// Room for `capacity` merges.
  explicit MergeTable(std::size_t capacity);

  /// Adds a merge unless there is one for this pair already. `left` and `right` ≥ 0. At most `capacity` times.
  void add(Token left, Token right, Merge merge);

  Merge find(Token left, Token right) const;

 private:
  struct Slot {
    Token left = -1;
    Token right = -1;
    Merge merge{-1, -1};
  };

  std::size_t slot_of(Token left, Token right) const;

  SaltedHash hash_;
  std::vector<Slot> slots_;  ///< [a power of two]
};

}  // namespace runnel
