#include "model/weights.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "model/pack_tensor.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// Reads one model's tensors and counts what has been read.
class Loader {
 public:
  Loader(const WeightSource& source, const LoadOptions& options, ThreadPool& pool, const Model::Progress& progress,
         std::stop_token stop)
      : source_(source), options_(options), pool_(pool), progress_(progress), stop_(std::move(stop)) {}

  void expect_steps(int steps) { steps_ = steps; }

  /// A matrix whose row r is the file's row `row_of(r)`.
  PackedMatrix matrix(const std::string& name, int rows, int columns, const std::function<int(int)>& row_of = {},
                      MatrixUse use = MatrixUse::layer) {
    const TensorView& tensor = find(name, {rows, columns});
    PackedMatrix matrix = pack_tensor(
        {.tensor = tensor, .rows = rows, .columns = columns, .row_of = row_of, .use = use, .file = source_.label()},
        options_, pool_, stop_);
    finish(tensor);
    return matrix;
  }

  std::vector<float> vector(const std::string& name, int n) {
    const TensorView& tensor = find(name, {n});
    std::vector<float> values(static_cast<std::size_t>(n));
    dequantize(tensor.type, tensor.data, values);
    if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
      throw Error(source_.label() + " can't be used: its tensor " + name + " holds values that are not finite.");
    }
    return values;
  }

  Linear linear(const std::string& name, int rows, int columns, const std::function<int(int)>& row_of = {}) {
    Linear result{.matrix = matrix(name, rows, columns, row_of), .bias = {}};
    const std::string bias = name.substr(0, name.rfind('.')) + ".bias";
    if (!has(bias)) return result;
    const std::vector<float> values = vector(bias, rows);
    result.bias.resize(values.size());
    for (int row = 0; row < rows; ++row) {
      result.bias[static_cast<std::size_t>(row)] = values[static_cast<std::size_t>(row_of ? row_of(row) : row)];
    }
    return result;
  }

  bool has(const std::string& name) const { return source_.find(name) != nullptr; }

 private:
  const TensorView& find(const std::string& name, const std::vector<std::int64_t>& shape) {
    if (stop_.stop_requested()) throw Cancelled();
    return require_tensor(source_, name, shape);
  }

  void finish(const TensorView& tensor) {
    source_.release(tensor);
    if (progress_) progress_(std::min(1.0, ++done_ / std::max(1.0, steps_)));
  }

  const WeightSource& source_;
  const LoadOptions& options_;
  ThreadPool& pool_;
  const Model::Progress& progress_;
  std::stop_token stop_;
  double steps_ = 1;
  double done_ = 0;
};

LayerWeights load_layer(Loader& loader, const Config& config, const TensorNames& names, bool interleaved, int layer) {
  const int dim = config.head_dim;
  const int pairs = config.rope.dimensions / 2;
  // Row of the file that holds dimension `row % dim` of its head: pairs that rotate together lie side by side there.
  const auto from_interleaved = [dim, pairs](int row) {
    const int d = row % dim;
    if (d >= 2 * pairs) return row;
    return row - d + (d < pairs ? 2 * d : 2 * (d - pairs) + 1);
  };
  const std::function<int(int)> rows =
      interleaved ? std::function<int(int)>(from_interleaved) : std::function<int(int)>();
  const auto name = [layer](std::string_view pattern) { return tensor_name(pattern, layer); };
  const int q = config.n_heads * dim;
  const int kv = config.n_kv_heads * dim;
  LayerWeights weights;
  weights.attention_norm = loader.vector(name(names.attention_norm), config.n_embd);
  weights.query = loader.linear(name(names.query), q, config.n_embd, rows);
  weights.key = loader.linear(name(names.key), kv, config.n_embd, rows);
  weights.value = loader.linear(name(names.value), kv, config.n_embd);
  weights.attention_output = loader.linear(name(names.attention_output), config.n_embd, q);
  weights.mlp_norm = loader.vector(name(names.mlp_norm), config.n_embd);
  weights.gate = loader.linear(name(names.gate), config.n_ff, config.n_embd);
  weights.up = loader.linear(name(names.up), config.n_ff, config.n_embd);
  weights.down = loader.linear(name(names.down), config.n_embd, config.n_ff);
  return weights;
}

}  // namespace

std::size_t Weights::bytes() const {
  std::size_t total = embedding.bytes() + (output ? output->bytes() : 0);
  for (const LayerWeights& layer : layers) {
    for (const Linear* linear :
         {&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.gate, &layer.up, &layer.down}) {
      total += linear->matrix.bytes() + linear->bias.size() * sizeof(float);
    }
    total += (layer.attention_norm.size() + layer.mlp_norm.size()) * sizeof(float);
  }
  return total;
}

Weights load_weights(const WeightSource& source, const Config& config, const LoadOptions& options, ThreadPool& pool,
                     const Model::Progress& progress, std::stop_token stop) {
  const Architecture& architecture = architecture_of(config);
  const TensorNames& names = source.names(architecture);
  constexpr int matrices_per_layer = 7;
  Loader loader(source, options, pool, progress, std::move(stop));
  loader.expect_steps(config.n_layers * matrices_per_layer + 2);
  Weights weights;
  weights.bf16_products = options.compute_dtype == ComputeType::bf16;
  weights.embedding =
      loader.matrix(std::string(names.embedding), config.n_vocab, config.n_embd, {}, MatrixUse::vocabulary);
  if (loader.has(std::string(names.output)))
    weights.output = loader.matrix(std::string(names.output), config.n_vocab, config.n_embd, {}, MatrixUse::vocabulary);
  weights.output_norm = loader.vector(std::string(names.output_norm), config.n_embd);
  if (loader.has("rope_freqs.weight"))
    weights.rope_divisors = loader.vector("rope_freqs.weight", config.rope.dimensions / 2);
  for (int layer = 0; layer < config.n_layers; ++layer) {
    weights.layers.push_back(load_layer(loader, config, names, source.interleaves_qk(architecture), layer));
  }
  if (progress) progress(1);
  return weights;
}

}  // namespace runnel
