#pragma once

#include <span>
#include <string>
#include <string_view>

namespace runnel {

/// Names of a layer's tensors; "{}" stands for the layer's number. Biases have the same name with ".bias".
struct TensorNames {
  std::string_view embedding;
  std::string_view output_norm;
  std::string_view output;  ///< absent in files with tied embeddings
  std::string_view attention_norm;
  std::string_view query;
  std::string_view key;
  std::string_view value;
  std::string_view attention_output;
  std::string_view mlp_norm;
  std::string_view gate;
  std::string_view up;
  std::string_view down;
};

/// How a family of models differs from the others, as data. The one forward pass reads it (RMSNorm before each block,
/// rotary positions, gated SiLU MLP so far: what the families below share is not a field).
struct Architecture {
  std::string_view gguf;  ///< general.architecture
  std::string_view hf;    ///< config.json's architectures[0]
  const TensorNames* gguf_names;
  const TensorNames* hf_names;
  /// The common converter interleaves the rows of Q and K within each head, so that pairs that rotate together lie
  /// side by side; undone on load.
  bool gguf_interleaves_qk;
  bool sliding_window;        ///< config.json's sliding_window holds for every layer
  std::string_view saved_as;  ///< general.architecture of files that are written; others know fewer names
};

std::span<const Architecture> architectures();

/// Null when no row has this name.
const Architecture* architecture_of_gguf(std::string_view name);
const Architecture* architecture_of_hf(std::string_view name);

/// "llama, mistral …", for messages.
std::string known_architectures();

/// `pattern` with the layer's number in place of "{}".
std::string tensor_name(std::string_view pattern, int layer);

}  // namespace runnel
