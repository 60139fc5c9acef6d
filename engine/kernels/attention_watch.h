#pragma once

#include <span>
#include <vector>

#include "kernels/aligned_buffer.h"

namespace runnel {

/// Where the last query of a batch looks: the probability of each slot, the mean over heads and layers. Attention fills
/// it from the exponentials that it computes anyway.
class AttentionWatch {
 public:
  /// A batch follows, in a cache of so many slots.
  void begin(int slots);

  /// A layer follows. `parts`: each head's keys are shared out among so many tasks; `pieces`: most that each may note.
  void begin_layer(int heads, int parts, int pieces);

  /// exp(score − maximum) of some keys, the first of which is in `slot`. Different heads or parts at the same time;
  /// doesn't throw.
  void note(int head, int part, int slot, std::span<const float> weights, float maximum);

  /// The maximum of all scores of a head's part, and the sum of exp(score − maximum).
  void end_part(int head, int part, float maximum, float total);

  void end_layer();

  /// [slots]; 0 where nothing was seen. Sums to 1 when every head of every layer saw something.
  std::vector<float> mean() const;

 private:
  struct Piece {
    int slot;
    int count;
    float maximum;
  };
  struct Part {
    int pieces = 0;  ///< noted so far
    float maximum = 0;
    float total = 0;
  };

  std::size_t part_at(int head, int part) const {
    return static_cast<std::size_t>(head) * static_cast<std::size_t>(parts_) + static_cast<std::size_t>(part);
  }

  int slots_ = 0;
  int heads_ = 0;
  int parts_ = 0;
  int most_pieces_ = 0;
  int seen_heads_ = 0;            ///< over all layers
  std::vector<float> sums_;       ///< [slots]
  AlignedBuffer<float> weights_;  ///< [heads, slots]
  std::vector<Piece> pieces_;     ///< [heads, parts, most_pieces]
  std::vector<Part> ends_;        ///< [heads, parts]
};

}  // namespace runnel
