#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "kernels/packed_matrix.h"
#include "model/weight_source.h"
#include "runnel/model.h"
#include "threads/thread_pool.h"

namespace runnel {

/// y = W x + bias.
struct Linear {
  PackedMatrix matrix;      ///< [outputs, inputs]
  std::vector<float> bias;  ///< [outputs], or empty
};

struct LayerWeights {
  std::vector<float> attention_norm;  ///< [n_embd]
  Linear query;                       ///< [n_heads × head_dim, n_embd]; rows of a head rotate as halves
  Linear key;                         ///< [n_kv_heads × head_dim, n_embd]
  Linear value;                       ///< [n_kv_heads × head_dim, n_embd]
  Linear attention_output;            ///< [n_embd, n_heads × head_dim]
  std::vector<float> mlp_norm;        ///< [n_embd]
  Linear gate;                        ///< [n_ff, n_embd]
  Linear up;                          ///< [n_ff, n_embd]
  Linear down;                        ///< [n_embd, n_ff]
};

struct Weights {
  PackedMatrix embedding;              ///< [n_vocab, n_embd]
  std::optional<PackedMatrix> output;  ///< [n_vocab, n_embd]; none: the embedding (tied)
  std::vector<float> output_norm;      ///< [n_embd]
  std::vector<LayerWeights> layers;
  std::vector<float> rope_divisors;  ///< [rope dimensions / 2], or empty
  bool bf16_products = false;        ///< products of many tokens may be rounded to bfloat16 whatever the packing

  std::size_t bytes() const;
  const PackedMatrix& head() const { return output ? *output : embedding; }
};

/// Reads all weights, packed for the kernels, in parallel, giving back the mapping's pages as it goes. Throws Error
/// naming file and tensor when one is missing, has another shape than the config says, or holds values that are not
/// finite; Cancelled when `stop` was requested.
Weights load_weights(const WeightSource& source, const Config& config, const LoadOptions& options, ThreadPool& pool,
                     const Model::Progress& progress, std::stop_token stop);

}  // namespace runnel
