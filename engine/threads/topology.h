#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace runnel {

/// What bounds the number of threads that can run at once.
struct CpuLimits {
  std::vector<int> allowed;  ///< processors in the affinity mask
  int physical_cores = 0;    ///< distinct cores among them
  double quota = 0;          ///< processors' worth of time the cgroup allows, 0: no limit
};

/// Reads sysfs and the cgroup files below `root` ("/" on a real system) for the processors in `allowed`.
/// Files that are missing or make no sense count as no limit.
CpuLimits cpu_limits(const std::vector<int>& allowed, const std::filesystem::path& root);

/// Threads to use within `limits`, at least 1; `reason` names what decided.
int threads_within(const CpuLimits& limits, std::string* reason);

}  // namespace runnel
