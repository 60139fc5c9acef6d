#include "format/gguf_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <numeric>

#include "format/printable.h"

namespace runnel {
namespace {

/// Least bytes of a metadata pair: length and one character of the key, type, one byte of value.
constexpr std::uint64_t least_pair_bytes = 8 + 1 + 4 + 1;
/// Least bytes of a row of the tensor table: length and one character of the name, number of dimensions, type, offset.
constexpr std::uint64_t least_tensor_bytes = 8 + 1 + 4 + 4 + 8;
constexpr std::uint64_t longest_name = 65535;  // GGUF specification: keys are at most 2^16 - 1 bytes
constexpr std::uint32_t most_dimensions = 4;
constexpr int deepest_array = 8;
constexpr std::uint64_t default_alignment = 32;

/// Bytes of a value of this type; of strings and arrays the least.
std::uint64_t least_bytes(GgufType type) {
  switch (type) {
    case GgufType::u8:
    case GgufType::i8:
    case GgufType::boolean:
      return 1;
    case GgufType::u16:
    case GgufType::i16:
      return 2;
    case GgufType::u32:
    case GgufType::i32:
    case GgufType::f32:
      return 4;
    case GgufType::u64:
    case GgufType::i64:
    case GgufType::f64:
    case GgufType::string:
      return 8;
    case GgufType::array:
      return 4 + 8;
  }
  return 1;
}

/// Types that GGUF files may hold and we don't read, so that the refusal can name them (ggml_type).
std::string_view name_of_foreign_type(std::uint32_t number) {
  struct Foreign {
    std::uint32_t number;
    std::string_view name;
  };
  static constexpr std::array<Foreign, 24> known = {{
      {4, "Q4_2"},      {5, "Q4_3"},   {9, "Q8_1"},   {15, "Q8_K"},       {16, "IQ2_XXS"},  {17, "IQ2_XS"},
      {18, "IQ3_XXS"},  {19, "IQ1_S"}, {21, "IQ3_S"}, {22, "IQ2_S"},      {24, "I8"},       {25, "I16"},
      {26, "I32"},      {27, "I64"},   {28, "F64"},   {29, "IQ1_M"},      {31, "Q4_0_4_4"}, {32, "Q4_0_4_8"},
      {33, "Q4_0_8_8"}, {34, "TQ1_0"}, {35, "TQ2_0"}, {36, "IQ4_NL_4_4"}, {39, "MXFP4"},    {40, "NVFP4"},
  }};
  const auto* found = std::ranges::find(known, number, &Foreign::number);
  return found == known.end() ? std::string_view() : found->name;
}

std::string names_of_supported_types() {
  std::string names;
  for (int i = 0; i < n_block_types; ++i) {
    if (i > 0) names += i + 1 == n_block_types ? " and " : ", ";
    names += traits(static_cast<BlockType>(i)).name;
  }
  return names;
}

}  // namespace

GgufFile GgufParser::read(const std::filesystem::path& path) {
  GgufFile file(path);
  GgufParser(file).parse();
  return file;
}

void GgufParser::append(GgufFile& whole, GgufFile part) {
  for (const TensorView& tensor : part.tensors_) {
    if (whole.find_tensor(tensor.name) != nullptr) {
      throw Error(fmt::format("{} does not belong to {}: tensor {} stands in both, or in a file between them.",
                              printable_path(part.file_.path()), printable_path(whole.file_.path()),
                              printable(tensor.name)));
    }
  }
  std::ranges::move(part.tensors_, std::back_inserter(whole.tensors_));
  whole.further_files_.push_back(std::move(part.file_));
  // The index refers to names, which moved with the tensors.
  whole.tensor_index_.clear();
  for (std::size_t i = 0; i < whole.tensors_.size(); ++i) whole.tensor_index_.emplace(whole.tensors_[i].name, i);
}

GgufParser::GgufParser(GgufFile& into)
    : into_(into), file_(printable_path(into.file_.path())), reader_(into.file_.bytes(), file_) {}

void GgufParser::parse() {
  read_preamble();
  read_values();
  read_tensor_table();
  place_tensors();
  check_overlaps();
}

void GgufParser::read_preamble() {
  const std::span<const std::byte> bytes = into_.file_.bytes();
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4));
  if (magic != "GGUF") {
    fail(fmt::format("is not a GGUF file: it begins with \"{}\", expected \"GGUF\".", printable(magic)));
  }
  reader_.skip(magic.size());
  into_.version_ = reader_.read<std::uint32_t>();
  if (into_.version_ == 1) fail("is a GGUF file of the abandoned version 1; convert the model again, to version 3.");
  if (into_.version_ != 0 && (into_.version_ & 0xFFFF) == 0) {
    fail("is a big-endian GGUF file; only little-endian ones can be read.");
  }
  if (into_.version_ != 2 && into_.version_ != 3) {
    fail(fmt::format("is a GGUF file of version {}; versions 2 and 3 can be read.", into_.version_));
  }
  n_tensors_ = reader_.read<std::uint64_t>();
  n_values_ = reader_.read<std::uint64_t>();
  reader_.expect(n_values_, least_pair_bytes, "metadata keys");
  reader_.expect(n_tensors_, least_tensor_bytes, "tensors");
}

void GgufParser::read_values() {
  for (std::uint64_t i = 0; i < n_values_; ++i) {
    GgufValue value;
    value.key = read_name("metadata key", i);
    reader_.set_subject("metadata key " + printable(value.key));
    value.type = read_type();
    if (value.type == GgufType::array) {
      value.element = read_type();
      value.count = reader_.read<std::uint64_t>();
      value.offset = reader_.offset();
      skip_array(value.element, value.count, 1);
    } else {
      value.offset = reader_.offset();
      skip_value(value.type, 0);
    }
    value.size = reader_.offset() - value.offset;
    into_.values_.push_back(std::move(value));
  }
  for (std::size_t i = 0; i < into_.values_.size(); ++i) {
    const std::string& key = into_.values_[i].key;
    if (!into_.value_index_.emplace(key, i).second) {
      fail(fmt::format("is damaged: metadata key {} stands in it twice.", printable(key)));
    }
  }
}

std::string GgufParser::read_name(std::string_view kind, std::uint64_t number) {
  reader_.set_subject(fmt::format("the name of {} {}", kind, number + 1));
  const std::size_t offset = reader_.offset();
  const auto length = reader_.read<std::uint64_t>();
  if (length == 0) fail(fmt::format("is damaged: the name of {} {}, at byte {}, is empty.", kind, number + 1, offset));
  // First whether the file holds that much: of a huge length, this says more.
  const std::string_view name = reader_.read_text(length);
  if (length > longest_name) {
    fail(fmt::format("is damaged: the name of {} {}, at byte {}, is {} bytes long, at most {} are allowed.", kind,
                     number + 1, offset, length, longest_name));
  }
  return std::string(name);
}

GgufType GgufParser::read_type() {
  const std::size_t offset = reader_.offset();
  const auto number = reader_.read<std::uint32_t>();
  if (number > static_cast<std::uint32_t>(GgufType::f64)) {
    fail(fmt::format("is damaged: {} has the unknown value type {} at byte {}, expected 0 to 12.", reader_.subject(),
                     number, offset));
  }
  return static_cast<GgufType>(number);
}

void GgufParser::skip_value(GgufType type, int depth) {
  switch (type) {
    case GgufType::string:
      reader_.skip(reader_.read<std::uint64_t>());
      break;
    case GgufType::array: {
      const GgufType element = read_type();
      const auto count = reader_.read<std::uint64_t>();
      skip_array(element, count, depth + 1);
      break;
    }
    default:
      reader_.skip(least_bytes(type));
  }
}

void GgufParser::skip_array(GgufType element, std::uint64_t count, int depth) {
  if (depth > deepest_array) {
    fail(fmt::format("is damaged: {} nests arrays more than {} deep.", reader_.subject(), deepest_array));
  }
  reader_.expect(count, least_bytes(element), "elements");
  if (element != GgufType::string && element != GgufType::array) {
    reader_.skip(count * least_bytes(element));
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) skip_value(element, depth);
}

void GgufParser::read_tensor_table() {
  for (std::uint64_t i = 0; i < n_tensors_; ++i) into_.tensors_.push_back(read_tensor(i));
  for (std::size_t i = 0; i < into_.tensors_.size(); ++i) {
    const std::string& name = into_.tensors_[i].name;
    if (!into_.tensor_index_.emplace(name, i).second) {
      fail(fmt::format("is damaged: tensor {} stands in it twice.", printable(name)));
    }
  }
}

TensorView GgufParser::read_tensor(std::uint64_t number) {
  TensorView tensor;
  tensor.name = read_name("tensor", number);
  reader_.set_subject("tensor " + printable(tensor.name));
  const auto n_dimensions = reader_.read<std::uint32_t>();
  if (n_dimensions > most_dimensions) {
    fail(fmt::format("is damaged: {} has {} dimensions, at most {} are allowed.", reader_.subject(), n_dimensions,
                     most_dimensions));
  }
  std::uint64_t n_values = 1;
  for (std::uint32_t i = 0; i < n_dimensions; ++i) {
    const auto length = reader_.read<std::uint64_t>();
    if (length == 0) fail(fmt::format("is damaged: dimension {} of {} is 0.", i, reader_.subject()));
    // Half of the range keeps every later product of a row, a block or a byte count inside 64 bits.
    if (__builtin_mul_overflow(n_values, length, &n_values) ||
        n_values > std::numeric_limits<std::int64_t>::max() / 16) {
      fail(fmt::format("is damaged: {} claims more values than any file can hold.", reader_.subject()));
    }
    tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  std::ranges::reverse(tensor.shape);  // GGUF names the innermost dimension first
  tensor.type = read_block_type(tensor);
  check_rows(tensor);
  offsets_.push_back(reader_.read<std::uint64_t>());
  return tensor;
}

BlockType GgufParser::read_block_type(const TensorView& tensor) {
  const auto number = reader_.read<std::uint32_t>();
  const std::optional<BlockType> type = block_type_from_gguf(number);
  if (type) return *type;
  const std::string_view name = name_of_foreign_type(number);
  fail(fmt::format("can't be used: tensor {} has type {} ({}); supported are {}.", printable(tensor.name), number,
                   name.empty() ? "unknown" : name, names_of_supported_types()));
}

void GgufParser::check_rows(const TensorView& tensor) const {
  const BlockTypeTraits& type = traits(tensor.type);
  if (tensor.columns() % type.block_size == 0) return;
  fail(fmt::format("is damaged: the rows of tensor {} have {} values, expected a multiple of {}, the block size of {}.",
                   printable(tensor.name), tensor.columns(), type.block_size, type.name));
}

std::uint64_t GgufParser::alignment() const {
  const auto found = into_.find<std::uint64_t>("general.alignment").value_or(default_alignment);
  if (found < 8 || found % 8 != 0) {
    fail(fmt::format("is damaged: metadata key general.alignment holds {}, expected a multiple of 8.", found));
  }
  return found;
}

void GgufParser::place_tensors() {
  const std::span<const std::byte> bytes = into_.file_.bytes();
  const std::uint64_t step = alignment();
  const std::uint64_t padding = (step - reader_.offset() % step) % step;
  for (std::size_t i = 0; i < into_.tensors_.size(); ++i) {
    TensorView& tensor = into_.tensors_[i];
    if (offsets_[i] % step != 0) {
      fail(fmt::format("is damaged: tensor {} begins at offset {}, expected a multiple of the alignment {}.",
                       printable(tensor.name), offsets_[i], step));
    }
    const std::uint64_t length =
        bytes_of(tensor.type, static_cast<std::size_t>(tensor.rows()) * static_cast<std::size_t>(tensor.columns()));
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    if (__builtin_add_overflow(reader_.offset() + padding, offsets_[i], &start) ||
        __builtin_add_overflow(start, length, &end)) {
      fail(fmt::format("is damaged: tensor {} begins at offset {}, which no file reaches.", printable(tensor.name),
                       offsets_[i]));
    }
    if (end > bytes.size()) {
      fail(fmt::format("is shorter than its header says: tensor {} needs bytes up to {}, the file has {}.",
                       printable(tensor.name), end, bytes.size()));
    }
    tensor.data = bytes.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(length));
  }
}

void GgufParser::check_overlaps() const {
  // Tensors that share bytes would let a small file claim any amount of weights.
  std::vector<std::size_t> order(into_.tensors_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return offsets_[i]; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const TensorView& before = into_.tensors_[order[i - 1]];
    const TensorView& after = into_.tensors_[order[i]];
    if (before.data.data() + before.data.size() > after.data.data()) {
      fail(fmt::format("is damaged: tensors {} and {} overlap.", printable(before.name), printable(after.name)));
    }
  }
}

void GgufParser::fail(std::string_view predicate) const {
  throw Error(fmt::format("{} {}", file_, predicate));
}

}  // namespace runnel
