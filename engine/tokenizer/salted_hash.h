#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

namespace runnel {

/// A hash that differs from object to object, so that no file can hold keys which all collide.
class SaltedHash {
 public:
  SaltedHash() {
    std::random_device device;
    salt_ = static_cast<std::uint64_t>(device()) << 32U | device();
  }

  std::size_t operator()(std::uint64_t key) const { return mixed(key ^ salt_); }

  std::size_t operator()(std::string_view key) const {
    std::uint64_t hash = mixed(key.size() ^ salt_);
    for (; !key.empty(); key.remove_prefix(std::min(sizeof(std::uint64_t), key.size()))) {
      std::uint64_t word = 0;
      std::memcpy(&word, key.data(), std::min(sizeof word, key.size()));
      hash = mixed(hash ^ word);
    }
    return hash;
  }

 private:
  /// Sebastiano Vigna's SplitMix64: every bit of the key changes every bit of the hash with a probability of a half.
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27U) * 0x94D049BB133111EBU;
    return x ^ x >> 31U;
  }

  std::uint64_t salt_;
};

}  // namespace runnel
