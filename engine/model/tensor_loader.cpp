#include "model/tensor_loader.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "quant/dequantize.h"
#include "runnel/error.h"

namespace runnel {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : " × ") + std::to_string(n);
  return text;
}

// Block types that keep their own packing; all others are held as f16.
Packing packing_for(BlockType type, const LoadOptions& options) {
  if (options.weight_dtype == WeightType::f32 || type == BlockType::f32) return Packing::f32;
  const bool integers = options.compute_dtype != ComputeType::f32;
  switch (type) {
    case BlockType::q4_0:
      return integers ? Packing::q4 : Packing::f32;
    case BlockType::q4_1:
      return integers ? Packing::q4_offset : Packing::f32;
    case BlockType::q8_0:
      return integers ? Packing::q8 : Packing::f32;
    case BlockType::bf16:
      return Packing::bf16;
    default:
      return Packing::f16;
  }
}

bool finite_scales(std::span<const std::byte> row, BlockType type) {
  const auto step = static_cast<std::size_t>(traits(type).block_bytes);
  const std::size_t halves = type == BlockType::q4_1 ? 2 : 1;
  for (std::size_t block = 0; block < row.size(); block += step) {
    for (std::size_t i = 0; i < halves; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, row.data() + block + 2 * i, sizeof bits);
      if ((bits & 0x7c00U) == 0x7c00U) return false;
    }
  }
  return true;
}

// Whether all values were finite.
bool pack_row(PackedMatrix& matrix, int row, BlockType type, std::span<const std::byte> bytes,
              std::vector<float>& values) {
  if (is_integer(matrix.packing)) {
    pack_quantized_row(matrix, row, bytes);
    return finite_scales(bytes, type);
  }
  dequantize(type, bytes, values);
  pack_float_row(matrix, row, values);
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

std::string bias_of(const std::string& name) {
  return name.substr(0, name.rfind('.')) + ".bias";
}

// The rows of a tensor that is [columns, rows], which only floats can be.
TensorView transposed(const TensorView& tensor, std::vector<std::byte>& bytes) {
  const auto width = static_cast<std::size_t>(traits(tensor.type).block_bytes);
  const auto rows = static_cast<std::size_t>(tensor.columns());
  const auto columns = static_cast<std::size_t>(tensor.rows());
  bytes.resize(tensor.data.size());
  for (std::size_t column = 0; column < columns; ++column) {
    for (std::size_t row = 0; row < rows; ++row) {
      std::memcpy(bytes.data() + (row * columns + column) * width, tensor.data.data() + (column * rows + row) * width,
                  width);
    }
  }
  return {.name = tensor.name, .type = tensor.type, .shape = {tensor.columns(), tensor.rows()}, .data = bytes};
}

// Prefixes that published files of one family differ in.
std::string prefix_in(const WeightSource& source, const TensorNames& names) {
  for (const std::string_view prefix :
       {names.prefix, std::string_view(""), std::string_view("model."), std::string_view("transformer."),
        std::string_view("decoder."), std::string_view("language_model.model."),
        std::string_view("model.language_model.")}) {
    if (source.find(std::string(prefix) + std::string(names.embedding)) != nullptr) return std::string(prefix);
  }
  return std::string(names.prefix);
}

}  // namespace

TensorLoader::TensorLoader(const WeightSource& source, const TensorNames& names, const LoadOptions& options,
                           ThreadPool& pool, const Model::Progress& progress, std::stop_token stop)
    : source_(source),
      names_(names),
      prefix_(prefix_in(source, names)),
      options_(options),
      pool_(pool),
      progress_(progress),
      stop_(std::move(stop)) {}

std::string TensorLoader::name(std::string_view pattern, int layer, int expert) const {
  std::string first;
  while (!pattern.empty()) {
    const std::string_view alternative = pattern.substr(0, pattern.find('|'));
    pattern.remove_prefix(std::min(pattern.size(), alternative.size() + 1));
    const std::string one = prefix_ + tensor_name(alternative, layer, expert);
    if (has(one)) return one;
    if (first.empty()) first = one;
  }
  return first;
}

std::string TensorLoader::output_name() const {
  const std::string nested = "language_model." + std::string(names_.output);
  return has(nested) ? nested : std::string(names_.output);
}

bool TensorLoader::has(std::string_view pattern, int layer, int expert) const {
  return !pattern.empty() && has(name(pattern, layer, expert));
}

PackedMatrix TensorLoader::matrix(const std::string& name, int rows, int columns, const RowChoice& choice) {
  std::vector<std::int64_t> shape = choice.leading;
  if (shape.empty()) shape = {rows};
  if (choice.transposed) {
    shape.insert(shape.begin(), columns);
  } else {
    shape.push_back(columns);
  }
  const TensorView& tensor = find(name, shape);
  PackedMatrix packed = pack(tensor, rows, choice);
  finish(tensor);
  return packed;
}

PackedMatrix TensorLoader::pack(const TensorView& tensor, int rows, const RowChoice& choice) {
  std::vector<std::byte> turned;
  const TensorView view = choice.transposed ? transposed(tensor, turned) : tensor;
  const auto columns = static_cast<int>(view.columns());
  PackedMatrix packed = make_packed(packing_for(view.type, options_), rows, columns);
  std::atomic<bool> finite{true};
  const std::size_t row_bytes = bytes_of(view.type, static_cast<std::size_t>(columns));
  pool_.run(static_cast<std::size_t>(packed.groups()), [&](std::size_t group, int) {
    std::vector<float> values(is_integer(packed.packing) ? 0 : static_cast<std::size_t>(columns));
    const int end = std::min(rows, static_cast<int>(group + 1) * group_rows);
    for (int row = static_cast<int>(group) * group_rows; row < end; ++row) {
      const auto from = static_cast<std::size_t>(choice.row_of ? choice.row_of(row) : row);
      if (!pack_row(packed, row, view.type, view.data.subspan(from * row_bytes, row_bytes), values)) finite = false;
    }
  });
  if (!finite)
    throw Error(source_.label() + " can't be used: its tensor " + tensor.name + " holds values that are not finite.");
  return packed;
}

std::vector<float> TensorLoader::vector(const std::string& name, const std::vector<std::int64_t>& shape) {
  const TensorView& tensor = find(name, shape);
  std::vector<float> values(static_cast<std::size_t>(tensor.rows() * tensor.columns()));
  dequantize(tensor.type, tensor.data, values);
  if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
    throw Error(source_.label() + " can't be used: its tensor " + name + " holds values that are not finite.");
  }
  return values;
}

Linear TensorLoader::linear(const std::string& name, int rows, int columns, const RowChoice& choice) {
  Linear result{.matrix = matrix(name, rows, columns, choice), .bias = {}};
  const std::string bias = bias_of(name);
  if (!has(bias)) return result;
  const std::vector<float> values =
      vector(bias, choice.leading.empty() ? std::vector<std::int64_t>{rows} : choice.leading);
  result.bias.resize(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    const int from = choice.row_of ? choice.row_of(row) : row;
    result.bias[static_cast<std::size_t>(row)] = values[static_cast<std::size_t>(from)];
  }
  return result;
}

NormWeights TensorLoader::norm(const std::string& name, int n, float more) {
  NormWeights norm{.weight = vector(name, {n}), .bias = {}};
  for (float& weight : norm.weight) weight += more;
  if (const std::string bias = bias_of(name); has(bias)) norm.bias = vector(bias, {n});
  return norm;
}

const TensorView& TensorLoader::find(const std::string& name, const std::vector<std::int64_t>& shape) {
  if (stop_.stop_requested()) throw Cancelled();
  const TensorView* tensor = source_.find(name);
  if (tensor == nullptr) throw Error(source_.label() + " can't be used: it has no tensor " + name + ".");
  if (tensor->shape != shape) {
    throw Error(source_.label() + " can't be used: its tensor " + name + " is " + shape_text(tensor->shape) +
                " and should be " + shape_text(shape) + ".");
  }
  return *tensor;
}

void TensorLoader::finish(const TensorView& tensor) {
  source_.release(tensor);
  if (progress_) progress_(std::min(1.0, ++done_ / std::max(1.0, steps_)));
}

}  // namespace runnel
