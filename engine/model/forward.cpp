#include "model/forward.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace runnel {
namespace {

std::size_t padded(int n) { return static_cast<std::size_t>((n + group_rows - 1) / group_rows * group_rows); }

constexpr int few_tokens = 4;  // below this, sharing out the work on single tokens costs more than it saves

}  // namespace

Forward::Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool)
    : config_(config),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      attention_(kernels, pool),
      rotation_table_(rope_frequencies(config.rope, weights.rope_divisors), rope_amplitude(config.rope)),
      width_(padded(config.n_embd)),
      key_offset_(padded(config.n_heads * config.head_dim)),
      value_offset_(key_offset_ + padded(config.n_kv_heads * config.head_dim)),
      ff_width_(padded(config.n_ff)) {
  qkv_width_ = value_offset_ + padded(config.n_kv_heads * config.head_dim);
  rotated_keys_.resize(static_cast<std::size_t>(pool.size()) * padded(config.head_dim));
}

bool Forward::run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory, const std::atomic<bool>& cancelled) {
  const int n = static_cast<int>(tokens.size());
  embed(tokens);
  const RotationRows rotations = rotation_table_.rows(plan.positions, pool_);
  for (int layer = 0; layer < config_.n_layers; ++layer) {
    if (cancelled.load(std::memory_order_relaxed)) return false;
    attention_block(layer, plan, memory, rotations);
    mlp_block(weights_.layers[static_cast<std::size_t>(layer)], n);
  }
  return true;
}

void Forward::embed(std::span<const Token> tokens) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  residual_.reserve(tokens.size() * n_embd);
  for_tokens(static_cast<int>(tokens.size()), [&](int t) {
    const auto at = static_cast<std::size_t>(t);
    unpack_row(weights_.embedding, tokens[at], {residual_.data() + at * n_embd, n_embd});
  });
}

void Forward::attention_block(int layer, const BatchPlan& plan, KvMemory& memory, const RotationRows& rotations) {
  const LayerWeights& weights = weights_.layers[static_cast<std::size_t>(layer)];
  const int tokens = plan.tokens();
  normalize(weights.attention_norm, tokens);
  const std::array<Product, 3> products{{{&weights.query, 0}, {&weights.key, key_offset_}, {&weights.value, value_offset_}}};
  const bool integer = is_integer(weights.query.matrix.packing) || is_integer(weights.key.matrix.packing) ||
                       is_integer(weights.value.matrix.packing);
  multiply(products, activations(normed_, config_.n_embd, tokens, integer), tokens, qkv_, qkv_width_);
  write_keys_and_values(layer, plan, memory, rotations);

  const int columns = config_.n_heads * config_.head_dim;
  attended_.reserve(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(columns));
  attention_.run({.queries = qkv_.data(),
                  .query_stride = qkv_width_,
                  .out = attended_.data(),
                  .heads = config_.n_heads,
                  .kv_heads = config_.n_kv_heads,
                  .head_dim = config_.head_dim,
                  .scale = 1.0F / std::sqrt(static_cast<float>(config_.head_dim)),
                  .window = config_.window,
                  .slopes = {},
                  .rotations = rotations,
                  .plan = &plan,
                  .memory = &memory,
                  .layer = layer});
  const std::array<Product, 1> output{{{&weights.attention_output, 0}}};
  multiply(output, activations(attended_, columns, tokens, is_integer(weights.attention_output.matrix.packing)), tokens,
           projected_, width_);
  add_to_residual(tokens);
}

void Forward::mlp_block(const LayerWeights& weights, int tokens) {
  normalize(weights.mlp_norm, tokens);
  const std::array<Product, 2> products{{{&weights.gate, 0}, {&weights.up, ff_width_}}};
  const bool integer = is_integer(weights.gate.matrix.packing) || is_integer(weights.up.matrix.packing);
  multiply(products, activations(normed_, config_.n_embd, tokens, integer), tokens, gate_up_, 2 * ff_width_);
  const auto n_ff = static_cast<std::size_t>(config_.n_ff);
  hidden_.reserve(static_cast<std::size_t>(tokens) * n_ff);
  for_tokens(tokens, [&](int t) {
    const float* gate = gate_up_.data() + static_cast<std::size_t>(t) * 2 * ff_width_;
    kernels_.silu_mul(gate, gate + ff_width_, config_.n_ff, hidden_.data() + static_cast<std::size_t>(t) * n_ff);
  });
  const std::array<Product, 1> down{{{&weights.down, 0}}};
  multiply(down, activations(hidden_, config_.n_ff, tokens, is_integer(weights.down.matrix.packing)), tokens, projected_, width_);
  add_to_residual(tokens);
}

// Keys are rotated to their original position once and for ever.
void Forward::write_keys_and_values(int layer, const BatchPlan& plan, KvMemory& memory, const RotationRows& rotations) {
  const auto dim = static_cast<std::size_t>(config_.head_dim);
  const auto tokens = static_cast<std::size_t>(plan.tokens());
  constexpr std::size_t tokens_per_chunk = 8;
  pool_.run((tokens + tokens_per_chunk - 1) / tokens_per_chunk, [&](std::size_t chunk, int thread) {
    float* rotated = rotated_keys_.data() + static_cast<std::size_t>(thread) * padded(config_.head_dim);
    for (std::size_t t = chunk * tokens_per_chunk; t < std::min(tokens, (chunk + 1) * tokens_per_chunk); ++t) {
      const float* row = qkv_.data() + t * qkv_width_;
      for (int head = 0; head < config_.n_kv_heads; ++head) {
        const std::size_t at = static_cast<std::size_t>(head) * dim;
        rotate(row + key_offset_ + at, config_.head_dim, rotations, t, 1.0F, rotated);
        memory.store(layer, head, plan.slots[t], rotated, row + value_offset_ + at, kernels_);
      }
    }
  });
}

void Forward::normalize(const std::vector<float>& weight, int tokens) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  normed_.reserve(static_cast<std::size_t>(tokens) * n_embd);
  for_tokens(tokens, [&](int t) {
    const std::size_t at = static_cast<std::size_t>(t) * n_embd;
    kernels_.rms_norm(residual_.data() + at, weight.data(), config_.n_embd, config_.norm_epsilon, normed_.data() + at);
  });
}

Activations Forward::activations(const AlignedBuffer<float>& values, int columns, int tokens, bool integer) {
  Activations x{.values = values.data(), .quantized = {}};
  if (!integer) return x;
  const auto width = static_cast<std::size_t>(columns);
  const auto rows = static_cast<std::size_t>(tokens);
  quants_.reserve(rows * width);
  scales_.reserve(rows * width / block_columns);
  sums_.reserve(rows * width / block_columns);
  x.quantized = {.quants = quants_.data(), .scales = scales_.data(), .sums = sums_.data()};
  for_tokens(tokens, [&](int t) {
    kernels_.quantize_row(values.data() + static_cast<std::size_t>(t) * width, columns, x.quantized, t);
  });
  return x;
}

// Several matrices that read the same activations are one job, shared out by groups of rows.
void Forward::multiply(std::span<const Product> products, const Activations& x, int tokens, AlignedBuffer<float>& out,
                       std::size_t stride) {
  out.reserve(static_cast<std::size_t>(tokens) * stride);
  int groups = 0;
  for (const Product& product : products) groups += product.linear->matrix.groups();
  const int chunks = std::min(groups, 8 * pool_.size());
  pool_.run(static_cast<std::size_t>(chunks), [&](std::size_t chunk, int) {
    int first = groups * static_cast<int>(chunk) / chunks;
    int last = groups * (static_cast<int>(chunk) + 1) / chunks;
    for (const Product& product : products) {
      const PackedMatrix& matrix = product.linear->matrix;
      const int from = std::clamp(first, 0, matrix.groups());
      const int to = std::clamp(last, 0, matrix.groups());
      first -= matrix.groups();
      last -= matrix.groups();
      if (from == to) continue;
      kernels_.matmul(matrix.view(), from, to, x, tokens, out.data() + product.offset, stride);
      const std::vector<float>& bias = product.linear->bias;
      if (bias.empty()) continue;
      const int begin = from * group_rows;
      const int n = std::min(to * group_rows, matrix.rows) - begin;
      for (int t = 0; t < tokens; ++t) {
        kernels_.add(bias.data() + begin, n, out.data() + static_cast<std::size_t>(t) * stride + product.offset + begin);
      }
    }
  });
}

void Forward::add_to_residual(int tokens) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  for_tokens(tokens, [&](int t) {
    const auto at = static_cast<std::size_t>(t);
    kernels_.add(projected_.data() + at * width_, config_.n_embd, residual_.data() + at * n_embd);
  });
}

std::span<const float> Forward::logits(int token) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  const PackedMatrix& head = weights_.head();
  normed_.reserve(n_embd);
  kernels_.rms_norm(residual_.data() + static_cast<std::size_t>(token) * n_embd, weights_.output_norm.data(), config_.n_embd,
                    config_.norm_epsilon, normed_.data());
  const Activations x = activations(normed_, config_.n_embd, 1, is_integer(head.packing));
  logits_.reserve(padded(config_.n_vocab));
  const int groups = head.groups();
  const int chunks = std::min(groups, 16 * pool_.size());
  pool_.run(static_cast<std::size_t>(chunks), [&](std::size_t chunk, int) {
    const int first = static_cast<int>(static_cast<std::int64_t>(groups) * static_cast<std::int64_t>(chunk) / chunks);
    const int last = static_cast<int>(static_cast<std::int64_t>(groups) * (static_cast<std::int64_t>(chunk) + 1) / chunks);
    kernels_.matmul(head.view(), first, last, x, 1, logits_.data(), padded(config_.n_vocab));
  });
  return {logits_.data(), static_cast<std::size_t>(config_.n_vocab)};
}

void Forward::for_tokens(int tokens, const std::function<void(int)>& job) {
  if (tokens < few_tokens) {
    for (int t = 0; t < tokens; ++t) job(t);
    return;
  }
  pool_.run(static_cast<std::size_t>(tokens), [&](std::size_t t, int) { job(static_cast<int>(t)); });
}

}  // namespace runnel
