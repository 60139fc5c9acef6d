#pragma once

#include <limits>
#include <span>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/attention_layout.h"
#include "kernels/kernels.h"

namespace runnel {

/// Where the last query of a batch looks: the probability of each slot, the mean over heads and layers. Attention fills
/// it from the exponentials that it computes anyway.
class AttentionWatch {
 public:
  /// A batch follows, in a cache of so many slots.
  void begin(int slots);

  /// A layer follows. `parts`: each head's keys are shared out among so many tasks.
  void begin_layer(int heads, int parts);

  /// exp(score − maximum) of keys of one chunk (AttentionLayout), the first of which is in `slot`; once for each chunk
  /// that a head sees. Different heads or chunks at the same time; doesn't throw.
  void note(int head, int slot, std::span<const float> weights, float maximum);

  /// The maximum of all scores of a head's part, and the sum of exp(score − maximum).
  void end_part(int head, int part, float maximum, float total);

  void end_layer(const Kernels& kernels);

  /// [slots]; 0 where nothing was seen. Sums to 1 when every head of every layer saw something.
  std::vector<float> mean() const;

 private:
  static constexpr int chunk_keys = AttentionLayout::chunk_keys;

  struct Part {
    float maximum = 0;
    float total = 0;
  };
  /// What brings a head's weights to probabilities.
  struct Scale {
    float maximum = 0;  ///< of all its scores
    float total = 0;
    float present = std::numeric_limits<float>::infinity();  ///< the maximum for which `factor` is
    float factor = 0;
  };

  std::size_t at(std::size_t chunk, std::size_t head) const { return chunk * static_cast<std::size_t>(heads_) + head; }
  std::size_t chunks() const { return sums_.size() / chunk_keys; }
  Scale scale_of(std::size_t head);
  float factor_of(std::size_t chunk, std::size_t head);

  int slots_ = 0;
  int heads_ = 0;
  int parts_ = 0;
  int seen_heads_ = 0;            ///< over all layers
  std::vector<float> sums_;       ///< [chunks, chunk_keys]
  AlignedBuffer<float> weights_;  ///< [chunks, heads, chunk_keys]
  std::vector<float> maxima_;     ///< [chunks, heads]; −infinity: not noted
  std::vector<Part> ends_;        ///< [heads, parts]
  std::vector<Scale> scales_;     ///< [heads]
  std::vector<float> factors_;    ///< [heads], of one chunk
};

}  // namespace runnel
