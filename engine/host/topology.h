#pragma once

#include <sched.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace runnel {

/// What bounds the number of threads that can run at once.
struct CpuLimits {
  std::vector<int> allowed;  ///< processors in the affinity mask
  int physical_cores = 0;    ///< distinct cores among them
  double quota = 0;          ///< processors' worth of time the cgroup allows, 0: no limit
};

/// Fills a mask of so many bytes as sched_getaffinity does: false, with errno EINVAL, when the mask is too short.
using ReadMask = std::function<bool(std::size_t bytes, cpu_set_t* mask)>;

/// The processors in the affinity mask that `read` gives, ascending, however many the system has; none when it fails.
std::vector<int> affinity_mask(const ReadMask& read);

/// Reads sysfs and the cgroup files below `root` ("/" on a real system) for the processors in `allowed`.
/// Files that are missing or make no sense count as no limit.
CpuLimits cpu_limits(const std::vector<int>& allowed, const std::filesystem::path& root);

/// Threads to use within `limits`, at least 1; `reason` names what decided.
int threads_within(const CpuLimits& limits, std::string* reason);

}  // namespace runnel
