#include "tokenizer/pair_merger.h"

#include <algorithm>

namespace runnel {
namespace {

constexpr auto kComesLater = [](const auto& a, const auto& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
};

}  // namespace

void PairMerger::merge(std::string_view word, const std::array<Token, 256>& byte_ids, std::vector<Token>& ids) {
  const auto count = static_cast<std::int32_t>(word.size());
  symbols_.clear();
  queue_.clear();
  for (std::int32_t i = 0; i < count; ++i) {
    symbols_.push_back({byte_ids[static_cast<unsigned char>(word[i])], i - 1, i + 1 < count ? i + 1 : -1, false});
  }
  for (std::int32_t i = 0; i + 1 < count; ++i) propose(i);
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), kComesLater);
    const Candidate candidate = queue_.back();
    queue_.pop_back();
    if (is_current(candidate)) apply(candidate);
  }
  for (const Symbol& symbol : symbols_) {
    if (!symbol.gone && symbol.id >= 0) ids.push_back(symbol.id);
  }
}

void PairMerger::propose(std::int32_t left) {
  if (left < 0 || symbols_[left].next < 0) return;
  const Token left_id = symbols_[left].id;
  const Token right_id = symbols_[symbols_[left].next].id;
  if (left_id < 0 || right_id < 0) return;
  const Merge found = merges_.find(left_id, right_id);
  if (found.rank < 0) return;
  queue_.push_back({found.rank, left, left_id, right_id, found.result});
  std::push_heap(queue_.begin(), queue_.end(), kComesLater);
}

bool PairMerger::is_current(const Candidate& candidate) const {
  const Symbol& left = symbols_[candidate.position];
  return !left.gone && left.id == candidate.left && left.next >= 0 && symbols_[left.next].id == candidate.right;
}

void PairMerger::apply(const Candidate& candidate) {
  Symbol& left = symbols_[candidate.position];
  Symbol& right = symbols_[left.next];
  left.id = candidate.result;
  right.gone = true;
  left.next = right.next;
  if (left.next >= 0) symbols_[left.next].previous = candidate.position;
  propose(left.previous);
  propose(candidate.position);
}

}  // namespace runnel
