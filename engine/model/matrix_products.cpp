#include "model/matrix_products.h"

#include <algorithm>
#include <vector>

#include "model/machine.h"

namespace runnel {

MatrixProducts::MatrixProducts(const Kernels& kernels, ThreadPool& pool, int bf16_tokens, bool bf16_always)
    : kernels_(kernels),
      pool_(pool),
      bf16_tokens_(bf16_tokens),
      bf16_always_(bf16_always),
      bf16_matmul_(bf16_tokens > 0 ? std::make_unique<Bf16Matmul>(kernels, pool.size()) : nullptr) {}

Activations MatrixProducts::activations(const float* values, int columns, int tokens, bool integer) {
  Activations x{.values = values, .quantized = {}};
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
  for_tokens(pool_, tokens, [&](std::size_t t) {
    kernels_.quantize_row(values + t * width, columns, x.quantized, static_cast<int>(t));
  });
  return x;
}

// Several matrices that read the same activations are one job, shared out by groups of rows.
void MatrixProducts::multiply(std::span<const Product> products, const float* values, int tokens,
                              AlignedBuffer<float>& out, std::size_t stride) {
  const auto packed_integers = [](const Product& product) { return is_integer(product.linear->matrix.packing); };
  const bool integer = std::any_of(products.begin(), products.end(), packed_integers);
  if ((integer || bf16_always_) && bf16_tokens_ > 0 && tokens >= bf16_tokens_)
    return multiply_bf16(products, values, tokens, out, stride);
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

void MatrixProducts::multiply_bf16(std::span<const Product> products, const float* x, int tokens,
                                   AlignedBuffer<float>& out, std::size_t stride) {
  constexpr int at_once = Bf16Matmul::groups_at_once;
  const auto columns = static_cast<std::size_t>(products.front().linear->matrix.columns);
  const auto rows = static_cast<std::size_t>(Bf16Matmul::padded_tokens(tokens));
  bf16_.reserve(rows * columns);
  out.reserve(rows * stride);
  for_tokens(pool_, tokens, [&](std::size_t t) {
    kernels_.to_bf16(x + t * columns, static_cast<int>(columns), bf16_.data() + t * columns);
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

void MatrixProducts::multiply(const PackedMatrix& matrix, const float* x, int tokens, AlignedBuffer<float>& out,
                              std::size_t stride) {
  const Activations activated = activations(x, matrix.columns, tokens, is_integer(matrix.packing));
  out.reserve(static_cast<std::size_t>(tokens) * stride);
  const auto groups = static_cast<std::size_t>(matrix.groups());
  const std::size_t chunks = std::min(groups, static_cast<std::size_t>(16 * pool_.size()));
  pool_.run(chunks, [&](std::size_t chunk, int) {
    const auto from = static_cast<int>(groups * chunk / chunks);
    const auto to = static_cast<int>(groups * (chunk + 1) / chunks);
    kernels_.matmul(matrix.view(), from, to, activated, tokens, out.data(), stride);
  });
}

// The bias of rows in groups [first, last).
void MatrixProducts::add_bias(const Product& product, int first, int last, int tokens, float* out,
                              std::size_t stride) const {
  const std::vector<float>& bias = product.linear->bias;
  if (bias.empty()) return;
  const int begin = first * group_rows;
  const int n = std::min(last * group_rows, product.linear->matrix.rows) - begin;
  for (int t = 0; t < tokens; ++t) {
    kernels_.add(bias.data() + begin, n, out + static_cast<std::size_t>(t) * stride + product.offset + begin);
  }
}

}  // namespace runnel
