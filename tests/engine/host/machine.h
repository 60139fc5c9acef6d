#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/format/temporary_folder.h"

namespace runnel {

/// A machine as proc, sysfs and the cgroup files describe it.
class Machine {
 public:
  Machine& file(const std::string& path, std::string_view text) {
    std::filesystem::create_directories(root_.path(path).parent_path());
    root_.write(path, text);
    return *this;
  }
  Machine& group(std::string_view line) { return file("proc/self/cgroup", line); }
  std::filesystem::path root() const { return root_.path(); }

 private:
  TemporaryFolder root_;
};

}  // namespace runnel
