#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "runnel/error.h"

namespace runnel {

static_assert(std::endian::native == std::endian::little, "file formats are read as they lie in memory");

/// Reads little-endian values from untrusted bytes. Every read is checked against the end of the bytes; a read beyond
/// it throws Error with a sentence that names the file and what was being read (`subject`).
class ByteReader {
 public:
  /// `file`: how error sentences call the file. Both must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view file, std::size_t offset = 0)
      : bytes_(bytes), file_(file), offset_(offset) {}

  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }

  /// Says what is read from now on, e.g. "metadata key general.name".
  void set_subject(std::string subject) { subject_ = std::move(subject); }
  const std::string& subject() const { return subject_; }

  template <typename T>
  T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }

  /// A view of the next `length` bytes.
  std::string_view read_text(std::uint64_t length) {
    return {reinterpret_cast<const char*>(take(length)), static_cast<std::size_t>(length)};
  }

  void skip(std::uint64_t length) { take(length); }

  /// For `count` things of at least `bytes_each` bytes: throws when the file can't hold them, however large the
  /// product.
  void expect(std::uint64_t count, std::uint64_t bytes_each, std::string_view things) const {
    if (count <= left() / bytes_each) return;
    throw Error(fmt::format("{} is shorter than its header says: {} at byte {} claims {} {}, the file has {} bytes.",
                            file_, subject_, offset_, count, things, bytes_.size()));
  }

 private:
  const std::byte* take(std::uint64_t length) {
    if (length > left()) {
      throw Error(
          fmt::format("{} is shorter than its header says: {} at byte {} needs {} bytes, the file has {} in all.",
                      file_, subject_, offset_, length, bytes_.size()));
    }
    const std::byte* start = bytes_.data() + offset_;
    offset_ += static_cast<std::size_t>(length);
    return start;
  }

  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::string subject_ = "the header";
  std::size_t offset_;
};

}  // namespace runnel
