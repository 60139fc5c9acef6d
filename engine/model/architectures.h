#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/config.h"

namespace runnel {

/// Names of tensors; the first "{}" stands for the layer's number, a second one for the expert's. Biases have the same
/// name with ".bias". Alternatives are separated by "|"; the first that a file has counts. Empty: the family has none.
struct TensorNames {
  std::string_view prefix;  ///< of all names but `output`; files with another one are recognized by their embedding
  std::string_view embedding;
  std::string_view embedding_norm;
  std::string_view positions;  ///< learned, [n_positions + offset, n_embd]
  std::string_view output_norm;
  std::string_view output;  ///< absent in files with tied embeddings
  std::string_view attention_norm;
  std::string_view query;
  std::string_view key;
  std::string_view value;
  std::string_view query_key_value;  ///< the three in one tensor, as Storage::qkv says
  std::string_view query_norm;
  std::string_view key_norm;
  std::string_view attention_output;
  std::string_view attention_post_norm;
  std::string_view mlp_norm;
  std::string_view gate;
  std::string_view up;
  std::string_view gate_up;  ///< the rows of gate, then those of up
  std::string_view down;
  std::string_view mlp_post_norm;
  std::string_view router;
  std::string_view expert_gate;  ///< one tensor for each expert
  std::string_view expert_up;
  std::string_view expert_down;
  std::string_view experts_gate;  ///< one tensor for all experts, [n_experts, outputs, inputs]
  std::string_view experts_up;
  std::string_view experts_down;
};

/// Order of the rows of a tensor that holds queries, keys and values.
enum class QkvLayout {
  stacked,  ///< all queries, all keys, all values
  grouped   ///< for each KV head: its queries, its key, its value
};

/// How one format keeps a family's tensors.
struct Storage {
  const TensorNames* names;
  QkvLayout qkv = QkvLayout::stacked;
  /// Rows of a head that rotate together lie side by side (GGUF: the converter permutes them so; GPT-J, GLM: they are
  /// trained so). They are brought to where rotation by halves wants them when they are loaded.
  bool interleaved = false;
  bool transposed = false;      ///< the layers' matrices are [inputs, outputs]
  bool norms_less_one = false;  ///< norm weights w are kept as w − 1
};

/// How a family of models differs from the others, as data: what it computes, where its tensors are, which keys of its
/// configuration mean more than elsewhere. A new family is one more row.
struct Architecture {
  std::string_view gguf;  ///< general.architecture
  std::string_view hf;    ///< config.json's architectures[0], several separated by spaces
  Storage gguf_storage;
  Storage hf_storage;
  Design design{};
  /// In each stretch of so many layers all but the last have the configuration's sliding window; 1: every layer has;
  /// 0: none. A list of layer types in the file goes before it.
  int window_period = 0;
  double window_rope_base = 0;        ///< GGUF: layers with a window rotate by a base of their own, usually this; 0: no
  int no_rope_period = 0;             ///< the last of each so many layers does not rotate; 0: all do
  bool embedding_times_root = false;  ///< the embedding is scaled by √n_embd
  bool activation_is_fixed = false;   ///< what config.json says of it is ignored
  bool has_soft_caps = false;         ///< GGUF: readers take the usual ones where a file has none
  bool ff_is_doubled = false;         ///< files give twice the length of gate and up
  int position_offset = 0;            ///< of learned positions
  std::string_view hf_alibi_without{};  ///< ALiBi where config.json lacks this key
  int gguf_alibi_layers = 0;            ///< ALiBi where a GGUF file has so many layers
  int gguf_wide_scale_layers = 0;       ///< scores are scaled by (n_embd / n_heads)^−½ where it has so many
  bool divides_by_logit_scale = false;  ///< GGUF: logits are divided by the key's value
  int normalized_head_vocab = 0;        ///< the output matrix is normalized where the vocabulary has this size
  std::string_view saved_as{};          ///< general.architecture of files that are written; empty: none are
  std::string_view hf_defaults = "{}";  ///< members of config.json that may be absent (JSON)
};

std::span<const Architecture> architectures();

/// Null when no row has this name.
const Architecture* architecture_of_gguf(std::string_view name);
const Architecture* architecture_of_hf(std::string_view name);

// What a GGUF file has no key for, but which follows from the family. Layers are counted from 1.

/// Whether the layer has the file's sliding window, if there is one.
bool has_window(const Architecture& family, int layer);
/// Whether the layer rotates queries and keys, if the family does.
bool rotates(const Architecture& family, int layer);
float usual_embedding_scale(const Architecture& family, const Config& config);
float usual_attention_scale(const Architecture& family, const Config& config);

/// "llama, mistral …", for messages.
std::string known_architectures();

/// `pattern` with the numbers of layer and expert in place of the first and second "{}".
std::string tensor_name(std::string_view pattern, int layer, int expert = 0);

}  // namespace runnel
