#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/gguf_file.h"
#include "format/tensor.h"

namespace runnel {

/// Collects metadata and tensors and writes them as a GGUF file of version 3, in the order in which they were added.
/// A key that is set again keeps its place and changes its value. Lives on one thread.
class GgufWriter {
 public:
  /// Makes the data of a tensor when it is its turn to be written, so that one tensor at a time is in memory.
  using Producer = std::function<std::vector<std::byte>()>;

  /// Stores an integer, float, double, bool or string under its own type (a string_view as string), or a std::vector of
  /// these as array. Throws Error when the key is empty.
  template <GgufReadable T>
  void set(std::string_view key, const T& value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }

  /// Takes a value over from another file, whatever its type.
  void copy(const GgufFile& from, const GgufValue& value);

  /// Adds a tensor; its data must live until write(). Throws Error when the name is empty or taken, or when data or
  /// rows do not have the size that shape and type ask for.
  void add_tensor(TensorView tensor);

  /// Adds a tensor whose data is made while writing; `tensor.data` is not used.
  void add_tensor(TensorView tensor, Producer producer);

  /// Writes the file under a temporary name and renames it, so that a reader never sees a part of it. Throws Error
  /// naming file and reason; nothing is left behind then.
  void write(const std::filesystem::path& path) const;

 private:
  struct Tensor {
    TensorView view;
    Producer producer;
  };

  std::string& bytes_of_key(std::string_view key);
  void check(const TensorView& tensor) const;
  std::size_t size_of(const TensorView& tensor) const;
  std::string header() const;

  std::vector<std::pair<std::string, std::string>> values_;  ///< key → value type and value as they lie in the file
  std::map<std::string, std::size_t, std::less<>> value_index_;
  std::vector<Tensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> tensor_index_;
};

}  // namespace runnel
