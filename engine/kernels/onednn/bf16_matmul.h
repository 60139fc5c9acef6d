#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/kernels.h"

namespace runnel {

/// Products of many tokens through oneDNN in bfloat16, for processors with AMX: weights are unpacked a few groups of
/// rows at a time into scratch, never as a second copy of the model. The one place that knows oneDNN's interface (2.x
/// and 3.x).
class Bf16Matmul {
 public:
  /// `threads` that may call `multiply` at the same time.
  Bf16Matmul(const Kernels& kernels, int threads);
  ~Bf16Matmul();
  Bf16Matmul(const Bf16Matmul&) = delete;
  Bf16Matmul& operator=(const Bf16Matmul&) = delete;

  /// Whether the processor has bfloat16 products at all (the answers are right); they pay only with AMX.
  static bool supported();

  /// Rows of activations and output that a product over `tokens` reads and writes; the surplus holds nothing of use.
  /// Few sizes, because oneDNN compiles a kernel for each.
  static int padded_tokens(int tokens) { return (tokens + 63) / 64 * 64; }

  /// Groups of rows that one call should take.
  static constexpr int groups_at_once = 4;

  /// out[t][row] = Σ weights[row][c] × x[t][c] for the 16 rows of groups [first, last), last − first at most
  /// groups_at_once. `x` is bfloat16 [padded_tokens, columns], `out` [padded_tokens, stride]. `thread` in [0, threads):
  /// oneDNN's objects must not be executed by two threads at once. Throws Error when oneDNN fails.
  void multiply(const PackedView& weights, int first, int last, const std::uint16_t* x, int tokens, float* out,
                std::size_t stride, int thread);

 private:
  struct Worker;

  const Kernels& kernels_;
  std::unique_ptr<Worker[]> workers_;
};

}  // namespace runnel
