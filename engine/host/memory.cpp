#include "host/memory.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "host/cgroup.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::istringstream line(first_line(file));
  std::uint64_t value = 0;
  if (line >> value) return value;
  return std::nullopt;  // "max": no limit
}

// What the kernel gives back under pressure. Of version 1 the totals hold the groups below, too, as version 2's do.
std::uint64_t reclaimable(const fs::path& group, bool v1) {
  std::ifstream stat(group / "memory.stat");
  std::uint64_t sum = 0;
  std::string key;
  for (std::uint64_t value = 0; stat >> key >> value;) {
    if (v1 ? key == "total_inactive_file" || key == "total_active_file"
           : key == "inactive_file" || key == "active_file" || key == "slab_reclaimable") {
      sum += value;
    }
  }
  return sum;
}

std::optional<std::uint64_t> room_in(const fs::path& group) {
  const bool v1 = fs::exists(group / "memory.limit_in_bytes");
  auto limit = number_in(group / (v1 ? "memory.limit_in_bytes" : "memory.max"));
  // Above "high" nothing is killed, but everything is slowed down until memory has been given back.
  if (const auto high = number_in(group / "memory.high"); high && !v1) limit = std::min(limit.value_or(*high), *high);
  const auto used = number_in(group / (v1 ? "memory.usage_in_bytes" : "memory.current"));
  if (!limit || !used) return std::nullopt;
  const std::uint64_t held = *used - std::min(*used, reclaimable(group, v1));
  return *limit - std::min(*limit, held);
}

std::optional<std::uint64_t> system_memory(const fs::path& root) {
  std::ifstream info(root / "proc/meminfo");
  std::string key;
  std::uint64_t kilobytes = 0;
  for (std::string unit; info >> key >> kilobytes && std::getline(info, unit);) {
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> available_memory(const fs::path& root) {
  std::optional<std::uint64_t> available = system_memory(root);
  for (const fs::path& group : cgroup_folders("memory", root)) {
    if (const auto room = room_in(group)) available = std::min(available.value_or(*room), *room);
  }
  return available;
}

}  // namespace runnel
