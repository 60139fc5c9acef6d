#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "format/mapped_file.h"
#include "format/tensor.h"

namespace runnel {

/// Types of metadata values; the numbers are those in the file (GGUF specification, gguf_metadata_value_type).
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// "u32", "string", "array" …
std::string_view name_of(GgufType type);

/// What a metadata key holds.
struct GgufValue {
  std::string key;
  GgufType type = GgufType::u8;
  GgufType element = GgufType::u8;  ///< type of the elements when `type` is array
  std::uint64_t count = 1;          ///< elements of an array
  std::size_t offset = 0;           ///< in the file: the value, or the array's first element
  std::size_t size = 0;             ///< bytes of the value, or of the array's elements
};

namespace detail {
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename T>
concept GgufScalar = std::integral<T> || std::same_as<T, float> || std::same_as<T, double> ||
                     std::same_as<T, std::string> || std::same_as<T, std::string_view>;
}  // namespace detail

/// What GgufFile::find can decode a value to.
template <typename T>
concept GgufReadable =
    detail::GgufScalar<T> || (detail::IsVector<T>::value && detail::GgufScalar<typename T::value_type>);

/// A GGUF file of version 2 or 3, little endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), whose
/// header and tensor table were checked whole: every value lies inside the file, keys and tensor names are unique,
/// tensors are aligned, consist of whole blocks and do not overlap. Immutable, so it may be read from any thread.
/// A model that was split into several files (gguf_split.h) is opened by any of them and looks like one.
///
/// Values are decoded when they are asked for, so a vocabulary costs memory only where it is kept.
class GgufFile {
 public:
  /// Throws Error: one sentence that names the file, the key or tensor, what was found and what was expected. Takes
  /// time and memory in proportion to the file's header.
  static GgufFile open(const std::filesystem::path& path);

  /// 2 or 3.
  std::uint32_t version() const { return version_; }

  /// What each key holds, in the file's order.
  const std::vector<GgufValue>& values() const { return values_; }

  /// What `key` holds; null when the file has no such key.
  const GgufValue* value(std::string_view key) const;
  bool has(std::string_view key) const { return value(key) != nullptr; }

  /// The value of `key`, nothing when the file has no such key. T: an integer type (from any integer type, checked for
  /// range), float or double (from any number), bool, std::string, std::string_view (into the mapping: lives as long as
  /// this object), or a std::vector of one of these. Throws Error naming file, key, found and expected when the type or
  /// the range does not fit.
  template <GgufReadable T>
  std::optional<T> find(std::string_view key) const;

  /// As `find`, but throws Error naming the key when the file has none.
  template <GgufReadable T>
  T get(std::string_view key) const {
    std::optional<T> found = find<T>(key);
    if (!found) throw_missing(key);
    return *std::move(found);
  }

  /// In the file's order.
  const std::vector<TensorView>& tensors() const { return tensors_; }

  /// Null when the file has no such tensor. The pointer lives as long as this object, and is not changed by moving it.
  const TensorView* find_tensor(std::string_view name) const;

  /// The file that was opened; of a split model the first, which has the metadata.
  const MappedFile& file() const { return file_; }

  /// Which of the model's files holds this tensor, one of `tensors`.
  const MappedFile& file_of(const TensorView& tensor) const;

  /// Bytes of all the model's files.
  std::uint64_t file_bytes() const;

  /// Gives back the memory of a tensor's pages (see MappedFile::release).
  void release(const TensorView& tensor) const;

 private:
  friend class GgufParser;
  explicit GgufFile(const std::filesystem::path& path) : file_(path) {}
  [[noreturn]] void throw_missing(std::string_view key) const;

  MappedFile file_;
  std::vector<MappedFile> further_files_;  ///< of a split model
  std::uint32_t version_ = 0;
  std::vector<GgufValue> values_;
  std::vector<TensorView> tensors_;
  // Trees, since names chosen to collide would make a hash table quadratic.
  std::map<std::string_view, std::size_t> value_index_;   ///< keys live in values_
  std::map<std::string_view, std::size_t> tensor_index_;  ///< names live in tensors_
};

}  // namespace runnel
