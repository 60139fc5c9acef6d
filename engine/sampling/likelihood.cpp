#include "runnel/likelihood.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace runnel {
namespace {

// Σ exp(logit − origin).
double exp_sum(std::span<const float> logits, float origin) {
  static const Kernels& kernels = kernels_for(choose_isa());
  std::array<float, 1024> block;
  double sum = 0;
  for (std::size_t done = 0; done < logits.size(); done += block.size()) {
    const std::size_t count = std::min(block.size(), logits.size() - done);
    std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(done), count, block.begin());
    sum += kernels.exp_sum(block.data(), static_cast<int>(count), origin);
  }
  return sum;
}

}  // namespace

// Each logit relative to the token's own: the sum is 1 / p, in one pass. Where p is too small for that, relative to the
// largest.
double negative_log_likelihood(std::span<const float> logits, Token token) {
  const float own = logits[static_cast<std::size_t>(token)];
  const double sum = exp_sum(logits, own);
  constexpr double most = 1e37;  // the kernel's exponential ends at e^88
  if (sum < most) return std::log(sum);
  const float largest = *std::ranges::max_element(logits);
  return std::log(exp_sum(logits, largest)) + largest - own;
}

}  // namespace runnel
