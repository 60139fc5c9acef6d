#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runnel/model.h"

namespace runnel {

/// How a model is saved as a GGUF file.
struct QuantizeOptions {
  /// int4: Q4_0 (sym) or Q4_1 (asym), embedding and output matrix Q8_0; int8: Q8_0; f16, bf16, f32: themselves.
  /// Matrices whose rows are no multiple of 32 are saved as F16, all that is no matrix as F32.
  WeightType weight_dtype = WeightType::int4;
  int group_size = 32;  ///< weights that share a scale: 32, 64, 128, or -1: whole rows; blocks of 32 repeat it
  Scheme scheme = Scheme::sym;
  bool scale_search = false;  ///< look for the scale of each group that has the least squared error
  int threads = 0;            ///< 0: as many as default_threads()
};

/// Throws Error naming what GGUF can't hold: a weight type that is none of the above, a group size that is none of the
/// above, asymmetric int8.
void check(const QuantizeOptions& options);

/// What was written.
struct QuantizeReport {
  std::uint64_t bytes = 0;                                ///< size of the file
  std::vector<std::pair<std::string, int>> tensor_types;  ///< block type → number of tensors, most frequent first
  bool has_tokenizer = false;  ///< false: the source has none, so that the file takes and gives token ids alone
};

/// Saves a model as a GGUF file that other programs read. `source` is a Hugging Face folder or a GGUF file; of the
/// latter the float matrices are rounded, and everything else, metadata included, is copied. One tensor at a time is in
/// memory. The file appears under its name when it is whole; nothing of it remains otherwise. `progress` is called on
/// this thread. Throws Error naming the file and what is wrong: with the source; a tokenizer or a setting of the
/// architecture that GGUF can't express; a target that can't be written, is full, or is the source itself. Throws
/// Cancelled when `stop` was requested.
QuantizeReport quantize(const std::filesystem::path& source, const std::filesystem::path& target,
                        const QuantizeOptions& options = {}, const Model::Progress& progress = {},
                        std::stop_token stop = {});

}  // namespace runnel
