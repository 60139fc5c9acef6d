#pragma once

#include <cstddef>
#include <utility>

#include "kernels/kernels.h"
#include "model/config.h"
#include "model/matrix_products.h"
#include "threads/thread_pool.h"

namespace runnel {

/// Calls `job(token)` for each token, on all threads where there are enough tokens.
template <typename Job>
void for_tokens(ThreadPool& pool, int tokens, Job&& job) {
  constexpr int few_tokens = 4;  // below this, sharing out the work on single tokens costs more than it saves
  if (tokens < few_tokens) {
    for (int t = 0; t < tokens; ++t) job(static_cast<std::size_t>(t));
    return;
  }
  pool.run(static_cast<std::size_t>(tokens), [&](std::size_t t, int) { job(t); });
}

/// What all parts of a forward pass work with.
struct Machine {
  const Config& config;
  const Kernels& kernels;
  ThreadPool& pool;
  MatrixProducts& products;

  template <typename Job>
  void for_tokens(int tokens, Job&& job) const {
    runnel::for_tokens(pool, tokens, std::forward<Job>(job));
  }
};

/// `n` rounded up to whole groups of rows: how long a row of a product's output is.
constexpr std::size_t padded(int n) {
  return static_cast<std::size_t>((n + group_rows - 1) / group_rows) * group_rows;
}

}  // namespace runnel
