#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

#include "format/gguf_file.h"

namespace runnel {

/// Writes the bytes of GGUF files by hand, so that tests can write wrong ones.
class GgufBytes {
 public:
  GgufBytes& header(std::uint64_t n_tensors, std::uint64_t n_values, std::uint32_t version = 3) {
    return raw("GGUF").number(version).number(n_tensors).number(n_values);
  }

  GgufBytes& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }

  template <typename T>
  GgufBytes& number(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
    return *this;
  }

  GgufBytes& text(std::string_view text) { return number(std::uint64_t{text.size()}).raw(text); }

  GgufBytes& type(GgufType type) { return number(static_cast<std::uint32_t>(type)); }

  GgufBytes& key(std::string_view name, GgufType value_type) { return text(name).type(value_type); }

  GgufBytes& array(std::string_view name, GgufType element, std::uint64_t count) {
    return key(name, GgufType::array).type(element).number(count);
  }

  /// A row of the tensor table; dimensions as in the file, innermost first.
  GgufBytes& tensor(std::string_view name, std::initializer_list<std::uint64_t> dimensions, std::uint32_t block_type,
                    std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(dimensions.size()));
    for (std::uint64_t length : dimensions) number(length);
    return number(block_type).number(offset);
  }

  /// Fills up to the alignment, then adds zeros as data.
  GgufBytes& data(std::size_t n_bytes, std::size_t alignment = 32) {
    bytes_.append((alignment - bytes_.size() % alignment) % alignment + n_bytes, '\0');
    return *this;
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace runnel
