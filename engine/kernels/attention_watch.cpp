#include "kernels/attention_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace runnel {

void AttentionWatch::begin(int slots) {
  slots_ = slots;
  seen_heads_ = 0;
  sums_.assign(static_cast<std::size_t>(slots), 0.0F);
}

void AttentionWatch::begin_layer(int heads, int parts, int pieces) {
  heads_ = heads;
  parts_ = parts;
  most_pieces_ = pieces;
  const std::size_t shares = static_cast<std::size_t>(heads) * static_cast<std::size_t>(parts);
  weights_.reserve(static_cast<std::size_t>(heads) * static_cast<std::size_t>(slots_));
  pieces_.resize(shares * static_cast<std::size_t>(pieces));
  ends_.assign(shares, {.pieces = 0, .maximum = -std::numeric_limits<float>::infinity(), .total = 0});
}

void AttentionWatch::note(int head, int part, int slot, std::span<const float> weights, float maximum) {
  const std::size_t share = part_at(head, part);
  Part& end = ends_[share];
  if (end.pieces == most_pieces_) return;
  pieces_[share * static_cast<std::size_t>(most_pieces_) + static_cast<std::size_t>(end.pieces++)] = {
      .slot = slot, .count = static_cast<int>(weights.size()), .maximum = maximum};
  std::ranges::copy(weights, weights_.data() + static_cast<std::size_t>(head) * static_cast<std::size_t>(slots_) +
                                 static_cast<std::size_t>(slot));
}

void AttentionWatch::end_part(int head, int part, float maximum, float total) {
  Part& end = ends_[part_at(head, part)];
  end.maximum = maximum;
  end.total = total;
}

// Each piece is relative to the maximum of when it was noted; all are brought to that of the head.
void AttentionWatch::end_layer() {
  for (int head = 0; head < heads_; ++head) {
    const std::span<const Part> parts = std::span(ends_).subspan(part_at(head, 0), static_cast<std::size_t>(parts_));
    const float maximum = std::ranges::max_element(parts, {}, &Part::maximum)->maximum;
    if (!std::isfinite(maximum)) continue;
    float total = 0;
    for (const Part& part : parts) total += std::exp(part.maximum - maximum) * part.total;
    const float* weights = weights_.data() + static_cast<std::size_t>(head) * static_cast<std::size_t>(slots_);
    float present = maximum;  // most pieces have the same one: an exponential takes longer than a piece
    float factor = 1 / total;
    for (int p = 0; p < parts_; ++p) {
      const std::size_t first = part_at(head, p) * static_cast<std::size_t>(most_pieces_);
      for (int i = 0; i < parts[static_cast<std::size_t>(p)].pieces; ++i) {
        const Piece& piece = pieces_[first + static_cast<std::size_t>(i)];
        if (piece.maximum != present) {
          present = piece.maximum;
          factor = std::exp(present - maximum) / total;
        }
        float* sums = sums_.data() + piece.slot;
        const float* own = weights + piece.slot;
        for (int k = 0; k < piece.count; ++k) sums[k] += factor * own[k];
      }
    }
    ++seen_heads_;
  }
}

std::vector<float> AttentionWatch::mean() const {
  std::vector<float> mean = sums_;
  for (float& value : mean) value /= static_cast<float>(std::max(seen_heads_, 1));
  return mean;
}

}  // namespace runnel
