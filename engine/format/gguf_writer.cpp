#include "format/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "format/atomic_file.h"
#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::size_t tensor_alignment = 32;  // GGUF's default, so that general.alignment needs not be written

template <typename T>
void append(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void append_type(std::string& out, GgufType type) {
  append(out, static_cast<std::uint32_t>(type));
}

template <typename T>
constexpr GgufType type_of() {
  if constexpr (std::same_as<T, bool>) {
    return GgufType::boolean;
  } else if constexpr (std::same_as<T, float>) {
    return GgufType::f32;
  } else if constexpr (std::same_as<T, double>) {
    return GgufType::f64;
  } else if constexpr (std::integral<T>) {
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? GgufType::i8 : GgufType::u8;
    if constexpr (sizeof(T) == 2) return is_signed ? GgufType::i16 : GgufType::u16;
    if constexpr (sizeof(T) == 4) return is_signed ? GgufType::i32 : GgufType::u32;
    if constexpr (sizeof(T) == 8) return is_signed ? GgufType::i64 : GgufType::u64;
  } else {
    return GgufType::string;
  }
}

template <typename T>
void append_value(std::string& out, const T& value) {
  if constexpr (type_of<T>() == GgufType::string) {
    append_text(out, value);
  } else {
    append(out, value);
  }
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

template <GgufReadable T>
void GgufWriter::set(std::string_view key, const T& value) {
  std::string bytes;
  if constexpr (detail::IsVector<T>::value) {
    using Element = typename T::value_type;
    append_type(bytes, GgufType::array);
    append_type(bytes, type_of<Element>());
    append(bytes, static_cast<std::uint64_t>(value.size()));
    for (const Element& element : value) append_value<Element>(bytes, element);
  } else {
    append_type(bytes, type_of<T>());
    append_value(bytes, value);
  }
  bytes_of_key(key) = std::move(bytes);
}

void GgufWriter::copy(const GgufFile& from, const GgufValue& value) {
  std::string bytes;
  append_type(bytes, value.type);
  if (value.type == GgufType::array) {
    append_type(bytes, value.element);
    append(bytes, value.count);
  }
  const std::span<const std::byte> raw = from.file().bytes().subspan(value.offset, value.size);
  bytes.append(reinterpret_cast<const char*>(raw.data()), raw.size());
  bytes_of_key(value.key) = std::move(bytes);
}

void GgufWriter::add_tensor(TensorView tensor) {
  if (tensor.data.size() != size_of(tensor)) {
    throw Error(fmt::format("Tensor {} can't be written: it has {} bytes, its shape asks for {}.",
                            printable(tensor.name), tensor.data.size(), size_of(tensor)));
  }
  add_tensor(std::move(tensor), {});
}

void GgufWriter::add_tensor(TensorView tensor, Producer producer) {
  check(tensor);
  if (!tensor_index_.emplace(tensor.name, tensors_.size()).second) {
    throw Error(fmt::format("Tensor {} can't be written twice.", printable(tensor.name)));
  }
  tensors_.push_back({.view = std::move(tensor), .producer = std::move(producer)});
}

void GgufWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.write(as_bytes(header()));
  for (const Tensor& tensor : tensors_) {
    file.pad_to(tensor_alignment);
    if (!tensor.producer) {
      file.write(tensor.view.data);
      continue;
    }
    const std::vector<std::byte> data = tensor.producer();
    if (data.size() != size_of(tensor.view)) {
      throw Error(fmt::format("{} can't be written: tensor {} came out with {} bytes, its shape asks for {}.",
                              printable_path(path), printable(tensor.view.name), data.size(), size_of(tensor.view)));
    }
    file.write(data);
  }
  file.pad_to(tensor_alignment);
  file.commit();
}

std::string GgufWriter::header() const {
  std::string out = "GGUF";
  append(out, std::uint32_t{3});
  append(out, static_cast<std::uint64_t>(tensors_.size()));
  append(out, static_cast<std::uint64_t>(values_.size()));
  for (const auto& [key, bytes] : values_) {
    append_text(out, key);
    out += bytes;
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    const TensorView& view = tensor.view;
    append_text(out, view.name);
    append(out, static_cast<std::uint32_t>(view.shape.size()));
    for (auto length = view.shape.rbegin(); length != view.shape.rend(); ++length) append(out, *length);
    append(out, traits(view.type).gguf_type);
    append(out, offset);
    offset += (size_of(view) + tensor_alignment - 1) / tensor_alignment * tensor_alignment;
  }
  return out;
}

std::string& GgufWriter::bytes_of_key(std::string_view key) {
  if (key.empty()) throw Error("A metadata key can't be empty.");
  const auto [found, is_new] = value_index_.emplace(std::string(key), values_.size());
  if (is_new) values_.emplace_back(std::string(key), std::string());
  return values_[found->second].second;
}

void GgufWriter::check(const TensorView& tensor) const {
  const bool has_values = std::ranges::all_of(tensor.shape, [](std::int64_t length) { return length > 0; });
  if (tensor.name.empty() || tensor.shape.size() > 4 || !has_values ||
      tensor.columns() % traits(tensor.type).block_size != 0) {
    throw Error(fmt::format("Tensor {} can't be written as {}: its shape is [{}].", printable(tensor.name),
                            traits(tensor.type).name, fmt::join(tensor.shape, ", ")));
  }
}

std::size_t GgufWriter::size_of(const TensorView& tensor) const {
  return bytes_of(tensor.type, static_cast<std::size_t>(tensor.rows()) * static_cast<std::size_t>(tensor.columns()));
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type.
#define RUNNEL_INSTANTIATE(T)                                             \
  template void GgufWriter::set<T>(std::string_view key, const T& value); \
  template void GgufWriter::set<std::vector<T>>(std::string_view key, const std::vector<T>& value);
// NOLINTEND(bugprone-macro-parentheses)

RUNNEL_INSTANTIATE(bool)
RUNNEL_INSTANTIATE(std::int8_t)
RUNNEL_INSTANTIATE(std::uint8_t)
RUNNEL_INSTANTIATE(std::int16_t)
RUNNEL_INSTANTIATE(std::uint16_t)
RUNNEL_INSTANTIATE(std::int32_t)
RUNNEL_INSTANTIATE(std::uint32_t)
RUNNEL_INSTANTIATE(std::int64_t)
RUNNEL_INSTANTIATE(std::uint64_t)
RUNNEL_INSTANTIATE(float)
RUNNEL_INSTANTIATE(double)
RUNNEL_INSTANTIATE(std::string)
RUNNEL_INSTANTIATE(std::string_view)

#undef RUNNEL_INSTANTIATE

}  // namespace runnel
