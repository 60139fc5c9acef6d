#include "runnel/likelihood.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/isa.h"
#include "kernels/kernels.h"

namespace runnel {

double negative_log_likelihood(std::span<const float> logits, Token token) {
  static const Kernels& kernels = kernels_for(choose_isa());
  const float largest = kernels.largest(logits.data(), static_cast<int>(logits.size()));
  std::array<float, 1024> block;
  double sum = 0;
  for (std::size_t done = 0; done < logits.size(); done += block.size()) {
    const std::size_t count = std::min(block.size(), logits.size() - done);
    std::copy_n(logits.begin() + static_cast<std::ptrdiff_t>(done), count, block.begin());
    sum += kernels.exp_sum(block.data(), static_cast<int>(count), largest);
  }
  return std::log(sum) + largest - logits[static_cast<std::size_t>(token)];
}

}  // namespace runnel
