#pragma once

#include <span>

#include "runnel/tokenizer.h"

namespace runnel {

/// −ln of the probability that `logits` [n_vocab] (softmax) give to `token`, which is in [0, n_vocab): 0 for a token
/// that was certain. The mean over a text is the logarithm of its perplexity.
double negative_log_likelihood(std::span<const float> logits, Token token);

}  // namespace runnel
