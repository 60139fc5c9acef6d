#include "model/weights.h"

#include <cmath>

#include "model/tensor_loader.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// Which tensors of a file, and which of their rows, make up a layer.
class LayerReader {
 public:
  LayerReader(TensorLoader& loader, const Config& config, const Storage& storage)
      : loader_(loader), config_(config), design_(config.design), storage_(storage), names_(*storage.names) {}

  LayerWeights read(int layer) {
    LayerWeights weights;
    read_norms(layer, weights);
    read_attention(layer, weights);
    if (config_.n_experts == 0) {
      weights.mlp = read_mlp(layer);
      return weights;
    }
    weights.router = loader_.linear(loader_.names().name(names_.router, layer), config_.n_experts, config_.n_embd);
    for (int expert = 0; expert < config_.n_experts; ++expert) weights.experts.push_back(read_expert(layer, expert));
    return weights;
  }

 private:
  NormWeights norm(std::string_view pattern, int layer, int n) {
    return loader_.norm(loader_.names().name(pattern, layer), n, storage_.norms_less_one ? 1.0F : 0.0F);
  }

  void read_norms(int layer, LayerWeights& weights) {
    const int n = config_.n_embd;
    if (design_.placement != NormPlacement::after) {
      weights.attention_norm = norm(names_.attention_norm, layer, n);
      const bool shared = design_.residual == Residual::parallel_shared && !loader_.names().has(names_.mlp_norm, layer);
      if (!shared) weights.mlp_norm = norm(names_.mlp_norm, layer, n);
    }
    if (design_.placement != NormPlacement::before) {
      weights.attention_post_norm = norm(names_.attention_post_norm, layer, n);
      weights.mlp_post_norm = norm(names_.mlp_post_norm, layer, n);
    }
  }

  void read_attention(int layer, LayerWeights& weights) {
    const int dim = config_.head_dim;
    const int q = config_.n_heads * dim;
    const int kv = config_.n_kv_heads * dim;
    const bool fused = loader_.names().has(names_.query_key_value, layer) || names_.query.empty();
    if (fused) {
      const std::string name = loader_.names().name(names_.query_key_value, layer);
      weights.query = loader_.linear(name, q, config_.n_embd, fused_rows(Part::query));
      weights.key = loader_.linear(name, kv, config_.n_embd, fused_rows(Part::key));
      weights.value = loader_.linear(name, kv, config_.n_embd, fused_rows(Part::value));
    } else {
      const RowChoice rotated{.row_of = [this](int row) { return unpaired(row); }, .transposed = storage_.transposed};
      weights.query = loader_.linear(loader_.names().name(names_.query, layer), q, config_.n_embd, rotated);
      weights.key = loader_.linear(loader_.names().name(names_.key, layer), kv, config_.n_embd, rotated);
      weights.value = loader_.linear(loader_.names().name(names_.value, layer), kv, config_.n_embd, straight());
    }
    weights.attention_output =
        loader_.linear(loader_.names().name(names_.attention_output, layer), config_.n_embd, q, straight());
    if (design_.qk_norm == QkNorm::none) return;
    const bool whole = design_.qk_norm == QkNorm::whole;
    weights.query_norm = norm(names_.query_norm, layer, whole ? q : dim);
    weights.key_norm = norm(names_.key_norm, layer, whole ? kv : dim);
  }

  MlpWeights read_mlp(int layer) {
    const int n_ff = config_.n_ff;
    MlpWeights mlp;
    if (!names_.gate_up.empty()) {
      const std::string name = loader_.names().name(names_.gate_up, layer);
      mlp.gate = loader_.linear(name, n_ff, config_.n_embd, rows_from(0, 2 * n_ff));
      mlp.up = loader_.linear(name, n_ff, config_.n_embd, rows_from(n_ff, 2 * n_ff));
    } else {
      if (design_.gated)
        mlp.gate = loader_.linear(loader_.names().name(names_.gate, layer), n_ff, config_.n_embd, straight());
      mlp.up = loader_.linear(loader_.names().name(names_.up, layer), n_ff, config_.n_embd, straight());
    }
    mlp.down = loader_.linear(loader_.names().name(names_.down, layer), config_.n_embd, n_ff, straight());
    return mlp;
  }

  MlpWeights read_expert(int layer, int expert) {
    const auto read = [&](std::string_view all, std::string_view one, int rows, int columns) {
      if (!loader_.names().has(all, layer))
        return loader_.linear(loader_.names().name(one, layer, expert), rows, columns);
      const int first = expert * rows;
      return loader_.linear(loader_.names().name(all, layer), rows, columns,
                            {.leading = {config_.n_experts, rows}, .row_of = [first](int row) { return first + row; }});
    };
    MlpWeights mlp;
    mlp.gate = read(names_.experts_gate, names_.expert_gate, config_.n_ff, config_.n_embd);
    mlp.up = read(names_.experts_up, names_.expert_up, config_.n_ff, config_.n_embd);
    mlp.down = read(names_.experts_down, names_.expert_down, config_.n_embd, config_.n_ff);
    return mlp;
  }

  RowChoice straight() const { return {.transposed = storage_.transposed}; }

  RowChoice rows_from(int first, int all) const {
    return {.leading = {all}, .row_of = [first](int row) { return first + row; }, .transposed = storage_.transposed};
  }

  // Row of the file that holds dimension `row % head_dim` of its head: where pairs that rotate together lie side by
  // side in the file, they are brought to where rotation by halves wants them.
  int unpaired(int row) const {
    if (!storage_.interleaved || config_.ropes.empty()) return row;
    const int pairs = config_.ropes.front().dimensions / 2;
    const int d = row % config_.head_dim;
    if (d >= 2 * pairs) return row;
    return row - d + (d < pairs ? 2 * d : 2 * (d - pairs) + 1);
  }

  enum class Part { query, key, value };

  RowChoice fused_rows(Part part) const {
    const int rows = (config_.n_heads + 2 * config_.n_kv_heads) * config_.head_dim;
    return {.leading = {rows},
            .row_of = [this, part](int row) { return fused_row(part, part == Part::value ? row : unpaired(row)); },
            .transposed = storage_.transposed};
  }

  int fused_row(Part part, int row) const {
    const int dim = config_.head_dim;
    const int heads = config_.n_heads;
    const int kv_heads = config_.n_kv_heads;
    if (storage_.qkv == QkvLayout::stacked) {
      return row + dim * (part == Part::query ? 0 : part == Part::key ? heads : heads + kv_heads);
    }
    const int shared = heads / kv_heads;  // queries of a KV head
    const int head = row / dim;
    const int group = part == Part::query ? head / shared : head;
    const int within = part == Part::query ? head % shared : part == Part::key ? shared : shared + 1;
    return (group * (shared + 2) + within) * dim + row % dim;
  }

  TensorLoader& loader_;
  const Config& config_;
  const Design& design_;
  const Storage& storage_;
  const TensorNames& names_;
};

std::vector<float> inverse_lengths(const PackedMatrix& matrix, ThreadPool& pool) {
  std::vector<float> scales(static_cast<std::size_t>(matrix.rows));
  pool.run(scales.size(), [&](std::size_t row, int) {
    std::vector<float> values(static_cast<std::size_t>(matrix.columns));
    unpack_row(matrix, static_cast<int>(row), values);
    double squares = 0;
    for (const float value : values) squares += static_cast<double>(value) * value;
    scales[row] = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 1.0F;
  });
  return scales;
}

void read_ends(TensorLoader& loader, const Config& config, const Storage& storage, ThreadPool& pool, Weights& weights) {
  const TensorNames& names = *storage.names;
  const std::string embedding = loader.names().embedding();
  if (!loader.names().has(embedding) && !loader.names().has(loader.names().output())) {
    throw Error(config.name + " can't be used: it has neither a tensor " + embedding + " nor " +
                loader.names().output() + ".");
  }
  const float more = storage.norms_less_one ? 1.0F : 0.0F;
  weights.embedding = loader.matrix(embedding, config.n_vocab, config.n_embd);
  if (config.design.embedding_norm)
    weights.embedding_norm = loader.norm(loader.names().name(names.embedding_norm), config.n_embd, more);
  if (config.design.position == Position::learned) {
    weights.positions = loader.vector(loader.names().name(names.positions),
                                      {config.trained_context + config.position_offset, config.n_embd});
  }
  const std::string output = loader.names().output();
  if (loader.names().has(output)) weights.output = loader.matrix(output, config.n_vocab, config.n_embd);
  weights.output_bias = loader.bias(output, config.n_vocab);  // of a tied head too
  if (config.design.normalized_head) weights.output_scales = inverse_lengths(weights.head(), pool);
  if (config.design.final_norm)
    weights.output_norm = loader.norm(loader.names().name(names.output_norm), config.n_embd, more);
}

}  // namespace

std::size_t LayerWeights::bytes() const {
  std::size_t total = mlp.bytes() + router.bytes();
  for (const NormWeights* norm :
       {&attention_norm, &attention_post_norm, &mlp_norm, &mlp_post_norm, &query_norm, &key_norm}) {
    total += norm->bytes();
  }
  for (const Linear* linear : {&query, &key, &value, &attention_output}) total += linear->bytes();
  for (const MlpWeights& expert : experts) total += expert.bytes();
  return total;
}

std::size_t Weights::bytes() const {
  std::size_t total = embedding.bytes() + (output ? output->bytes() : 0) + positions.size() * sizeof(float);
  for (const LayerWeights& layer : layers) total += layer.bytes();
  return total;
}

Weights load_weights(const WeightSource& source, const Config& config, const LoadOptions& options, ThreadPool& pool,
                     const Model::Progress& progress, std::stop_token stop) {
  const Storage& storage = source.storage(*config.family);
  TensorLoader loader(source, *storage.names, options, pool, progress, std::move(stop));
  const int mlp_matrices = config.n_experts == 0 ? 3 : 3 * config.n_experts + 1;
  loader.expect_steps(config.n_layers * (4 + mlp_matrices) + 2);
  Weights weights;
  weights.bf16_products = options.compute_dtype == ComputeType::bf16;
  read_ends(loader, config, storage, pool, weights);
  LayerReader reader(loader, config, storage);
  for (int layer = 0; layer < config.n_layers; ++layer) weights.layers.push_back(reader.read(layer));
  if (progress) progress(1);
  return weights;
}

}  // namespace runnel
