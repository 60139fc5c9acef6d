#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace runnel {

// A snapshot file: the mark, the version, what was written, and the XXH3 hash (64 bits) of all that stands before it.
// Numbers are little-endian; texts and lists begin with their length.

constexpr std::array<char, 8> snapshot_mark{'R', 'u', 'n', 'n', 'e', 'l', 'K', 'V'};
constexpr std::uint32_t snapshot_version = 3;
constexpr std::size_t snapshot_hash_bytes = 8;

}  // namespace runnel
