#include "cache/kv_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "host/memory.h"
#include "quant/half.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr int group = 16;
constexpr std::uint16_t infinite_half = 0x7C00;

bool any_infinite(const std::uint16_t* halves, int n) {
  int found = 0;
  for (int i = 0; i < n; ++i) found |= static_cast<int>((halves[i] & 0x7FFFU) == infinite_half);
  return found != 0;
}

// Infinity would turn every later answer into NaN without a word.
[[noreturn]] void refuse_overflow(int layer) {
  throw Error("Layer " + std::to_string(layer) +
              " of this model computes keys or values beyond 65504, the most that f16 holds; choose f32 as the type of "
              "the KV cache (kv_type).");
}

std::string megabytes(std::size_t bytes) {
  return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
}

}  // namespace

KvMemory::KvMemory(const KvShape& shape, int slots, KvType type)
    : shape_(shape), padded_slots_((slots + group - 1) / group * group), type_(type) {
  bytes_ = shape.values_per_token() * static_cast<std::size_t>(padded_slots_) * width();
  if (const auto available = available_memory(); available && bytes_ > *available) {
    throw Error("The cache needs " + megabytes(bytes_) + " and only " + megabytes(*available) +
                " of memory are available; choose a smaller ctx_size.");
  }
  void* data = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    throw Error("The cache needs " + megabytes(bytes_) + ", which the system refused; choose a smaller ctx_size.");
  data_ = static_cast<std::byte*>(data);
}

KvMemory::~KvMemory() {
  release();
}

KvMemory::KvMemory(KvMemory&& other) noexcept
    : shape_(other.shape_),
      padded_slots_(other.padded_slots_),
      type_(other.type_),
      bytes_(other.bytes_),
      data_(std::exchange(other.data_, nullptr)) {}

KvMemory& KvMemory::operator=(KvMemory&& other) noexcept {
  if (this != &other) {
    release();
    shape_ = other.shape_;
    padded_slots_ = other.padded_slots_;
    type_ = other.type_;
    bytes_ = other.bytes_;
    data_ = std::exchange(other.data_, nullptr);
  }
  return *this;
}

void KvMemory::release() {
  if (data_ != nullptr) munmap(data_, bytes_);
  data_ = nullptr;
}

std::size_t KvMemory::bytes_per_token() const {
  return shape_.values_per_token() * width();
}

std::size_t KvMemory::keys_bytes() const {
  return static_cast<std::size_t>(padded_slots_) * static_cast<std::size_t>(shape_.head_dim) * width();
}

std::byte* KvMemory::keys(int layer, int head) const {
  return data_ + static_cast<std::size_t>(layer * shape_.kv_heads + head) * 2 * keys_bytes();
}

KvView KvMemory::view(int layer, int head) const {
  return {.keys = keys(layer, head), .values = values(layer, head), .head_dim = shape_.head_dim};
}

void KvMemory::store(int layer, int head, std::int32_t slot, const float* key, const float* value,
                     const Kernels& kernels) {
  const auto dim = static_cast<std::size_t>(shape_.head_dim);
  const auto at = static_cast<std::size_t>(slot);
  std::byte* key_lane = keys(layer, head) + (at / group * dim * group + at % group) * width();
  std::byte* row = values(layer, head) + at * dim * width();
  if (type_ == KvType::f32) {
    for (std::size_t d = 0; d < dim; ++d) std::memcpy(key_lane + d * group * 4, key + d, 4);
    std::memcpy(row, value, dim * 4);
    return;
  }
  constexpr int chunk = 64;
  for (int d = 0; d < shape_.head_dim; d += chunk) {
    const int n = std::min(chunk, shape_.head_dim - d);
    std::uint16_t halves[chunk];
    kernels.to_half(key + d, n, halves);
    if (any_infinite(halves, n)) refuse_overflow(layer);
    for (int i = 0; i < n; ++i) std::memcpy(key_lane + static_cast<std::size_t>(d + i) * group * 2, halves + i, 2);
  }
  auto* half_row = reinterpret_cast<std::uint16_t*>(row);
  kernels.to_half(value, shape_.head_dim, half_row);
  if (any_infinite(half_row, shape_.head_dim)) refuse_overflow(layer);
}

float KvMemory::read(const std::byte* at) const {
  if (type_ == KvType::f32) {
    float value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return f16_to_f32(bits);
}

void KvMemory::write(std::byte* at, float value, int layer) {
  if (type_ == KvType::f32) {
    std::memcpy(at, &value, sizeof value);
  } else {
    const std::uint16_t bits = f32_to_f16(value);
    if (any_infinite(&bits, 1)) refuse_overflow(layer);
    std::memcpy(at, &bits, sizeof bits);
  }
}

void KvMemory::copy_from(const KvMemory& other, std::span<const SlotCopy> copies) {
  const auto dim = static_cast<std::size_t>(shape_.head_dim);
  for (int layer = 0; layer < shape_.layers; ++layer) {
    for (int head = 0; head < shape_.kv_heads; ++head) {
      for (const SlotCopy& copy : copies) {
        for (std::int32_t i = 0; i < copy.length; ++i) {
          const auto from = static_cast<std::size_t>(copy.from + i);
          const auto to = static_cast<std::size_t>(copy.to + i);
          for (std::size_t d = 0; d < dim; ++d) {
            const std::size_t key_from = (from / group * dim + d) * group + from % group;
            const std::size_t key_to = (to / group * dim + d) * group + to % group;
            write(keys(layer, head) + key_to * width(), other.read(other.keys(layer, head) + key_from * other.width()),
                  layer);
            write(values(layer, head) + (to * dim + d) * width(),
                  other.read(other.values(layer, head) + (from * dim + d) * other.width()), layer);
          }
        }
      }
    }
  }
}

}  // namespace runnel
