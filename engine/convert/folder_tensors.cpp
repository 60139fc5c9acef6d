#include "convert/folder_tensors.h"

#include <string>
#include <string_view>
#include <utility>

#include "model/file_names.h"
#include "runnel/error.h"

namespace runnel {
namespace {

using RowOf = std::function<std::int64_t(std::int64_t)>;

/// Collects the tensors of one model.
class Planner {
 public:
  Planner(const HfFolder& folder, const Config& config)
      : source_(folder),
        config_(config),
        from_(*config.family->hf_storage.names),
        to_(*config.family->gguf_storage.names),
        names_(source_, from_) {}

  void norm(std::string_view TensorNames::* which, std::int64_t n, int layer = 0) {
    const std::string name = names_.name(from_.*which, layer);
    const std::string target = tensor_name(to_.*which, layer);
    vector(name, target, n, config_.family->hf_storage.norms_less_one ? 1.0F : 0.0F);
    if (names_.has(with_bias(name))) vector(with_bias(name), with_bias(target), n, 0);
  }

  void matrix(std::string_view TensorNames::* which, std::int64_t rows, std::int64_t columns, MatrixUse use,
              int layer = 0, const RowOf& row_of = {}) {
    const std::string name = which == &TensorNames::output ? names_.output() : names_.name(from_.*which, layer);
    const std::string target = tensor_name(to_.*which, layer);
    const TensorView& tensor = require_tensor(source_, name, {rows, columns});
    tensors_.push_back(
        {.source = tensor, .name = target, .shape = tensor.shape, .row_of = row_of, .use = use, .added = 0});
    const std::string bias = with_bias(name);
    if (!names_.has(bias)) return;
    TensorView column = require_tensor(source_, bias, {rows});
    column.shape = {rows, 1};  // a value a row, so that rows are taken as the matrix's are
    tensors_.push_back(
        {.source = column, .name = with_bias(target), .shape = {rows}, .row_of = row_of, .use = {}, .added = 0});
  }

  bool has_output() const { return names_.has(names_.output()); }

  void layer(int number) {
    const std::int64_t width = config_.n_embd;
    const std::int64_t q = std::int64_t{config_.n_heads} * config_.head_dim;
    const std::int64_t kv = std::int64_t{config_.n_kv_heads} * config_.head_dim;
    const auto of_layer = [&](std::string_view TensorNames::* which, std::int64_t rows, std::int64_t columns,
                              const RowOf& row_of = {}) {
      matrix(which, rows, columns, MatrixUse::layer, number, row_of);
    };
    norms(number);
    of_layer(&TensorNames::query, q, width, interleaved_rows());
    of_layer(&TensorNames::key, kv, width, interleaved_rows());
    of_layer(&TensorNames::value, kv, width);
    of_layer(&TensorNames::attention_output, width, q);
    if (config_.design.qk_norm != QkNorm::none) {
      const bool whole = config_.design.qk_norm == QkNorm::whole;
      norm(&TensorNames::query_norm, whole ? q : config_.head_dim, number);
      norm(&TensorNames::key_norm, whole ? kv : config_.head_dim, number);
    }
    if (config_.design.gated) of_layer(&TensorNames::gate, config_.n_ff, width);
    of_layer(&TensorNames::up, config_.n_ff, width);
    of_layer(&TensorNames::down, width, config_.n_ff);
  }

  std::vector<PlannedTensor> take() { return std::move(tensors_); }

 private:
  void vector(const std::string& name, const std::string& target, std::int64_t n, float added) {
    const TensorView& tensor = require_tensor(source_, name, {n});
    tensors_.push_back({.source = tensor, .name = target, .shape = {n}, .row_of = {}, .use = {}, .added = added});
  }

  void norms(int number) {
    const Design& design = config_.design;
    if (design.placement != NormPlacement::after) {
      norm(&TensorNames::attention_norm, config_.n_embd, number);
      const bool shared = design.residual == Residual::parallel_shared && !names_.has(from_.mlp_norm, number);
      if (!shared) norm(&TensorNames::mlp_norm, config_.n_embd, number);
    }
    if (design.placement != NormPlacement::before) {
      norm(&TensorNames::attention_post_norm, config_.n_embd, number);
      norm(&TensorNames::mlp_post_norm, config_.n_embd, number);
    }
  }

  static std::string with_bias(const std::string& name) { return name.substr(0, name.rfind('.')) + ".bias"; }

  // Pairs that rotate together, dimensions d and d + pairs of a head, are put side by side.
  RowOf interleaved_rows() const {
    if (!config_.family->gguf_storage.interleaved) return {};
    const std::int64_t dim = config_.head_dim;
    const std::int64_t pairs = config_.ropes.front().dimensions / 2;
    return [dim, pairs](std::int64_t row) {
      const std::int64_t d = row % dim;
      return d < 2 * pairs ? row - d + d / 2 + (d % 2) * pairs : row;
    };
  }

  HfSource source_;
  const Config& config_;
  const TensorNames& from_;
  const TensorNames& to_;
  FileNames names_;
  std::vector<PlannedTensor> tensors_;
};

}  // namespace

std::vector<PlannedTensor> tensors_of_folder(const HfFolder& folder, const Config& config) {
  Planner planner(folder, config);
  planner.matrix(&TensorNames::embedding, config.n_vocab, config.n_embd, MatrixUse::vocabulary);
  planner.norm(&TensorNames::output_norm, config.n_embd);
  if (planner.has_output()) planner.matrix(&TensorNames::output, config.n_vocab, config.n_embd, MatrixUse::vocabulary);
  for (int layer = 0; layer < config.n_layers; ++layer) planner.layer(layer);
  return planner.take();
}

}  // namespace runnel
