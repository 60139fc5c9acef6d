#include "model/forward.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace runnel {
namespace {

std::size_t padded(int n) {
  return static_cast<std::size_t>((n + group_rows - 1) / group_rows * group_rows);
}

constexpr int few_tokens = 4;  // below this, sharing out the work on single tokens costs more than it saves

}  // namespace

Forward::Forward(const Config& config, const Weights& weights, const Kernels& kernels, ThreadPool& pool,
                 int bf16_tokens)
    : config_(config),
      weights_(weights),
      kernels_(kernels),
      pool_(pool),
      attention_(kernels, pool),
      rotation_table_(rope_frequencies(config.rope, weights.rope_divisors), rope_amplitude(config.rope)),
      bf16_tokens_(bf16_tokens),
      bf16_matmul_(bf16_tokens > 0 ? std::make_unique<Bf16Matmul>(kernels, pool.size()) : nullptr),
      width_(padded(config.n_embd)),
      key_offset_(padded(config.n_heads * config.head_dim)),
      value_offset_(key_offset_ + padded(config.n_kv_heads * config.head_dim)),
      ff_width_(padded(config.n_ff)) {
  qkv_width_ = value_offset_ + padded(config.n_kv_heads * config.head_dim);
  rotated_keys_.resize(static_cast<std::size_t>(pool.size()) * padded(config.head_dim));
}

bool Forward::run(std::span<const Token> tokens, const BatchPlan& plan, KvMemory& memory,
                  const std::atomic<bool>& cancelled) {
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
  const std::array<Product, 3> products{
      {{&weights.query, 0}, {&weights.key, key_offset_}, {&weights.value, value_offset_}}};
  multiply(products, normed_, tokens, qkv_, qkv_width_);
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
  multiply(output, attended_, tokens, projected_, width_);
  add_to_residual(tokens);
}

void Forward::mlp_block(const LayerWeights& weights, int tokens) {
  normalize(weights.mlp_norm, tokens);
  const std::array<Product, 2> products{{{&weights.gate, 0}, {&weights.up, ff_width_}}};
  multiply(products, normed_, tokens, gate_up_, 2 * ff_width_);
  const auto n_ff = static_cast<std::size_t>(config_.n_ff);
  hidden_.reserve(static_cast<std::size_t>(tokens) * n_ff);
  for_tokens(tokens, [&](int t) {
    const float* gate = gate_up_.data() + static_cast<std::size_t>(t) * 2 * ff_width_;
    kernels_.silu_mul(gate, gate + ff_width_, config_.n_ff, hidden_.data() + static_cast<std::size_t>(t) * n_ff);
  });
  const std::array<Product, 1> down{{{&weights.down, 0}}};
  multiply(down, hidden_, tokens, projected_, width_);
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
  scaled_sums_.reserve(rows * width / block_columns);
  x.quantized = {.quants = quants_.data(),
                 .scales = scales_.data(),
                 .sums = sums_.data(),
                 .scaled_sums = scaled_sums_.data(),
                 .tokens = tokens,
                 .tile = kernels_.tile};
  for_tokens(tokens, [&](int t) {
    kernels_.quantize_row(values.data() + static_cast<std::size_t>(t) * width, columns, x.quantized, t);
  });
  return x;
}

// Several matrices that read the same activations are one job, shared out by groups of rows.
void Forward::multiply(std::span<const Product> products, const AlignedBuffer<float>& values, int tokens,
                       AlignedBuffer<float>& out, std::size_t stride) {
  const auto packed_integers = [](const Product& product) { return is_integer(product.linear->matrix.packing); };
  const bool integer = std::any_of(products.begin(), products.end(), packed_integers);
  // The exact path stays exact: bfloat16 is for weights that are quantized already, or where it was asked for.
  if ((integer || weights_.bf16_products) && bf16_tokens_ > 0 && tokens >= bf16_tokens_)
    return multiply_bf16(products, values.data(), tokens, out, stride);
  const Activations x = activations(values, products.front().linear->matrix.columns, tokens, integer);
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
      add_bias(product, from, to, tokens, out.data(), stride);
    }
  });
}

void Forward::multiply_bf16(std::span<const Product> products, const float* x, int tokens, AlignedBuffer<float>& out,
                            std::size_t stride) {
  constexpr int at_once = Bf16Matmul::groups_at_once;
  const auto columns = static_cast<std::size_t>(products.front().linear->matrix.columns);
  const auto rows = static_cast<std::size_t>(Bf16Matmul::padded_tokens(tokens));
  bf16_.reserve(rows * columns);
  out.reserve(rows * stride);
  for_tokens(tokens, [&](int t) {
    const std::size_t at = static_cast<std::size_t>(t) * columns;
    kernels_.to_bf16(x + at, static_cast<int>(columns), bf16_.data() + at);
  });
  struct Part {
    const Product* product;
    int first;
  };
  std::vector<Part> parts;
  for (const Product& product : products) {
    for (int first = 0; first < product.linear->matrix.groups(); first += at_once) parts.push_back({&product, first});
  }
  pool_.run(parts.size(), [&](std::size_t index, int thread) {
    const Product& product = *parts[index].product;
    const PackedMatrix& matrix = product.linear->matrix;
    const int first = parts[index].first;
    const int last = std::min(first + at_once, matrix.groups());
    bf16_matmul_->multiply(matrix.view(), first, last, bf16_.data(), tokens, out.data() + product.offset, stride,
                           thread);
    add_bias(product, first, last, tokens, out.data(), stride);
  });
}

// The bias of rows in groups [first, last).
void Forward::add_bias(const Product& product, int first, int last, int tokens, float* out, std::size_t stride) const {
  const std::vector<float>& bias = product.linear->bias;
  if (bias.empty()) return;
  const int begin = first * group_rows;
  const int n = std::min(last * group_rows, product.linear->matrix.rows) - begin;
  for (int t = 0; t < tokens; ++t) {
    kernels_.add(bias.data() + begin, n, out + static_cast<std::size_t>(t) * stride + product.offset + begin);
  }
}

void Forward::add_to_residual(int tokens) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  for_tokens(tokens, [&](int t) {
    const auto at = static_cast<std::size_t>(t);
    kernels_.add(projected_.data() + at * width_, config_.n_embd, residual_.data() + at * n_embd);
  });
}

std::size_t Forward::logits_stride() const {
  return padded(config_.n_vocab);
}

std::span<const float> Forward::logits(int first, int count) {
  const auto n_embd = static_cast<std::size_t>(config_.n_embd);
  const PackedMatrix& head = weights_.head();
  const auto rows = static_cast<std::size_t>(count);
  normed_.reserve(rows * n_embd);
  for_tokens(count, [&](int t) {
    kernels_.rms_norm(residual_.data() + static_cast<std::size_t>(first + t) * n_embd, weights_.output_norm.data(),
                      config_.n_embd, config_.norm_epsilon, normed_.data() + static_cast<std::size_t>(t) * n_embd);
  });
  const Activations x = activations(normed_, config_.n_embd, count, is_integer(head.packing));
  logits_.reserve(rows * logits_stride());
  const auto groups = static_cast<std::size_t>(head.groups());
  const std::size_t chunks = std::min(groups, static_cast<std::size_t>(16 * pool_.size()));
  pool_.run(chunks, [&](std::size_t chunk, int) {
    const auto from = static_cast<int>(groups * chunk / chunks);
    const auto to = static_cast<int>(groups * (chunk + 1) / chunks);
    kernels_.matmul(head.view(), from, to, x, count, logits_.data(), logits_stride());
  });
  return {logits_.data(), rows * logits_stride()};
}

void Forward::for_tokens(int tokens, const std::function<void(int)>& job) {
  if (tokens < few_tokens) {
    for (int t = 0; t < tokens; ++t) job(t);
    return;
  }
  pool_.run(static_cast<std::size_t>(tokens), [&](std::size_t t, int) { job(static_cast<int>(t)); });
}

}  // namespace runnel
