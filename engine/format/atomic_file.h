#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace runnel {

/// A file that appears whole or not at all: written without a name (under a temporary one where the file system can't
/// do that) in the same folder, then renamed. What stood under the name before stays untouched until then. Lives on one
/// thread.
class AtomicFile {
 public:
  /// Who may read the file.
  enum class Readers : std::uint8_t { as_usual, owner };

  /// Throws Error naming `path` when its folder can't be written to.
  explicit AtomicFile(const std::filesystem::path& path, Readers readers = Readers::as_usual);

  /// Removes the temporary file unless commit() succeeded.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error naming path and reason, e.g. a full disk.
  void write(std::span<const std::byte> bytes);

  /// Appends zeros until the size is a multiple of `alignment`.
  void pad_to(std::size_t alignment);

  /// Bytes written so far.
  std::size_t size() const { return size_; }

  /// Brings the bytes to the disk and gives the file its name. Nothing may be written after. Throws like write().
  void commit();

 private:
  [[noreturn]] void fail(int error) const;
  void close_and_remove() noexcept;
  void take_free_name(const std::function<bool(const char* name)>& take);

  std::filesystem::path path_;
  std::filesystem::path temporary_;  ///< empty while the file has no name
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

}  // namespace runnel
