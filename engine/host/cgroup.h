#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// The folders of the control groups that bound this process in what `controller` ("cpu", "memory") governs: from its
/// own group up to the root of the hierarchy (which in a container is all that can be seen), for version 2 and for the
/// hierarchy of version 1 that has the controller. Reads proc/self/cgroup below `root` ("/" on a real system); a folder
/// need not exist.
std::vector<std::filesystem::path> cgroup_folders(std::string_view controller, const std::filesystem::path& root);

/// The first line of a file, empty when there is none.
std::string first_line(const std::filesystem::path& path);

}  // namespace runnel
