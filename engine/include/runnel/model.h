#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runnel/cache.h"
#include "runnel/chat.h"
#include "runnel/tokenizer.h"

namespace runnel {

/// Number type that weights are held in. `as_is`: as the file has them.
enum class WeightType : std::uint8_t { as_is, f32 };

/// Number type that matrix products are computed in. `automatic`: int8 for quantized weights, else f32.
enum class ComputeType : std::uint8_t { automatic, int8, f32 };

WeightType weight_type_from(std::string_view name);
ComputeType compute_type_from(std::string_view name);

struct LoadOptions {
  WeightType weight_dtype = WeightType::as_is;
  ComputeType compute_dtype = ComputeType::automatic;
  int threads = 0;  ///< threads that load; 0: as many as default_threads()
};

/// Facts about a model that people and settings pages ask for.
struct ModelFacts {
  std::string name;
  std::string architecture;
  std::string format;        ///< "GGUF v3", "Hugging Face folder"
  std::string quantization;  ///< the block type of most weights, e.g. "Q4_1"
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;  ///< memory of the weights as they are held
  std::uint64_t file_bytes = 0;
  int n_layers = 0;
  int n_embd = 0;
  int n_ff = 0;
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  int n_vocab = 0;
  int trained_context = 0;  ///< after rope scaling; 0: unknown
  std::string rope;         ///< positions, e.g. "base 100000", "base 10000, yarn × 4", "ALiBi" or "learned"
  bool learned_positions =
      false;              ///< an eviction evaluates what is left again, and ctx_size is at most trained_context
  std::string tokenizer;  ///< e.g. "byte-level BPE (smollm)", or why there is none
  bool has_chat_template = false;
  std::string template_problem;  ///< why the model's own chat template can't be used; empty when it can
  std::vector<std::pair<std::string, int>> tensor_types;  ///< block type → number of tensors, most frequent first
};

/// Bytes of keys and values for `settings` (headroom included).
std::size_t cache_bytes(const ModelFacts& facts, const CacheSettings& settings);

/// A loaded model: weights, tokenizer, template, facts. Immutable; may be shared between threads.
class Model {
 public:
  using Progress = std::function<void(double done)>;  ///< 0 … 1, called on the loading thread

  /// Loads a .gguf file or a Hugging Face folder. Throws Error (a sentence that names the file and what is wrong), or
  /// Cancelled when `stop` was requested; memory is bounded by what the file really holds.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path, const LoadOptions& options = {},
                                           const Progress& progress = {}, std::stop_token stop = {});

  /// The same without the weights: for facts, tokenizer and template alone. No Session can be made of it.
  static std::shared_ptr<const Model> open_without_weights(const std::filesystem::path& path);

  virtual ~Model() = default;
  virtual const ModelFacts& facts() const = 0;

  /// Throws Error that says why when the file has no tokenizer we know.
  virtual const Tokenizer& tokenizer() const = 0;

  /// The file's own template, or the family's when the file has none or one that can't be understood.
  virtual const ChatTemplate& chat_template() const = 0;

  /// Why the file's own template is not used; empty when it is.
  virtual const std::string& template_problem() const = 0;
};

}  // namespace runnel
