#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "format/mapped_file.h"

namespace runnel {

/// Reads what SnapshotWriter wrote. The file may come from anywhere: nothing is taken for granted but what the hash
/// says. Every call throws Error that names the file when that is damaged or no snapshot.
class SnapshotReader {
 public:
  /// Checks mark, version and hash.
  explicit SnapshotReader(const std::filesystem::path& path);

  /// The next `count` bytes, valid as long as the reader.
  std::span<const std::byte> bytes(std::size_t count);
  std::string text();
  template <typename T>
  T value() {
    static_assert(std::is_arithmetic_v<T>);
    T data;
    std::memcpy(&data, bytes(sizeof(T)).data(), sizeof(T));
    return data;
  }
  template <typename T>
  std::vector<T> list() {
    const auto count = value<std::uint64_t>();
    require(count <= left_.size() / sizeof(T));
    const std::span<const std::byte> data = bytes(static_cast<std::size_t>(count) * sizeof(T));
    std::vector<T> result(static_cast<std::size_t>(count));
    if (!result.empty()) std::memcpy(result.data(), data.data(), data.size());
    return result;
  }

  /// Throws unless `holds`: for what the contents must obey.
  void require(bool holds) const;

 private:
  MappedFile file_;
  std::span<const std::byte> left_;
};

}  // namespace runnel
