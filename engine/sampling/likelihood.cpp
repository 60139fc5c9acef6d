#include "runnel/likelihood.h"

#include <algorithm>
#include <cmath>

namespace runnel {

// Exponentials of floats: those of doubles would take as long as a small network does.
double negative_log_likelihood(std::span<const float> logits, Token token) {
  const float largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) + largest - logits[static_cast<std::size_t>(token)];
}

}  // namespace runnel
