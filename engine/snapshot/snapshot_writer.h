#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace runnel {

/// Writes a snapshot file, readable by its owner alone, which appears whole or not at all. Lives on one thread.
class SnapshotWriter {
 public:
  /// Throws Error naming `path` when its folder can't be written to.
  explicit SnapshotWriter(const std::filesystem::path& path);
  ~SnapshotWriter();
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Appends. Throws Error naming path and reason, e.g. a full disk; so do all that follow.
  void bytes(std::span<const std::byte> data);
  void text(std::string_view data);
  template <typename T>
  void value(const T& data) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    bytes(std::as_bytes(std::span(&data, 1)));
  }
  template <typename T>
  void list(std::span<const T> data) {
    static_assert(std::is_arithmetic_v<T>);
    value(static_cast<std::uint64_t>(data.size()));
    bytes(std::as_bytes(data));
  }

  /// Adds the hash, brings all to the disk and gives the file its name.
  void commit();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runnel
