#include "cache/kv_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "host/memory.h"
#include "quant/half.h"
#include "runnel/error.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"

namespace runnel {
namespace {

constexpr std::size_t group = 16;
constexpr std::uint16_t infinite_half = 0x7C00;

bool any_infinite(const std::byte* row, int n) {
  const auto* halves = reinterpret_cast<const std::uint16_t*>(row);
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

std::size_t width_of(KvType type) {
  return type == KvType::f32 ? 4 : type == KvType::q8 ? 1 : 2;
}

std::size_t scale_bytes(KvType type) {
  return type == KvType::q8 ? sizeof(float) : 0;
}

// The numbers of a row, or of a part of one, in the memory's type.
void encode(KvType type, const float* x, int n, float scale, std::byte* out, const Kernels& kernels) {
  switch (type) {
    case KvType::f32:
      std::memcpy(out, x, static_cast<std::size_t>(n) * sizeof(float));
      return;
    case KvType::f16:
      return kernels.to_half(x, n, reinterpret_cast<std::uint16_t*>(out));
    case KvType::bf16:
      return kernels.to_bf16(x, n, reinterpret_cast<std::uint16_t*>(out));
    case KvType::q8:
      return kernels.to_int8(x, n, scale, reinterpret_cast<std::int8_t*>(out));
  }
}

float decode(KvType type, const std::byte* at, const float* scale) {
  switch (type) {
    case KvType::f32:
      return *reinterpret_cast<const float*>(at);
    case KvType::f16:
      return f16_to_f32(*reinterpret_cast<const std::uint16_t*>(at));
    case KvType::bf16:
      return bf16_to_f32(*reinterpret_cast<const std::uint16_t*>(at));
    case KvType::q8:
      return *scale * static_cast<float>(*reinterpret_cast<const std::int8_t*>(at));
  }
  return 0;
}

// Gives element i of a row its place, `group` elements apart.
template <std::size_t width>
void scatter(const std::byte* row, int n, std::byte* to) {
  for (int i = 0; i < n; ++i)
    std::memcpy(to + static_cast<std::size_t>(i) * group * width, row + static_cast<std::size_t>(i) * width, width);
}

void scatter(KvType type, const std::byte* row, int n, std::byte* to) {
  switch (width_of(type)) {
    case 4:
      return scatter<4>(row, n, to);
    case 2:
      return scatter<2>(row, n, to);
    default:
      return scatter<1>(row, n, to);
  }
}

std::string megabytes(std::size_t bytes) {
  return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
}

}  // namespace

std::size_t KvShape::bytes_per_token(KvType type) const {
  return 2 * static_cast<std::size_t>(layers) * static_cast<std::size_t>(kv_heads) *
         (static_cast<std::size_t>(head_dim) * width_of(type) + scale_bytes(type));
}

std::vector<SlotCopy> moves(std::span<const Run> from, std::span<const Run> to) {
  std::vector<SlotCopy> copies;
  for (const Run& target : to) {
    for (const Run& source : from) {
      const std::int64_t first = std::max(target.first, source.first);
      const std::int64_t end = std::min(target.first + target.length, source.first + source.length);
      if (first >= end) continue;
      copies.push_back({.from = source.slot + static_cast<std::int32_t>(first - source.first),
                        .to = target.slot + static_cast<std::int32_t>(first - target.first),
                        .length = static_cast<std::int32_t>(end - first)});
    }
  }
  return copies;
}

KvMemory::KvMemory(const KvShape& shape, int slots, KvType type)
    : shape_(shape), padded_slots_((static_cast<std::size_t>(slots) + group - 1) / group * group), type_(type) {
  bytes_ = shape.bytes_per_token(type) * padded_slots_;
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

// A head's keys, its values, the scales of the keys, those of the values.
std::byte* KvMemory::head_data(int layer, int head) const {
  const KvShape one{.layers = 1, .kv_heads = 1, .head_dim = shape_.head_dim};
  return data_ + static_cast<std::size_t>(layer * shape_.kv_heads + head) * one.bytes_per_token(type_) * padded_slots_;
}

KvView KvMemory::view(int layer, int head) const {
  const std::size_t bytes = padded_slots_ * static_cast<std::size_t>(shape_.head_dim) * width_of(type_);
  std::byte* keys = head_data(layer, head);
  KvView view{.keys = keys, .values = keys + bytes, .head_dim = shape_.head_dim};
  if (scale_bytes(type_) == 0) return view;
  view.key_scales = reinterpret_cast<const float*>(keys + 2 * bytes);
  view.value_scales = view.key_scales + padded_slots_;
  return view;
}

KvMemory::Place KvMemory::place(int layer, int head, std::int32_t slot) const {
  const auto dim = static_cast<std::size_t>(shape_.head_dim);
  const auto at = static_cast<std::size_t>(slot);
  const std::size_t width = width_of(type_);
  std::byte* keys = head_data(layer, head);
  std::byte* values = keys + padded_slots_ * dim * width;
  Place place{.key = keys + (at / group * dim * group + at % group) * width,
              .value = values + at * dim * width,
              .key_scale = nullptr,
              .value_scale = nullptr};
  if (scale_bytes(type_) == 0) return place;
  place.key_scale = reinterpret_cast<float*>(values + padded_slots_ * dim) + at;
  place.value_scale = place.key_scale + padded_slots_;
  return place;
}

void KvMemory::store(int layer, int head, std::int32_t slot, const float* key, const float* value,
                     const Kernels& kernels) {
  const Place to = place(layer, head, slot);
  const int dim = shape_.head_dim;
  if (to.key_scale != nullptr) {
    *to.key_scale = kernels.int8_scale(key, dim);
    *to.value_scale = kernels.int8_scale(value, dim);
  }
  const float key_scale = to.key_scale == nullptr ? 1 : *to.key_scale;
  const float value_scale = to.value_scale == nullptr ? 1 : *to.value_scale;
  const std::size_t width = width_of(type_);
  constexpr int chunk = 64;
  alignas(float) std::byte row[chunk * sizeof(float)];
  for (int d = 0; d < dim; d += chunk) {
    const int n = std::min(chunk, dim - d);
    encode(type_, key + d, n, key_scale, row, kernels);
    if (type_ == KvType::f16 && any_infinite(row, n)) refuse_overflow(layer);
    scatter(type_, row, n, to.key + static_cast<std::size_t>(d) * group * width);
  }
  encode(type_, value, dim, value_scale, to.value, kernels);
  if (type_ == KvType::f16 && any_infinite(to.value, dim)) refuse_overflow(layer);
}

void KvMemory::copy_from(const KvMemory& other, std::span<const SlotCopy> copies) {
  for (int layer = 0; layer < shape_.layers; ++layer) {
    for (int head = 0; head < shape_.kv_heads; ++head) {
      for (const SlotCopy& copy : copies) {
        for (std::int32_t i = 0; i < copy.length; ++i) {
          const Place from = other.place(layer, head, copy.from + i);
          if (type_ == other.type_)
            copy_place(from, place(layer, head, copy.to + i));
          else
            convert_place(other, from, layer, head, copy.to + i);
        }
      }
    }
  }
}

// What of a head's memory slots [0, slots) take, in whole groups: keys, values and their scales.
std::vector<std::span<std::byte>> KvMemory::parts(int layer, int head, std::int32_t slots) const {
  const std::size_t whole = std::min(padded_slots_, (static_cast<std::size_t>(slots) + group - 1) / group * group);
  const std::size_t row = static_cast<std::size_t>(shape_.head_dim) * width_of(type_);
  std::byte* at = head_data(layer, head);
  std::vector<std::span<std::byte>> result;
  for (const std::size_t bytes : {row, row, scale_bytes(type_), scale_bytes(type_)}) {
    result.emplace_back(at, whole * bytes);
    at += padded_slots_ * bytes;
  }
  return result;
}

void KvMemory::write(SnapshotWriter& out, std::int32_t slots) const {
  for (int layer = 0; layer < shape_.layers; ++layer) {
    for (int head = 0; head < shape_.kv_heads; ++head) {
      for (const std::span<std::byte> part : parts(layer, head, slots)) out.bytes(part);
    }
  }
}

void KvMemory::read(SnapshotReader& in, std::int32_t slots) {
  for (int layer = 0; layer < shape_.layers; ++layer) {
    for (int head = 0; head < shape_.kv_heads; ++head) {
      for (const std::span<std::byte> part : parts(layer, head, slots))
        std::ranges::copy(in.bytes(part.size()), part.begin());
    }
  }
}

void KvMemory::copy_place(const Place& from, const Place& to) const {
  const std::size_t width = width_of(type_);
  const auto dim = static_cast<std::size_t>(shape_.head_dim);
  for (std::size_t d = 0; d < dim; ++d) std::memcpy(to.key + d * group * width, from.key + d * group * width, width);
  std::memcpy(to.value, from.value, dim * width);
  if (to.key_scale == nullptr) return;
  *to.key_scale = *from.key_scale;
  *to.value_scale = *from.value_scale;
}

void KvMemory::convert_place(const KvMemory& other, const Place& from, int layer, int head, std::int32_t slot) {
  const std::size_t width = width_of(other.type_);
  std::vector<float> key;
  std::vector<float> value;
  for (std::size_t d = 0; d < static_cast<std::size_t>(shape_.head_dim); ++d) {
    key.push_back(decode(other.type_, from.key + d * group * width, from.key_scale));
    value.push_back(decode(other.type_, from.value + d * width, from.value_scale));
  }
  store(layer, head, slot, key.data(), value.data(), kernels_for(Isa::scalar));
}

}  // namespace runnel
