#include "format/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "format/byte_reader.h"
#include "format/printable.h"
#include "format/safetensors_header.h"
#include "runnel/error.h"

namespace runnel {
namespace {

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
  std::optional<BlockType> block_type;  ///< nothing: not usable as weights
};

/// The format's number types whose values are whole bytes.
constexpr std::array<Dtype, 17> dtypes = {{
    {"F32", 4, BlockType::f32},
    {"F16", 2, BlockType::f16},
    {"BF16", 2, BlockType::bf16},
    {"F64", 8, {}},
    {"F8_E4M3", 1, {}},
    {"F8_E5M2", 1, {}},
    {"F8_E8M0", 1, {}},
    {"I64", 8, {}},
    {"I32", 4, {}},
    {"I16", 2, {}},
    {"I8", 1, {}},
    {"U64", 8, {}},
    {"U32", 4, {}},
    {"U16", 2, {}},
    {"U8", 1, {}},
    {"BOOL", 1, {}},
    {"C64", 8, {}},
}};

const Dtype* find_dtype(std::string_view name) {
  const auto* found = std::ranges::find(dtypes, name, &Dtype::name);
  return found == dtypes.end() ? nullptr : found;
}

/// Number of values, nothing when it does not fit into 60 bits (the product of the non-zero lengths must, too).
std::optional<std::uint64_t> value_count(const std::vector<std::uint64_t>& shape) {
  std::uint64_t product = 1;
  bool none = false;
  for (std::uint64_t length : shape) {
    if (length == 0) {
      none = true;
    } else if (__builtin_mul_overflow(product, length, &product) || product >> 60 != 0) {
      return std::nullopt;
    }
  }
  return none ? 0 : product;
}

template <typename Tensor>
const Tensor* find_by_name(const std::vector<Tensor>& sorted, std::string_view name) {
  const auto found = std::ranges::lower_bound(sorted, name, {}, &Tensor::name);
  return found == sorted.end() || found->name != name ? nullptr : &*found;
}

}  // namespace

/// Checks a header's claims against the file and fills a SafetensorsFile.
class SafetensorsParser {
 public:
  explicit SafetensorsParser(SafetensorsFile& into) : into_(into), file_(printable_path(into.file_.path())) {}

  void parse() {
    const std::string_view header = read_header();
    data_ = into_.file_.bytes().subspan(sizeof(std::uint64_t) + header.size());
    for (const SafetensorsClaim& claim : read_safetensors_header(header, file_)) place(claim);
    std::ranges::sort(into_.entries_, {}, &SafetensorsEntry::name);
    check_names();
    check_overlaps();
    collect_tensors();
  }

 private:
  std::string_view read_header() const {
    ByteReader reader(into_.file_.bytes(), file_);
    reader.set_subject("the length of the header");
    const auto length = reader.read<std::uint64_t>();
    if (length > reader.left()) {
      fail(fmt::format("is no safetensors file or is cut off: it claims a header of {} bytes, the file has {} in all.",
                       length, into_.file_.bytes().size()));
    }
    const std::string_view header = reader.read_text(length);
    if (!header.starts_with('{')) {
      fail(fmt::format("is no safetensors file: its header begins with \"{}\", expected \"{{\".",
                       printable(header.substr(0, 1))));
    }
    return header;
  }

  void place(const SafetensorsClaim& claim) {
    const std::string name = printable(claim.name);
    if (claim.dtype.empty()) fail(fmt::format("is damaged: tensor {} has no dtype.", name));
    if (claim.data_offsets.size() != 2 || claim.data_offsets[0] > claim.data_offsets[1]) {
      fail(fmt::format("is damaged: data_offsets of tensor {} are [{}], expected a begin and an end.", name,
                       fmt::join(claim.data_offsets, ", ")));
    }
    const std::uint64_t begin = claim.data_offsets[0];
    const std::uint64_t end = claim.data_offsets[1];
    if (end > data_.size()) {
      // The sum can't overflow where it matters: a file's header is far below 2^63.
      fail(fmt::format("is shorter than its header says: tensor {} needs {} bytes after the header, the file has {}.",
                       name, end, data_.size()));
    }
    check_size(claim, end - begin);
    SafetensorsEntry entry{.name = claim.name, .dtype = claim.dtype, .shape = {}, .data = {}};
    entry.shape.assign(claim.shape.begin(), claim.shape.end());
    entry.data = data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    into_.entries_.push_back(std::move(entry));
  }

  void check_size(const SafetensorsClaim& claim, std::uint64_t found) const {
    const std::string name = printable(claim.name);
    const bool representable =
        std::ranges::all_of(claim.shape, [](std::uint64_t length) { return std::in_range<std::int64_t>(length); });
    const std::optional<std::uint64_t> count = value_count(claim.shape);
    if (!representable || !count)
      fail(fmt::format("is damaged: tensor {} claims more values than any file can hold.", name));
    const Dtype* dtype = find_dtype(claim.dtype);
    if (dtype != nullptr && found != *count * dtype->bytes) {
      fail(fmt::format("is damaged: tensor {} of type {} and shape [{}] has {} bytes, expected {}.", name, dtype->name,
                       fmt::join(claim.shape, ", "), found, *count * dtype->bytes));
    }
  }

  void check_names() const {
    const auto twin = std::ranges::adjacent_find(into_.entries_, {}, &SafetensorsEntry::name);
    if (twin != into_.entries_.end()) {
      fail(fmt::format("is damaged: tensor {} stands in it twice.", printable(twin->name)));
    }
  }

  void check_overlaps() const {
    std::vector<const SafetensorsEntry*> order;
    for (const SafetensorsEntry& entry : into_.entries_) {
      if (!entry.data.empty()) order.push_back(&entry);
    }
    std::ranges::sort(order, {}, [](const SafetensorsEntry* entry) { return entry->data.data(); });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->data.data() + order[i - 1]->data.size() <= order[i]->data.data()) continue;
      fail(fmt::format("is damaged: tensors {} and {} overlap.", printable(order[i - 1]->name),
                       printable(order[i]->name)));
    }
  }

  void collect_tensors() {
    for (const SafetensorsEntry& entry : into_.entries_) {
      const Dtype* dtype = find_dtype(entry.dtype);
      if (dtype == nullptr || !dtype->block_type || entry.data.empty()) continue;
      into_.tensors_.push_back(
          {.name = entry.name, .type = *dtype->block_type, .shape = entry.shape, .data = entry.data});
    }
  }

  [[noreturn]] void fail(std::string_view predicate) const { throw Error(fmt::format("{} {}", file_, predicate)); }

  SafetensorsFile& into_;
  std::string file_;  ///< as error sentences call it
  std::span<const std::byte> data_;
};

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile file(path);
  SafetensorsParser(file).parse();
  return file;
}

const SafetensorsEntry* SafetensorsFile::find_entry(std::string_view name) const {
  return find_by_name(entries_, name);
}

const TensorView* SafetensorsFile::find_tensor(std::string_view name) const {
  if (const TensorView* tensor = find_by_name(tensors_, name)) return tensor;
  const SafetensorsEntry* entry = find_entry(name);
  if (entry == nullptr) return nullptr;
  if (entry->data.empty()) {
    throw Error(
        fmt::format("{} can't be used: tensor {} has no values.", printable_path(file_.path()), printable(name)));
  }
  throw Error(fmt::format("{} can't be used: tensor {} has type {}, expected F32, F16 or BF16.",
                          printable_path(file_.path()), printable(name), printable(entry->dtype)));
}

}  // namespace runnel
