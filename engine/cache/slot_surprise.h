#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cache/kv_memory.h"

namespace runnel {

/// −ln p of the token in each slot, as far as it is known.
class SlotSurprise {
 public:
  explicit SlotSurprise(int slots);

  void note(std::int32_t slot, float value) { values_[static_cast<std::size_t>(slot)] = value; }
  /// Other tokens are written to these slots.
  void forget(std::span<const std::int32_t> slots);
  void clear();
  /// The cache was laid out anew in so many slots.
  void move(std::span<const SlotCopy> moves, int slots);

  /// [slots]; NaN where it isn't known.
  const std::vector<float>& all() const { return values_; }
  /// Takes over what `all` gave; whether it can be that, for so many slots.
  bool assign(std::vector<float> values, int slots);

 private:
  std::vector<float> values_;
};

}  // namespace runnel
