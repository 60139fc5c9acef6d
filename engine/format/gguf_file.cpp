#include "format/gguf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include "format/byte_reader.h"
#include "format/gguf_parser.h"
#include "format/gguf_split.h"
#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// How an error sentence calls what the caller asked for.
template <typename T>
std::string name_of_wanted() {
  if constexpr (std::same_as<T, bool>) {
    return "a bool";
  } else if constexpr (std::integral<T>) {
    return "an integer";
  } else if constexpr (std::floating_point<T>) {
    return "a number";
  } else if constexpr (detail::IsVector<T>::value) {
    return "an array whose elements are each " + name_of_wanted<typename T::value_type>();
  } else {
    return "a string";
  }
}

std::string name_of_found(const GgufValue& value) {
  if (value.type != GgufType::array) return std::string(name_of(value.type));
  return fmt::format("array of {} ({} elements)", name_of(value.element), value.count);
}

/// Decodes one value after the other; knows the file and key for its error sentences.
class Decoder {
 public:
  Decoder(const MappedFile& file, const GgufValue& value)
      : value_(value), file_(printable_path(file.path())), reader_(file.bytes(), file_, value.offset) {
    reader_.set_subject("metadata key " + printable(value.key));
  }

  template <typename T>
  T decode() {
    if constexpr (detail::IsVector<T>::value) {
      if (value_.type != GgufType::array) fail_type<T>();
      T elements;
      elements.reserve(static_cast<std::size_t>(value_.count));  // at most the bytes of the file: checked when opened
      for (std::uint64_t i = 0; i < value_.count; ++i) {
        elements.push_back(decode_scalar<typename T::value_type, T>(value_.element));
      }
      return elements;
    } else {
      return decode_scalar<T, T>(value_.type);
    }
  }

 private:
  /// `Wanted` is what the caller asked for: T or a vector of it.
  template <typename T, typename Wanted>
  T decode_scalar(GgufType type) {
    switch (type) {
      case GgufType::u8:
        return convert<T, Wanted>(reader_.read<std::uint8_t>());
      case GgufType::i8:
        return convert<T, Wanted>(reader_.read<std::int8_t>());
      case GgufType::u16:
        return convert<T, Wanted>(reader_.read<std::uint16_t>());
      case GgufType::i16:
        return convert<T, Wanted>(reader_.read<std::int16_t>());
      case GgufType::u32:
        return convert<T, Wanted>(reader_.read<std::uint32_t>());
      case GgufType::i32:
        return convert<T, Wanted>(reader_.read<std::int32_t>());
      case GgufType::u64:
        return convert<T, Wanted>(reader_.read<std::uint64_t>());
      case GgufType::i64:
        return convert<T, Wanted>(reader_.read<std::int64_t>());
      case GgufType::f32:
        return convert<T, Wanted>(reader_.read<float>());
      case GgufType::f64:
        return convert<T, Wanted>(reader_.read<double>());
      case GgufType::boolean:
        if constexpr (std::same_as<T, bool>) return reader_.read<std::uint8_t>() != 0;
        break;
      case GgufType::string:
        if constexpr (std::constructible_from<T, std::string_view>) {
          return T(reader_.read_text(reader_.read<std::uint64_t>()));
        }
        break;
      case GgufType::array:
        break;
    }
    fail_type<Wanted>();
  }

  template <typename T, typename Wanted, typename Stored>
  T convert(Stored stored) {
    if constexpr (std::integral<T> && !std::same_as<T, bool> && std::integral<Stored>) {
      if (!std::in_range<T>(stored)) fail_range<T>(stored);
      return static_cast<T>(stored);
    } else if constexpr (std::floating_point<T>) {
      const auto wide = static_cast<double>(stored);
      if (std::isfinite(wide) && std::abs(wide) > static_cast<double>(std::numeric_limits<T>::max()))
        fail_range<T>(stored);
      return static_cast<T>(stored);
    } else {
      fail_type<Wanted>();
    }
  }

  template <typename Wanted>
  [[noreturn]] void fail_type() const {
    throw Error(fmt::format("{} can't be used: metadata key {} holds {}, expected {}.", file_, printable(value_.key),
                            name_of_found(value_), name_of_wanted<Wanted>()));
  }

  template <typename T>
  [[noreturn]] void fail_range(auto found) const {
    throw Error(fmt::format("{} can't be used: metadata key {} holds {}, expected a value from {} to {}.", file_,
                            printable(value_.key), found, std::numeric_limits<T>::lowest(),
                            std::numeric_limits<T>::max()));
  }

  const GgufValue& value_;
  std::string file_;
  ByteReader reader_;
};

}  // namespace

std::string_view name_of(GgufType type) {
  switch (type) {
    case GgufType::u8:
      return "u8";
    case GgufType::i8:
      return "i8";
    case GgufType::u16:
      return "u16";
    case GgufType::i16:
      return "i16";
    case GgufType::u32:
      return "u32";
    case GgufType::i32:
      return "i32";
    case GgufType::f32:
      return "f32";
    case GgufType::boolean:
      return "bool";
    case GgufType::string:
      return "string";
    case GgufType::array:
      return "array";
    case GgufType::u64:
      return "u64";
    case GgufType::i64:
      return "i64";
    case GgufType::f64:
      return "f64";
  }
  return "unknown";
}

GgufFile GgufFile::open(const std::filesystem::path& path) {
  GgufSplit::refuse_cut_piece(path);
  GgufFile file = GgufParser::read(path);
  return GgufSplit::is_part(file) ? GgufSplit::join(std::move(file)) : std::move(file);
}

const GgufValue* GgufFile::value(std::string_view key) const {
  const auto found = value_index_.find(key);
  return found == value_index_.end() ? nullptr : &values_[found->second];
}

template <GgufReadable T>
std::optional<T> GgufFile::find(std::string_view key) const {
  const GgufValue* found = value(key);
  if (found == nullptr) return std::nullopt;
  return Decoder(file_, *found).decode<T>();
}

const TensorView* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::uint64_t GgufFile::file_bytes() const {
  std::uint64_t total = file_.bytes().size();
  for (const MappedFile& file : further_files_) total += file.bytes().size();
  return total;
}

const MappedFile& GgufFile::file_of(const TensorView& tensor) const {
  const std::less_equal<const std::byte*> not_after;
  const auto holds = [&](const MappedFile& file) {
    const std::span<const std::byte> bytes = file.bytes();
    return not_after(bytes.data(), tensor.data.data()) &&
           not_after(tensor.data.data() + tensor.data.size(), bytes.data() + bytes.size());
  };
  const auto further = std::ranges::find_if(further_files_, holds);
  return further == further_files_.end() ? file_ : *further;
}

void GgufFile::release(const TensorView& tensor) const {
  file_.release(tensor.data);
  for (const MappedFile& file : further_files_) file.release(tensor.data);
}

void GgufFile::throw_missing(std::string_view key) const {
  throw Error(
      fmt::format("{} can't be used: metadata key {} is missing.", printable_path(file_.path()), printable(key)));
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type.
#define RUNNEL_INSTANTIATE(T)                                          \
  template std::optional<T> GgufFile::find<T>(std::string_view) const; \
  template std::optional<std::vector<T>> GgufFile::find<std::vector<T>>(std::string_view) const;
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
