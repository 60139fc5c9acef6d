#include "model/mlp_block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace runnel {

MlpBlock::MlpBlock(const Machine& machine)
    : machine_(machine),
      config_(machine.config),
      ff_width_(padded(machine.config.n_ff)),
      shares_(static_cast<std::size_t>(machine.config.n_experts)) {}

void MlpBlock::run(const LayerWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out) {
  if (weights.experts.empty()) return run_one(weights.mlp, x, tokens, out);
  run_experts(weights, x, tokens, out);
}

void MlpBlock::run_one(const MlpWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out) {
  const Design& design = config_.design;
  const std::array<MatrixProducts::Product, 2> products{{{&weights.up, 0}, {&weights.gate, ff_width_}}};
  const std::size_t stride = design.gated ? 2 * ff_width_ : ff_width_;
  machine_.products.multiply(std::span(products).first(design.gated ? 2 : 1), x, tokens, gate_up_, stride);
  const auto n_ff = static_cast<std::size_t>(config_.n_ff);
  hidden_.reserve(static_cast<std::size_t>(tokens) * n_ff);
  machine_.for_tokens(tokens, [&](std::size_t t) {
    const float* up = gate_up_.data() + t * stride;
    float* hidden = hidden_.data() + t * n_ff;
    if (design.gated) {
      machine_.kernels.activate_gate(design.activation, up + ff_width_, up, config_.n_ff, hidden);
    } else {
      machine_.kernels.activate(design.activation, up, config_.n_ff, hidden);
    }
  });
  const std::array<MatrixProducts::Product, 1> down{{{&weights.down, 0}}};
  machine_.products.multiply(down, hidden_.data(), tokens, out, padded(config_.n_embd));
}

// Each expert once, for all the tokens that chose it.
void MlpBlock::run_experts(const LayerWeights& weights, const float* x, int tokens, AlignedBuffer<float>& out) {
  choose_experts(weights.router, x, tokens);
  const std::size_t values = static_cast<std::size_t>(tokens) * padded(config_.n_embd);
  out.reserve(values);
  std::fill_n(out.data(), values, 0.0F);
  for (std::size_t expert = 0; expert < shares_.size(); ++expert) {
    if (!shares_[expert].empty()) run_expert(weights.experts[expert], shares_[expert], x, out.data());
  }
}

// The experts with the largest logits, weighed by the softmax over these (Mixtral, Jiang et al. 2024, arXiv
// 2401.04088, section 2.1).
void MlpBlock::choose_experts(const Linear& router, const float* x, int tokens) {
  const auto n = static_cast<std::size_t>(config_.n_experts);
  const auto used = static_cast<std::size_t>(config_.n_experts_used);
  const std::array<MatrixProducts::Product, 1> products{{{&router, 0}}};
  machine_.products.multiply(products, x, tokens, routed_, padded(config_.n_experts));
  for (std::vector<Share>& shares : shares_) shares.clear();
  std::vector<std::size_t> order(n);
  std::vector<float> weights(used);
  for (int token = 0; token < tokens; ++token) {
    const float* logits = routed_.data() + static_cast<std::size_t>(token) * padded(config_.n_experts);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(used), order.end(),
        [logits](std::size_t a, std::size_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
    float total = 0;
    for (std::size_t i = 0; i < used; ++i) total += weights[i] = std::exp(logits[order[i]] - logits[order[0]]);
    for (std::size_t i = 0; i < used; ++i) shares_[order[i]].push_back({.token = token, .weight = weights[i] / total});
  }
}

void MlpBlock::run_expert(const MlpWeights& weights, const std::vector<Share>& shares, const float* x, float* out) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  const std::size_t width = padded(config_.n_embd);
  const int tokens = static_cast<int>(shares.size());
  gathered_.reserve(shares.size() * n_embd);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    std::copy_n(x + static_cast<std::size_t>(shares[i].token) * n_embd, n_embd, gathered_.data() + i * n_embd);
  }
  run_one(weights, gathered_.data(), tokens, answers_);
  machine_.for_tokens(tokens, [&](std::size_t i) {
    const float* answer = answers_.data() + i * width;
    float* sum = out + static_cast<std::size_t>(shares[i].token) * width;
    for (std::size_t d = 0; d < n_embd; ++d) sum[d] += shares[i].weight * answer[d];
  });
}

}  // namespace runnel
