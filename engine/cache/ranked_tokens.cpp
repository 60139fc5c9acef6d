#include "cache/ranked_tokens.h"

#include <algorithm>

namespace runnel {

void RankedTokens::append(std::span<const Token> tokens) {
  ids_.insert(ids_.end(), tokens.begin(), tokens.end());
}

void RankedTokens::follow(std::span<const Run> before, std::span<const Run> after) {
  std::vector<Token> kept;
  std::size_t rank = 0;
  for (const Run& old : before) {
    for (const Run& run : after) {  // both ascend in positions
      const std::int64_t first = std::max(old.first, run.first);
      const std::int64_t end = std::min(old.first + old.length, run.first + run.length);
      for (std::int64_t position = first; position < end; ++position)
        kept.push_back(ids_[rank + static_cast<std::size_t>(position - old.first)]);
    }
    rank += static_cast<std::size_t>(old.length);
  }
  ids_ = std::move(kept);
}

}  // namespace runnel
