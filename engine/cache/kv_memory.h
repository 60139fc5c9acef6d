#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "runnel/cache.h"

namespace runnel {

class SnapshotReader;
class SnapshotWriter;

/// Sizes that the memory of keys and values depends on.
struct KvShape {
  int layers;
  int kv_heads;
  int head_dim;

  /// Of a token's keys and values in all layers, their scales included.
  std::size_t bytes_per_token(KvType type) const;
};

/// A stretch of slots to be copied.
struct SlotCopy {
  std::int32_t from;
  std::int32_t to;
  std::int32_t length;
};

/// Where the tokens of `to` lie in `from`, and where they belong.
std::vector<SlotCopy> moves(std::span<const Run> from, std::span<const Run> to);

/// Keys and values of every layer, head and slot. Reserved once; pages become resident when they are first written.
class KvMemory {
 public:
  /// Throws Error that names both sizes when the machine has less memory available than is needed.
  KvMemory(const KvShape& shape, int slots, KvType type);
  ~KvMemory();
  KvMemory(KvMemory&& other) noexcept;
  KvMemory& operator=(KvMemory&& other) noexcept;

  KvView view(int layer, int head) const;
  /// Writes key (rotated) and value [head_dim] of one token. Throws Error when one of them is beyond what f16 holds,
  /// where that is the type.
  void store(int layer, int head, std::int32_t slot, const float* key, const float* value, const Kernels& kernels);
  /// Copies rows of `other`, which may have another type and size. Throws as `store` does.
  void copy_from(const KvMemory& other, std::span<const SlotCopy> copies);

  /// The rows of slots [0, slots), as `read` takes them: the same type, shape and number of slots.
  void write(SnapshotWriter& out, std::int32_t slots) const;
  void read(SnapshotReader& in, std::int32_t slots);

  KvType type() const { return type_; }
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_per_token() const { return shape_.bytes_per_token(type_); }

 private:
  /// Where one token's key and value of a layer and head stand.
  struct Place {
    std::byte* key;  ///< every 16th element from here on
    std::byte* value;
    float* key_scale;  ///< null without scales
    float* value_scale;
  };

  Place place(int layer, int head, std::int32_t slot) const;
  void copy_place(const Place& from, const Place& to) const;
  void convert_place(const KvMemory& other, const Place& from, int layer, int head, std::int32_t slot);
  std::byte* head_data(int layer, int head) const;
  std::vector<std::span<std::byte>> parts(int layer, int head, std::int32_t slots) const;
  void release();

  KvShape shape_;
  std::size_t padded_slots_;  ///< multiple of 16
  KvType type_;
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

}  // namespace runnel
