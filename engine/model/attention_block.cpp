#include "model/attention_block.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/norm.h"

namespace runnel {

std::vector<float> alibi_slopes(int heads, float bias) {
  int power = 1;
  while (2 * power <= heads) power *= 2;
  const auto slope = [bias](int i, int n) { return static_cast<float>(std::exp2(-static_cast<double>(bias) * i / n)); };
  std::vector<float> slopes;
  for (int i = 1; i <= power; ++i) slopes.push_back(slope(i, power));
  for (int i = 1; static_cast<int>(slopes.size()) < heads; i += 2) slopes.push_back(slope(i, 2 * power));
  return slopes;
}

AttentionBlock::AttentionBlock(const Machine& machine)
    : machine_(machine),
      config_(machine.config),
      attention_(machine.kernels, machine.pool),
      key_offset_(padded(config_.n_heads * config_.head_dim)),
      value_offset_(key_offset_ + padded(config_.n_kv_heads * config_.head_dim)),
      qkv_width_(value_offset_ + padded(config_.n_kv_heads * config_.head_dim)) {
  for (const LayerConfig& layer : config_.layers) {
    if (std::ranges::find(windows_, layer.window) == windows_.end()) windows_.push_back(layer.window);
  }
  layouts_.resize(windows_.size());
  rotated_keys_.resize(static_cast<std::size_t>(machine.pool.size()) * padded(config_.head_dim));
  if (config_.design.position != Position::alibi) return;
  slopes_ = alibi_slopes(config_.n_heads, config_.alibi_bias);
  const float times_scale = config_.design.alibi_times_scale;
  if (times_scale == 0) return;
  for (float& slope : slopes_) slope *= times_scale * config_.layers.front().attention_scale;
}

void AttentionBlock::begin(const BatchPlan& plan) {
  const int block_tokens = Attention::block_tokens(config_.n_heads, config_.n_kv_heads);
  for (std::size_t i = 0; i < windows_.size(); ++i) layouts_[i].build(plan, windows_[i], block_tokens);
}

void AttentionBlock::run(int layer, const LayerWeights& weights, const float* x, const BatchPlan& plan,
                         KvMemory& memory, const RotationRows& rotations, AlignedBuffer<float>& out,
                         AttentionWatch* watch) {
  const int tokens = plan.tokens();
  const LayerConfig& own = config_.layers[static_cast<std::size_t>(layer)];
  const std::array<MatrixProducts::Product, 3> products{
      {{&weights.query, 0}, {&weights.key, key_offset_}, {&weights.value, value_offset_}}};
  machine_.products.multiply(products, x, tokens, qkv_, qkv_width_);
  adjust_queries_and_keys(weights, plan);
  write_keys_and_values(layer, plan, memory, rotations);

  const int columns = config_.n_heads * config_.head_dim;
  attended_.reserve(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(columns));
  const auto window = std::ranges::find(windows_, own.window);
  attention_.run({.queries = qkv_.data(),
                  .query_stride = qkv_width_,
                  .out = attended_.data(),
                  .heads = config_.n_heads,
                  .kv_heads = config_.n_kv_heads,
                  .head_dim = config_.head_dim,
                  .scale = own.attention_scale,
                  .soft_cap = config_.attention_soft_cap,
                  .slopes = slopes_,
                  .rotations = rotations,
                  .layout = &layouts_[static_cast<std::size_t>(window - windows_.begin())],
                  .memory = &memory,
                  .layer = layer,
                  .watch = watch});
  const std::array<MatrixProducts::Product, 1> output{{{&weights.attention_output, 0}}};
  machine_.products.multiply(output, attended_.data(), tokens, out, padded(config_.n_embd));
}

// Limits, norms and scales, in place, before anything is rotated.
void AttentionBlock::adjust_queries_and_keys(const LayerWeights& weights, const BatchPlan& plan) {
  const bool norms = config_.design.qk_norm != QkNorm::none;
  const float limit = config_.qkv_limit;
  if (!norms && limit == 0 && config_.log_n_from == 0) return;
  machine_.for_tokens(plan.tokens(), [&](std::size_t t) {
    float* row = qkv_.data() + t * qkv_width_;
    if (config_.log_n_from > 0) scale_query(plan.ranks[t], row);
    if (limit > 0)
      std::transform(row, row + qkv_width_, row, [limit](float v) { return std::clamp(v, -limit, limit); });
    if (!norms) return;
    normalize_heads(weights.query_norm, config_.n_heads, row);
    normalize_heads(weights.key_norm, config_.n_kv_heads, row + key_offset_);
  });
}

// Log-n scaling (Qwen 1): attention stays as sharp over more tokens than the model was trained on.
void AttentionBlock::scale_query(int rank, float* row) const {
  if (rank < config_.log_n_from) return;
  const auto scale = static_cast<float>(std::log(rank + 1.0) / std::log(static_cast<double>(config_.log_n_from)));
  for (int i = 0; i < config_.n_heads * config_.head_dim; ++i) row[i] *= scale;
}

void AttentionBlock::normalize_heads(const NormWeights& norm, int heads, float* row) const {
  const int at_once = config_.design.qk_norm == QkNorm::whole ? heads : 1;
  for (int head = 0; head < heads; head += at_once) {
    float* values = row + head * config_.head_dim;
    normalize(machine_.kernels, config_, norm, values, values);
  }
}

// Keys are rotated to their original position once and for ever.
void AttentionBlock::write_keys_and_values(int layer, const BatchPlan& plan, KvMemory& memory,
                                           const RotationRows& rotations) {
  const auto dim = static_cast<std::size_t>(config_.head_dim);
  const auto tokens = static_cast<std::size_t>(plan.tokens());
  constexpr std::size_t tokens_per_chunk = 8;
  machine_.pool.run((tokens + tokens_per_chunk - 1) / tokens_per_chunk, [&](std::size_t chunk, int thread) {
    float* rotated = rotated_keys_.data() + static_cast<std::size_t>(thread) * padded(config_.head_dim);
    for (std::size_t t = chunk * tokens_per_chunk; t < std::min(tokens, (chunk + 1) * tokens_per_chunk); ++t) {
      const float* row = qkv_.data() + t * qkv_width_;
      for (int head = 0; head < config_.n_kv_heads; ++head) {
        const std::size_t at = static_cast<std::size_t>(head) * dim;
        machine_.kernels.rotate(row + key_offset_ + at, config_.head_dim, rotations.row(static_cast<int>(t)), 1.0F,
                                rotated);
        memory.store(layer, head, plan.slots[t], rotated, row + value_offset_ + at, machine_.kernels);
      }
    }
  });
}

}  // namespace runnel
