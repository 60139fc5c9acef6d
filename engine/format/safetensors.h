#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/mapped_file.h"
#include "format/tensor.h"

namespace runnel {

/// A tensor as a safetensors file describes it, of any number type.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;                ///< as in the file: "F32", "I64", "F8_E4M3" …
  std::vector<std::int64_t> shape;  ///< outermost first; may be empty (one value) or hold zeros (no values)
  std::span<const std::byte> data;
};

/// A safetensors file (https://github.com/huggingface/safetensors, "Format"): a JSON header and the tensors' bytes.
/// The header was checked whole: names are unique, every tensor lies inside the file, has the size that its shape and
/// type ask for, and shares no bytes with another. Immutable, so it may be read from any thread.
class SafetensorsFile {
 public:
  /// Throws Error: one sentence that names the file, the tensor, what was found and what was expected. Takes time and
  /// memory in proportion to the header. Tensors of types we have no use for are accepted until they are asked for.
  static SafetensorsFile open(const std::filesystem::path& path);

  /// All tensors, by name.
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }

  /// Null when the file has no such tensor. The pointer lives as long as this object, and is not changed by moving it.
  const SafetensorsEntry* find_entry(std::string_view name) const;

  /// The tensors of type F32, F16 and BF16 that hold values, by name.
  const std::vector<TensorView>& tensors() const { return tensors_; }

  /// Null when the file has no such tensor. Throws Error that names tensor and type when it has, but of another type
  /// than F32, F16 and BF16, or without any values. The pointer lives as long as this object.
  const TensorView* find_tensor(std::string_view name) const;

  const MappedFile& file() const { return file_; }

 private:
  friend class SafetensorsParser;
  explicit SafetensorsFile(const std::filesystem::path& path) : file_(path) {}

  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;  ///< sorted by name
  std::vector<TensorView> tensors_;        ///< sorted by name
};

}  // namespace runnel
