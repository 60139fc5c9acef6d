#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "runnel/session.h"

namespace runnel {

/// A token for timing, where any do: they differ from each other and stay clear of the control tokens at a vocabulary's
/// start. `n_vocab`: of the model; `number`: 0-based.
inline Token any_token(int number, int n_vocab) {
  return n_vocab / 4 + static_cast<Token>(std::int64_t{number} * 7919 % (n_vocab / 2 + 1));
}

/// How long the session takes to evaluate one token.
inline double step_milliseconds(Session& session, Token token) {
  const auto start = std::chrono::steady_clock::now();
  session.feed({&token, 1});
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// The value that a share `q` (0 … 1) of `values`, which are some, lies below.
inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size()));
  return values[std::min(values.size() - 1, at)];
}

}  // namespace runnel
