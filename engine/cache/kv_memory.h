#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernels.h"
#include "runnel/cache.h"

namespace runnel {

/// Sizes that the memory of keys and values depends on.
struct KvShape {
  int layers;
  int kv_heads;
  int head_dim;

  std::size_t values_per_token() const {
    return 2 * static_cast<std::size_t>(layers) * static_cast<std::size_t>(kv_heads) *
           static_cast<std::size_t>(head_dim);
  }
};

/// A stretch of slots to be copied.
struct SlotCopy {
  std::int32_t from;
  std::int32_t to;
  std::int32_t length;
};

/// Keys and values of every layer, head and slot. Reserved once; pages become resident when they are first written.
class KvMemory {
 public:
  /// Throws Error that names both sizes when the machine has less memory available than is needed.
  KvMemory(const KvShape& shape, int slots, KvType type);
  ~KvMemory();
  KvMemory(KvMemory&& other) noexcept;
  KvMemory& operator=(KvMemory&& other) noexcept;

  KvView view(int layer, int head) const;
  /// Writes key (rotated) and value [head_dim] of one token. Throws Error when one of them is beyond what f16 holds.
  void store(int layer, int head, std::int32_t slot, const float* key, const float* value, const Kernels& kernels);
  /// Copies rows of `other`, which may have another type and size. Throws as `store` does.
  void copy_from(const KvMemory& other, std::span<const SlotCopy> copies);

  KvType type() const { return type_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_per_token() const;

 private:
  std::size_t width() const { return type_ == KvType::f32 ? 4 : 2; }
  std::size_t keys_bytes() const;
  std::byte* keys(int layer, int head) const;
  std::byte* values(int layer, int head) const { return keys(layer, head) + keys_bytes(); }
  float read(const std::byte* at) const;
  void write(std::byte* at, float value, int layer);
  void release();

  KvShape shape_;
  int padded_slots_;  ///< multiple of 16
  KvType type_;
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace runnel
