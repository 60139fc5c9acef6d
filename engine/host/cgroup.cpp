#include "host/cgroup.h"

#include <fstream>
#include <sstream>

namespace runnel {
namespace {

namespace fs = std::filesystem;

// Whether a controller is one of a version 1 hierarchy's ("cpu,cpuacct"); "cpuset" is another thing than "cpu".
bool names(const std::string& controllers, std::string_view controller) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == controller) return true;
  }
  return false;
}

void add_with_parents(const fs::path& hierarchy, const std::string& own_group, std::vector<fs::path>& folders) {
  for (fs::path group = fs::path(own_group).relative_path();; group = group.parent_path()) {
    folders.push_back(hierarchy / group);
    if (group.empty()) return;
  }
}

}  // namespace

std::vector<fs::path> cgroup_folders(std::string_view controller, const fs::path& root) {
  std::vector<fs::path> folders;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:cpu,cpuacct:/box", of version 2 "0::/box"
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && !names(controllers, controller)) continue;
    add_with_parents(root / "sys/fs/cgroup" / (v2 ? "" : controllers), line.substr(second + 1), folders);
  }
  return folders;
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace runnel
