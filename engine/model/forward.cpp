#include "model/forward.h"

#include <algorithm>

#include "model/norm.h"

namespace runnel {

Forward::Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool, int ctx_size,
                 int bf16_tokens)
    : config_(config),
      weights_(weights),
      products_(kernels, pool, bf16_tokens, weights.bf16_products),
      machine_{config, kernels, pool, products_},
      attention_(machine_),
      mlp_(machine_),
      width_(padded(config.n_embd)) {
  for (const RopeConfig& rope : config.ropes)
    rotation_tables_.emplace_back(rope_frequencies(rope, ctx_size), rope_amplitude(rope));
}

bool Forward::run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory,
                  const std::atomic<bool>& cancelled, AttentionWatch* watch) {
  embed(tokens, plan);
  rotations_.clear();
  for (RotationTable& table : rotation_tables_) rotations_.push_back(table.rows(plan.positions, machine_.pool));
  attention_.begin(plan);
  for (int layer = 0; layer < config_.n_layers; ++layer) {
    if (cancelled.load(std::memory_order_relaxed)) return false;
    run_layer(layer, plan, memory, watch);
  }
  return true;
}

void Forward::embed(std::span<const Token> tokens, const BatchPlan& plan) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  residual_.reserve(tokens.size() * n_embd);
  machine_.for_tokens(static_cast<int>(tokens.size()), [&](std::size_t t) {
    const std::span<float> row(residual_.data() + t * n_embd, n_embd);
    unpack_row(weights_.embedding, tokens[t], row);
    if (config_.embedding_scale != 1) {
      for (float& value : row) value *= config_.embedding_scale;
    }
    if (!weights_.positions.empty()) {
      const auto position = static_cast<std::size_t>(plan.ranks[t] + config_.position_offset);
      machine_.kernels.add(weights_.positions.data() + position * n_embd, config_.n_embd, row.data());
    }
    if (!weights_.embedding_norm.empty())
      normalize(machine_.kernels, config_, weights_.embedding_norm, row.data(), row.data());
  });
}

void Forward::run_layer(int layer, const BatchPlan& plan, KvMemory& memory, AttentionWatch* watch) {
  const LayerWeights& weights = weights_.layers[static_cast<std::size_t>(layer)];
  const int rope = config_.layers[static_cast<std::size_t>(layer)].rope;
  const RotationRows rotations = rope < 0 ? RotationRows{} : rotations_[static_cast<std::size_t>(rope)];
  const int tokens = plan.tokens();
  const bool serial = config_.design.residual == Residual::serial;

  const float* x = normalized(weights.attention_norm, tokens);
  attention_.run(layer, weights, x, plan, memory, rotations, attended_, watch);
  normalize_answer(weights.attention_post_norm, tokens, attended_);
  if (serial) add_to_residual(attended_, tokens);

  if (serial || !weights.mlp_norm.empty()) x = normalized(weights.mlp_norm, tokens);
  mlp_.run(weights, x, tokens, answered_);
  normalize_answer(weights.mlp_post_norm, tokens, answered_);
  if (!serial) add_to_residual(attended_, tokens);
  add_to_residual(answered_, tokens);
}

// What a block reads: the residual stream, through its norm where it has one.
const float* Forward::normalized(const NormWeights& norm, int tokens) {
  if (norm.empty()) return residual_.data();
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  normed_.reserve(static_cast<std::size_t>(tokens) * n_embd);
  machine_.for_tokens(tokens, [&](std::size_t t) {
    normalize(machine_.kernels, config_, norm, residual_.data() + t * n_embd, normed_.data() + t * n_embd);
  });
  return normed_.data();
}

void Forward::normalize_answer(const NormWeights& norm, int tokens, AlignedBuffer<float>& answer) const {
  if (norm.empty()) return;
  machine_.for_tokens(tokens, [&](std::size_t t) {
    float* row = answer.data() + t * width_;
    normalize(machine_.kernels, config_, norm, row, row);
  });
}

void Forward::add_to_residual(AlignedBuffer<float>& answer, int tokens) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  machine_.for_tokens(tokens, [&](std::size_t t) {
    const std::span<float> row(answer.data() + t * width_, n_embd);
    if (config_.residual_scale != 1) {
      for (float& value : row) value *= config_.residual_scale;
    }
    machine_.kernels.add(row.data(), config_.n_embd, residual_.data() + t * n_embd);
  });
}

std::size_t Forward::logits_stride() const {
  return padded(config_.n_vocab);
}

std::span<const float> Forward::logits(int first, int count) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  const auto rows = static_cast<std::size_t>(count);
  const float* x = residual_.data() + static_cast<std::size_t>(first) * n_embd;
  if (!weights_.output_norm.empty()) {
    normed_.reserve(rows * n_embd);
    machine_.for_tokens(count, [&](std::size_t t) {
      normalize(machine_.kernels, config_, weights_.output_norm, x + t * n_embd, normed_.data() + t * n_embd);
    });
    x = normed_.data();
  }
  products_.multiply(weights_.head(), x, count, logits_, logits_stride());
  machine_.for_tokens(count, [&](std::size_t t) { finish_logits(logits_.data() + t * logits_stride()); });
  return {logits_.data(), rows * logits_stride()};
}

void Forward::finish_logits(float* row) const {
  const std::span<float> logits(row, static_cast<std::size_t>(config_.n_vocab));
  const std::vector<float>& scales = weights_.output_scales;
  if (!scales.empty()) std::transform(logits.begin(), logits.end(), scales.begin(), row, std::multiplies<>());
  if (!weights_.output_bias.empty()) machine_.kernels.add(weights_.output_bias.data(), config_.n_vocab, row);
  if (config_.logit_scale != 1) {
    for (float& logit : logits) logit *= config_.logit_scale;
  }
  if (config_.logit_soft_cap > 0) machine_.kernels.soft_cap(row, config_.n_vocab, config_.logit_soft_cap);
}

}  // namespace runnel
