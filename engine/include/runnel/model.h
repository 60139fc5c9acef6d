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

/// Number type that the weights of matrices are held in. int4 and int8 are made by rounding to the nearest (RTN) with a
/// scale per group; with int4, embedding and output matrix are int8. `automatic`: int4 for a Hugging Face folder, as
/// the file has them for GGUF. Blocks of a GGUF file (Q4_0, Q4_1, Q8_0) are not rounded a second time.
enum class WeightType : std::uint8_t { automatic, as_is, int4, int8, f16, bf16, f32 };

/// Number type that matrix products are computed in. `automatic` and `int8`: activations are rounded to int8 per block
/// of 32 for weights held as integers, products with other weights are computed in f32. `bf16`, `f32`: weights that are
/// integers are held as the values they stand for, in this type; `f32` is exact.
enum class ComputeType : std::uint8_t { automatic, int8, bf16, f32 };

/// How integers stand for weights: sym: scale × q; asym: scale × (q − zero).
enum class Scheme : std::uint8_t { sym, asym };

/// Parse "auto", "as-is", "int4" …, throw Error naming the value and what is allowed.
WeightType weight_type_from(std::string_view name);
ComputeType compute_type_from(std::string_view name);
Scheme scheme_from(std::string_view name);

/// Throws Error naming the value when a group size is none of 32, 64, 128, and -1 (whole rows).
void check_group_size(int group_size);

struct LoadOptions {
  WeightType weight_dtype = WeightType::automatic;
  ComputeType compute_dtype = ComputeType::automatic;
  int group_size = 32;  ///< int4, int8: weights that share a scale: 32, 64, 128, or -1: whole rows
  Scheme scheme = Scheme::sym;
  int threads = 0;  ///< threads that load; 0: as many as default_threads()
};

/// Facts about a model that people and settings pages ask for.
struct ModelFacts {
  std::string name;
  std::string architecture;
  std::string format;        ///< "GGUF v3", "Hugging Face folder"
  std::string quantization;  ///< the block type of most weights, e.g. "Q4_1"
  std::uint64_t parameters = 0;
  std::uint64_t weight_bytes = 0;  ///< memory of the weights as they are held, or would be
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
  /// An eviction evaluates what is left again, and ctx_size is at most trained_context.
  bool learned_positions = false;
  std::string tokenizer;  ///< e.g. "byte-level BPE (smollm)", or why there is none
  bool has_chat_template = false;
  std::string template_problem;  ///< why the model's own chat template can't be used; empty when it can
  /// Tells loaded models apart whose keys and values differ: a hash of names, shapes and samples of the tensors and of
  /// how they are held.
  std::string fingerprint;
  std::vector<std::pair<std::string, int>> tensor_types;  ///< block type → number of tensors, most frequent first
};

/// Bytes of the keys and values of one token, in all layers.
std::size_t cache_bytes_per_token(const ModelFacts& facts, KvType type);

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
  /// `options` decide on the memory that the facts tell.
  static std::shared_ptr<const Model> open_without_weights(const std::filesystem::path& path,
                                                           const LoadOptions& options = {});

  virtual ~Model() = default;
  virtual const ModelFacts& facts() const = 0;

  /// Throws Error that says why when the file has no tokenizer we know.
  virtual const Tokenizer& tokenizer() const = 0;

  /// The file's own template, or the family's when the file has none or one that can't be understood.
  virtual const ChatTemplate& chat_template() const = 0;

  /// Why the file's own template is not used; empty when it is.
  virtual const std::string& template_problem() const = 0;
};

/// A model's tokenizer alone, also from a GGUF file that holds nothing else. Throws Error that names the file and says
/// why when there is none we know.
std::unique_ptr<const Tokenizer> open_tokenizer(const std::filesystem::path& path);

}  // namespace runnel
