#pragma once

#include <string>

namespace runnel {

/// How many threads to compute with by default: physical cores, as far as the affinity mask and the cgroup's quota
/// (rounded down, at least 1) allow. `reason`, when given, says which of these decided.
int default_threads(std::string* reason = nullptr);

}  // namespace runnel
