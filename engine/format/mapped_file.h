#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace runnel {

/// A regular file, mapped read-only. Immutable, so it may be read from any thread. Pages are read from the disk when
/// they are first touched; a file that another program shortens meanwhile ends the process (SIGBUS), as any mapping.
class MappedFile {
 public:
  /// Throws Error that names the file when it is missing, unreadable, empty or no regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// The whole file, at least one byte; page-aligned. Empty after the object was moved from.
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Gives back the memory of the whole pages inside bytes [offset, offset + length), clipped to the file. The bytes
  /// stay readable: what is touched again is read from the disk again.
  void release(std::size_t offset, std::size_t length) const;

  /// The same for a part of bytes(), e.g. a tensor's data. A span of another file is ignored.
  void release(std::span<const std::byte> part) const;

 private:
  void unmap() noexcept;

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

}  // namespace runnel
