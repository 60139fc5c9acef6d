#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/packed_matrix.h"
#include "model/file_names.h"
#include "model/weight_source.h"
#include "model/weights.h"
#include "runnel/model.h"
#include "threads/thread_pool.h"

namespace runnel {

/// Which rows of a file's tensor make a matrix.
struct RowChoice {
  std::vector<std::int64_t> leading{};  ///< the tensor's shape but for its columns; empty: the matrix's rows
  std::function<int(int)> row_of{};     ///< the tensor's row that is row r; empty: the same
  bool transposed = false;              ///< the tensor is [columns, rows]
};

/// Reads one model's tensors, packs them for the kernels in parallel, and counts what has been read. Every function
/// that reads throws Error naming file and tensor when it is missing, has another shape or holds values that are not
/// finite, and Cancelled when `stop` was requested.
class TensorLoader {
 public:
  TensorLoader(const WeightSource& source, const TensorNames& names, const LoadOptions& options, ThreadPool& pool,
               const Model::Progress& progress, std::stop_token stop);

  void expect_steps(int steps) { steps_ = steps; }

  const FileNames& names() const { return names_; }

  PackedMatrix matrix(const std::string& name, int rows, int columns, const RowChoice& choice = {});
  /// With its bias when there is one.
  Linear linear(const std::string& name, int rows, int columns, const RowChoice& choice = {});
  /// Of a matrix, which need not be there; empty when there is none.
  std::vector<float> bias(const std::string& matrix, int rows, const RowChoice& choice = {});
  std::vector<float> vector(const std::string& name, const std::vector<std::int64_t>& shape);
  /// With its bias when there is one; `more` is added to the weight.
  NormWeights norm(const std::string& name, int n, float more);

 private:
  const TensorView& find(const std::string& name, const std::vector<std::int64_t>& shape);
  PackedMatrix pack(const TensorView& tensor, int rows, int columns, const RowChoice& choice);
  void finish(const TensorView& tensor);

  const WeightSource& source_;
  FileNames names_;
  const LoadOptions& options_;
  ThreadPool& pool_;
  const Model::Progress& progress_;
  std::stop_token stop_;
  double steps_ = 1;
  double done_ = 0;
};

}  // namespace runnel
