#include "host/topology.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <set>
#include <sstream>

#include "host/cgroup.h"
#include "runnel/threads.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

// cgroup v2 "cpu.max": "max 100000" or "50000 100000"; v1 keeps the two numbers in two files, -1 meaning no limit.
double quota_in(const fs::path& group) {
  std::istringstream v2(first_line(group / "cpu.max"));
  double quota = 0;
  double period = 0;
  if (v2 >> quota >> period && quota > 0 && period > 0) return quota / period;
  std::istringstream v1_quota(first_line(group / "cpu.cfs_quota_us"));
  std::istringstream v1_period(first_line(group / "cpu.cfs_period_us"));
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) return quota / period;
  return 0;
}

// The tightest quota that holds for this process.
double cgroup_quota(const fs::path& root) {
  double tightest = 0;
  for (const fs::path& group : cgroup_folders("cpu", root)) {
    const double quota = quota_in(group);
    if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
  }
  return tightest;
}

int count_physical_cores(const std::vector<int>& allowed, const fs::path& root) {
  std::set<std::string> cores;
  for (const int cpu : allowed) {
    const fs::path topology = root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    const std::string siblings = first_line(topology / "thread_siblings_list");
    cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
  }
  return static_cast<int>(cores.size());
}

}  // namespace

std::vector<int> affinity_mask(const ReadMask& read) {
  constexpr int most = 1 << 20;  // far more processors than Linux can be built for
  for (int cpus = CPU_SETSIZE; cpus <= most; cpus *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(cpus), [](cpu_set_t* set) { CPU_FREE(set); });
    if (mask == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
    CPU_ZERO_S(bytes, mask.get());
    if (!read(bytes, mask.get())) {
      if (errno == EINVAL) continue;  // the kernel's mask is longer
      break;
    }
    std::vector<int> allowed;
    for (int cpu = 0; cpu < cpus; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, mask.get())) allowed.push_back(cpu);
    }
    return allowed;
  }
  return {};
}

CpuLimits cpu_limits(const std::vector<int>& allowed, const fs::path& root) {
  return {.allowed = allowed, .physical_cores = count_physical_cores(allowed, root), .quota = cgroup_quota(root)};
}

int threads_within(const CpuLimits& limits, std::string* reason) {
  int threads = std::max(limits.physical_cores, 1);
  std::string why =
      limits.physical_cores < static_cast<int>(limits.allowed.size()) ? "physical cores" : "processors allowed";
  if (limits.quota > 0 && std::floor(limits.quota) < threads) {
    threads = std::max(static_cast<int>(std::floor(limits.quota)), 1);
    why = "cgroup quota";
  }
  if (reason != nullptr) *reason = why;
  return threads;
}

int default_threads(std::string* reason) {
  const ReadMask kernel = [](std::size_t bytes, cpu_set_t* mask) { return sched_getaffinity(0, bytes, mask) == 0; };
  return threads_within(cpu_limits(affinity_mask(kernel), "/"), reason);
}

}  // namespace runnel
