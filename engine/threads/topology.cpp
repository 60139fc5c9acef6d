#include "threads/topology.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "runnel/threads.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

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

// The tightest quota between a group and the root of its hierarchy, which in a container is all that can be seen.
double tightest_quota(const fs::path& hierarchy, const std::string& own_group) {
  double tightest = 0;
  fs::path group = fs::path(own_group).relative_path();
  while (true) {
    const double quota = quota_in(hierarchy / group);
    if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
    if (group.empty()) return tightest;
    group = group.parent_path();
  }
}

// Whether "cpu" is one of the controllers of a v1 hierarchy ("cpu,cpuacct"); "cpuset" is another thing.
bool names_cpu(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

// The tightest quota that holds for this process.
double cgroup_quota(const fs::path& root) {
  std::ifstream groups(root / "proc/self/cgroup");
  double tightest = 0;
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !names_cpu(controllers)) continue;
    const double quota = tightest_quota(root / "sys/fs/cgroup" / (v2 ? "" : controllers), line.substr(second + 1));
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

std::vector<int> affinity_mask() {
  std::vector<int> allowed;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mask)) allowed.push_back(cpu);
    }
  }
  return allowed;
}

}  // namespace

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
  return threads_within(cpu_limits(affinity_mask(), "/"), reason);
}

}  // namespace runnel
