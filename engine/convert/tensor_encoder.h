#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "format/tensor.h"
#include "model/pack_tensor.h"
#include "runnel/quantize.h"
#include "threads/thread_pool.h"

namespace runnel {

/// A tensor to be written to a GGUF file.
struct PlannedTensor {
  TensorView source;
  std::string name;                                  ///< in the target
  std::vector<std::int64_t> shape;                   ///< in the target; the source's, or its values in fewer dimensions
  std::function<std::int64_t(std::int64_t)> row_of;  ///< the source's row that is row r of the target; empty: the same
  std::optional<MatrixUse> use;                      ///< none: not a matrix to be rounded
  float added = 0;                                   ///< to each of the source's values
};

/// Computes the data of tensors on all threads.
class TensorEncoder {
 public:
  TensorEncoder(const QuantizeOptions& options, ThreadPool& pool, std::stop_token stop, std::string label)
      : options_(options), pool_(pool), stop_(std::move(stop)), label_(std::move(label)) {}

  /// The type to write a tensor in: as the options say, F16 for rows that are no multiple of 32, and BF16 (where the
  /// source is that) or F32 where a value is beyond what f16 holds. Reads all values. Throws Error naming the tensor
  /// when one is not finite, Cancelled when asked to stop.
  BlockType type_of(const PlannedTensor& tensor) const;

  /// Throws Cancelled when asked to stop.
  void check_stop() const;

  /// The data of the tensor in this type. Throws Cancelled when asked to stop.
  std::vector<std::byte> encode(const PlannedTensor& tensor, BlockType type) const;

 private:
  float largest_magnitude(const TensorView& source) const;
  BlockType wanted_type(const PlannedTensor& tensor) const;
  template <typename Job>
  void for_rows(std::int64_t rows, Job&& job) const;

  const QuantizeOptions& options_;
  ThreadPool& pool_;
  std::stop_token stop_;
  std::string label_;
};

}  // namespace runnel
