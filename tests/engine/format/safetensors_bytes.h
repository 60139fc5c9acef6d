#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace runnel {

/// A safetensors file's bytes: the header's length, the header, `n_data_bytes` zeros.
inline std::string safetensors_bytes(std::string_view header, std::size_t n_data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += header;
  bytes.append(n_data_bytes, '\0');
  return bytes;
}

}  // namespace runnel
