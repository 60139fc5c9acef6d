#pragma once

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "format/safetensors.h"
#include "runnel/error.h"

namespace runnel {

/// Arrays of a safetensors file.
class Arrays {
 public:
  explicit Arrays(const std::filesystem::path& path) : file_(SafetensorsFile::open(path)) {}

  /// All values of an array, which must hold such numbers.
  template <typename T>
  std::vector<T> all(const std::string& name) const {
    const SafetensorsEntry* entry = file_.find_entry(name);
    if (entry == nullptr) throw Error(name + " is missing in the reference.");
    std::vector<T> values(entry->data.size() / sizeof(T));
    std::memcpy(values.data(), entry->data.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  SafetensorsFile file_;
};

}  // namespace runnel
