#include "kernels/attention_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace runnel {
namespace {

constexpr float none = -std::numeric_limits<float>::infinity();

}  // namespace

void AttentionWatch::begin(int slots) {
  slots_ = slots;
  seen_heads_ = 0;
  const auto chunks = static_cast<std::size_t>((slots + chunk_keys - 1) / chunk_keys);
  sums_.assign(chunks * chunk_keys, 0.0F);
}

void AttentionWatch::begin_layer(int heads, int parts) {
  heads_ = heads;
  parts_ = parts;
  const std::size_t rows = chunks() * static_cast<std::size_t>(heads);
  weights_.reserve(rows * chunk_keys);
  maxima_.assign(rows, none);
  ends_.assign(static_cast<std::size_t>(heads) * static_cast<std::size_t>(parts), {.maximum = none, .total = 0});
}

void AttentionWatch::note(int head, int slot, std::span<const float> weights, float maximum) {
  const std::size_t row = at(static_cast<std::size_t>(slot / chunk_keys), static_cast<std::size_t>(head));
  maxima_[row] = maximum;
  float* const start = weights_.data() + row * chunk_keys;
  float* const first = std::fill_n(start, slot % chunk_keys, 0.0F);
  float* const end = std::ranges::copy(weights, first).out;
  std::fill(end, start + chunk_keys, 0.0F);
}

void AttentionWatch::end_part(int head, int part, float maximum, float total) {
  ends_[static_cast<std::size_t>(head) * static_cast<std::size_t>(parts_) + static_cast<std::size_t>(part)] = {
      .maximum = maximum, .total = total};
}

void AttentionWatch::end_layer(const Kernels& kernels) {
  const auto heads = static_cast<std::size_t>(heads_);
  scales_.resize(heads);
  factors_.resize(heads);
  for (std::size_t head = 0; head < heads; ++head) scales_[head] = scale_of(head);
  const auto accumulate = kernels.kv[static_cast<std::size_t>(KvType::f32)].accumulate;
  for (std::size_t chunk = 0; chunk < chunks(); ++chunk) {
    const std::span<const float> maxima = std::span(maxima_).subspan(at(chunk, 0), heads);
    if (std::ranges::count(maxima, none) == heads_) continue;
    for (std::size_t head = 0; head < heads; ++head) factors_[head] = factor_of(chunk, head);
    const KvView weights{.values = weights_.data() + at(chunk, 0) * chunk_keys, .head_dim = chunk_keys};
    accumulate(factors_.data(), heads, 1, weights, 0, heads_, sums_.data() + chunk * chunk_keys);
  }
}

AttentionWatch::Scale AttentionWatch::scale_of(std::size_t head) {
  const auto count = static_cast<std::size_t>(parts_);
  const std::span<const Part> parts = std::span(ends_).subspan(head * count, count);
  Scale scale{.maximum = std::ranges::max_element(parts, {}, &Part::maximum)->maximum};
  if (scale.maximum == none) return scale;
  for (const Part& part : parts) scale.total += std::exp(part.maximum - scale.maximum) * part.total;
  ++seen_heads_;
  return scale;
}

// Each chunk is relative to the maximum of when it was noted, and is brought to that of the head. What a head did not
// note counts as 0.
float AttentionWatch::factor_of(std::size_t chunk, std::size_t head) {
  const float own = maxima_[at(chunk, head)];
  if (own == none) {
    std::fill_n(weights_.data() + at(chunk, head) * chunk_keys, chunk_keys, 0.0F);
    return 0;
  }
  Scale& scale = scales_[head];
  if (own != scale.present) {  // most chunks have the same one, and an exponential takes long
    scale.present = own;
    scale.factor = std::exp(own - scale.maximum) / scale.total;
  }
  return scale.factor;
}

std::vector<float> AttentionWatch::mean() const {
  std::vector<float> mean(sums_.begin(), sums_.begin() + slots_);
  for (float& value : mean) value /= static_cast<float>(std::max(seen_heads_, 1));
  return mean;
}

}  // namespace runnel
