#pragma once

#include <span>
#include <vector>

#include "runnel/cache.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// Ids of the cached tokens in cache order, for models that evaluate them again after an eviction.
class RankedTokens {
 public:
  void append(std::span<const Token> tokens);
  void clear() { ids_.clear(); }
  /// The cache held the tokens of `before`, and now holds those of `after`, which are among them.
  void follow(std::span<const Run> before, std::span<const Run> after);
  std::span<const Token> all() const { return ids_; }

 private:
  std::vector<Token> ids_;
};

}  // namespace runnel
