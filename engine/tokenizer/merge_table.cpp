#include "tokenizer/merge_table.h"

#include <bit>

namespace runnel {

MergeTable::MergeTable(std::size_t capacity) : slots_(std::bit_ceil(2 * capacity + 1)) {}

std::size_t MergeTable::slot_of(Token left, Token right) const {
  const std::uint64_t pair = static_cast<std::uint64_t>(left) << 32U | static_cast<std::uint32_t>(right);
  std::size_t slot = hash_(pair) & (slots_.size() - 1);
  while (slots_[slot].left >= 0 && (slots_[slot].left != left || slots_[slot].right != right)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

void MergeTable::add(Token left, Token right, Merge merge) {
  Slot& slot = slots_[slot_of(left, right)];
  if (slot.left < 0) slot = {left, right, merge};
}

Merge MergeTable::find(Token left, Token right) const {
  return slots_[slot_of(left, right)].merge;
}

}  // namespace runnel
