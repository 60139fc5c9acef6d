#include "model/tensor_loader.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/pack_tensor.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

namespace runnel {
namespace {

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

}  // namespace

TensorLoader::TensorLoader(const WeightSource& source, const TensorNames& names, const LoadOptions& options,
                           ThreadPool& pool, const Model::Progress& progress, std::stop_token stop)
    : source_(source),
      names_(source, names),
      options_(options),
      pool_(pool),
      progress_(progress),
      stop_(std::move(stop)) {}

PackedMatrix TensorLoader::matrix(const std::string& name, int rows, int columns, const RowChoice& choice) {
  std::vector<std::int64_t> shape = choice.leading;
  if (shape.empty()) shape = {rows};
  if (choice.transposed) {
    shape.insert(shape.begin(), columns);
  } else {
    shape.push_back(columns);
  }
  const TensorView& tensor = find(name, shape);
  PackedMatrix packed = pack(tensor, rows, columns, choice);
  finish(tensor);
  return packed;
}

PackedMatrix TensorLoader::pack(const TensorView& tensor, int rows, int columns, const RowChoice& choice) {
  std::vector<std::byte> turned;
  return pack_tensor({.tensor = choice.transposed ? transposed(tensor, turned) : tensor,
                      .rows = rows,
                      .columns = columns,
                      .row_of = choice.row_of,
                      .use = names_.use_of(tensor.name),
                      .file = source_.label()},
                     options_, pool_, stop_);
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
  return {.matrix = matrix(name, rows, columns, choice), .bias = bias(name, rows, choice)};
}

std::vector<float> TensorLoader::bias(const std::string& matrix, int rows, const RowChoice& choice) {
  const std::string name = bias_of(matrix);
  if (!names_.has(name)) return {};
  std::vector<float> values = vector(name, choice.leading.empty() ? std::vector<std::int64_t>{rows} : choice.leading);
  if (!choice.row_of) return values;
  std::vector<float> chosen(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row)
    chosen[static_cast<std::size_t>(row)] = values[static_cast<std::size_t>(choice.row_of(row))];
  return chosen;
}

NormWeights TensorLoader::norm(const std::string& name, int n, float more) {
  NormWeights norm{.weight = vector(name, {n}), .bias = {}};
  for (float& weight : norm.weight) weight += more;
  if (const std::string bias = bias_of(name); names_.has(bias)) norm.bias = vector(bias, {n});
  return norm;
}

const TensorView& TensorLoader::find(const std::string& name, const std::vector<std::int64_t>& shape) {
  if (stop_.stop_requested()) throw Cancelled();
  return require_tensor(source_, name, shape);
}

void TensorLoader::finish(const TensorView& tensor) {
  source_.release(tensor);
  if (progress_) progress_(std::min(1.0, ++done_ / std::max(1.0, steps_)));
}

}  // namespace runnel
