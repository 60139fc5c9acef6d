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

  std::size_t bytes() const { return matrix.bytes() + bias.size() * sizeof(float); }
};

struct NormWeights {
  std::vector<float> weight;  ///< empty: there is no such norm
  std::vector<float> bias;    ///< as long as the weight, or empty

  bool empty() const { return weight.empty(); }
  std::size_t bytes() const { return (weight.size() + bias.size()) * sizeof(float); }
};

struct MlpWeights {
  Linear gate;  ///< [n_ff, n_embd]; without rows where the MLP is plain
  Linear up;    ///< [n_ff, n_embd]
  Linear down;  ///< [n_embd, n_ff]

  std::size_t bytes() const { return gate.bytes() + up.bytes() + down.bytes(); }
};

struct LayerWeights {
  NormWeights attention_norm;       ///< [n_embd], as the other three; which are there the design says
  NormWeights attention_post_norm;  ///< of what attention adds
  NormWeights mlp_norm;
  NormWeights mlp_post_norm;
  Linear query;             ///< [n_heads × head_dim, n_embd]; rows of a head rotate as halves
  Linear key;               ///< [n_kv_heads × head_dim, n_embd]
  Linear value;             ///< [n_kv_heads × head_dim, n_embd]
  NormWeights query_norm;   ///< [head_dim] or [n_heads × head_dim], as QkNorm says
  NormWeights key_norm;     ///< [head_dim] or [n_kv_heads × head_dim]
  Linear attention_output;  ///< [n_embd, n_heads × head_dim]
  MlpWeights mlp;           ///< where there are no experts
  Linear router;            ///< [n_experts, n_embd]
  std::vector<MlpWeights> experts;

  std::size_t bytes() const;
};

struct Weights {
  PackedMatrix embedding;              ///< [n_vocab, n_embd]
  NormWeights embedding_norm;          ///< [n_embd]
  std::vector<float> positions;        ///< learned, [trained_context + position_offset, n_embd]; or empty
  std::optional<PackedMatrix> output;  ///< [n_vocab, n_embd]; none: the embedding (tied)
  std::vector<float> output_bias;      ///< [n_vocab], or empty
  std::vector<float> output_scales;    ///< of the logits, [n_vocab], or empty
  NormWeights output_norm;             ///< [n_embd]
  std::vector<LayerWeights> layers;
  bool bf16_products = false;  ///< products of many tokens may be rounded to bfloat16 whatever the packing

  std::size_t bytes() const;
  const PackedMatrix& head() const { return output ? *output : embedding; }
};

/// Reads all weights, packed for the kernels, in parallel, giving back the mapping's pages as it goes. Throws Error
/// naming file and tensor when one is missing, has another shape than the config says, or holds values that are not
/// finite; Cancelled when `stop` was requested.
Weights load_weights(const WeightSource& source, const Config& config, const LoadOptions& options, ThreadPool& pool,
                     const Model::Progress& progress, std::stop_token stop);

}  // namespace runnel
