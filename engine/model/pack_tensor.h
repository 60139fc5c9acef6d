#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "format/tensor.h"
#include "kernels/packed_matrix.h"
#include "model/matrix_use.h"
#include "quant/rtn.h"
#include "runnel/model.h"
#include "threads/thread_pool.h"

namespace runnel {

/// How matrices are rounded when weights are to be integers. With int4, those of the vocabulary are int8 and symmetric:
/// every logit depends on them, a tied one serves twice, and they are a small part of all but the smallest models
/// (files in the wild keep them at 6 to 8 bits for the same reason). `use` is not MatrixUse::exact.
RtnOptions rtn_options(MatrixUse use, WeightType type, int group_size, Scheme scheme);

/// How one matrix is held in memory.
struct Holding {
  Packing packing;
  std::optional<RtnOptions> rtn;  ///< rounded to integers first
};

/// What `options` mean for a matrix of a file. Blocks that have a packing of their own (Q4_0, Q4_1, Q8_0) are kept
/// where int4 or int8 is asked for; everything else but what stays exact is rounded then. With int8 compute the
/// integers are held as they are, but for rows that are no multiple of 32: the values that they stand for are f16 then.
/// With bf16 or f32 compute, these values are held in that type.
Holding holding_for(BlockType source, MatrixUse use, int columns, const LoadOptions& options);

/// What `pack_tensor` makes.
struct PackJob {
  TensorView tensor;  ///< rows as long as the matrix's, and as many or more
  int rows;
  int columns;
  std::function<int(int)> row_of;  ///< the tensor's row that is row r of the matrix; empty: the same
  MatrixUse use = MatrixUse::layer;
  std::string file;  ///< for messages
};

/// Packs a matrix of a file for the kernels, on all threads. Where a value, scale or offset is beyond what f16 (or
/// bf16) holds, the whole matrix is held as bf16 (when the file has that) or f32 instead, and the log says so. Throws
/// Error naming file and tensor when a value is not finite, Cancelled when `stop` was requested.
PackedMatrix pack_tensor(const PackJob& job, const LoadOptions& options, ThreadPool& pool, const std::stop_token& stop);

}  // namespace runnel
