#include "model/pack_tensor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "quant/dequantize.h"
#include "quant/rtn_blocks.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// What was wrong with the values of a matrix.
struct Faults {
  std::atomic<bool> not_finite{false};
  std::atomic<bool> too_large{false};  ///< for the packing
};

std::optional<Packing> packing_of_blocks(BlockType type) {
  switch (type) {
    case BlockType::q4_0:
      return Packing::q4;
    case BlockType::q4_1:
      return Packing::q4_offset;
    case BlockType::q8_0:
      return Packing::q8;
    default:
      return std::nullopt;
  }
}

Packing packing_of_integers(const RtnOptions& rtn) {
  if (rtn.bits == 4) return rtn.symmetric ? Packing::q4 : Packing::q4_offset;
  return rtn.symmetric ? Packing::q8 : Packing::q8_offset;
}

// Weights as the file has them.
Packing packing_as_is(BlockType source, ComputeType compute) {
  if (source == BlockType::f32) return Packing::f32;
  if (source == BlockType::bf16) return Packing::bf16;
  if (const auto blocks = packing_of_blocks(source)) {
    if (compute == ComputeType::f32) return Packing::f32;
    return compute == ComputeType::bf16 ? Packing::bf16 : *blocks;
  }
  return Packing::f16;
}

bool finite_scales(std::span<const std::byte> row, BlockType type) {
  const auto step = static_cast<std::size_t>(traits(type).block_bytes);
  const std::size_t halves = type == BlockType::q4_1 ? 2 : 1;
  for (std::size_t block = 0; block < row.size(); block += step) {
    for (std::size_t i = 0; i < halves; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, row.data() + block + 2 * i, sizeof bits);
      if ((bits & 0x7c00U) == 0x7c00U) return false;
    }
  }
  return true;
}

// The largest magnitude, infinite when a value is not finite.
float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  bool finite = true;
  for (const float value : values) {
    finite &= std::abs(value) <= std::numeric_limits<float>::max();
    largest = std::max(largest, std::abs(value));
  }
  return finite ? largest : std::numeric_limits<float>::infinity();
}

// The largest number that a packing of floats holds.
float most_of(Packing packing) {
  if (packing == Packing::f16) return 65504;
  return packing == Packing::bf16 ? 0x1.FEp127F : std::numeric_limits<float>::max();
}

/// Packs single rows of one matrix; each thread has one of its own.
class RowPacker {
 public:
  RowPacker(const PackJob& job, const Holding& holding, PackedMatrix& matrix, Faults& faults)
      : job_(job), holding_(holding), matrix_(matrix), faults_(faults) {
    if (!is_copied()) values_.resize(static_cast<std::size_t>(job.columns));
    if (is_encoded()) blocks_.resize(source_block_bytes(holding.packing) * values_.size() / block_columns);
  }

  void pack(int row) {
    const std::size_t row_bytes = bytes_of(job_.tensor.type, static_cast<std::size_t>(job_.columns));
    const auto from = static_cast<std::size_t>(job_.row_of ? job_.row_of(row) : row);
    const std::span<const std::byte> bytes = job_.tensor.data.subspan(from * row_bytes, row_bytes);
    if (is_copied()) {
      if (!finite_scales(bytes, job_.tensor.type)) faults_.not_finite = true;
      return pack_quantized_row(matrix_, row, bytes);
    }
    dequantize(job_.tensor.type, bytes, values_);
    if (!std::isfinite(largest_magnitude(values_))) {
      faults_.not_finite = true;
      return;
    }
    if (is_encoded()) return encode(row);
    if (holding_.rtn) round_rtn_row(values_, *holding_.rtn);
    if (largest_magnitude(values_) > most_of(holding_.packing)) faults_.too_large = true;
    pack_float_row(matrix_, row, values_);
  }

 private:
  bool is_copied() const { return is_integer(holding_.packing) && !holding_.rtn; }
  bool is_encoded() const { return is_integer(holding_.packing) && holding_.rtn; }

  void encode(int row) {
    if (!encode_rtn_row(values_, *holding_.rtn, ScaleSearch::none, blocks_)) faults_.too_large = true;
    pack_quantized_row(matrix_, row, blocks_);
  }

  const PackJob& job_;
  const Holding& holding_;
  PackedMatrix& matrix_;
  Faults& faults_;
  std::vector<float> values_;
  std::vector<std::byte> blocks_;
};

PackedMatrix pack(const PackJob& job, const Holding& holding, ThreadPool& pool, const std::stop_token& stop,
                  Faults& faults) {
  PackedMatrix matrix = make_packed(holding.packing, job.rows, job.columns);
  pool.run(static_cast<std::size_t>(matrix.groups()), [&](std::size_t group, int) {
    if (stop.stop_requested()) throw Cancelled();
    RowPacker packer(job, holding, matrix, faults);
    const int first = static_cast<int>(group) * group_rows;
    for (int row = first; row < std::min(job.rows, first + group_rows); ++row) packer.pack(row);
  });
  return matrix;
}

}  // namespace

RtnOptions rtn_options(MatrixUse use, WeightType type, int group_size, Scheme scheme) {
  const bool eight_bits = use == MatrixUse::vocabulary || type == WeightType::int8;
  const bool symmetric = scheme == Scheme::sym || (use == MatrixUse::vocabulary && type == WeightType::int4);
  return {.bits = eight_bits ? 8 : 4, .group_size = group_size, .symmetric = symmetric};
}

Holding holding_for(BlockType source, MatrixUse use, int columns, const LoadOptions& options) {
  switch (options.weight_dtype) {
    case WeightType::f32:
      return {.packing = Packing::f32, .rtn = {}};
    case WeightType::f16:
      return {.packing = Packing::f16, .rtn = {}};
    case WeightType::bf16:
      return {.packing = Packing::bf16, .rtn = {}};
    case WeightType::int4:
    case WeightType::int8:
      break;
    default:
      return {.packing = packing_as_is(source, options.compute_dtype), .rtn = {}};
  }
  if (packing_of_blocks(source) || use == MatrixUse::exact)
    return {.packing = packing_as_is(source, options.compute_dtype), .rtn = {}};
  const RtnOptions rtn = rtn_options(use, options.weight_dtype, options.group_size, options.scheme);
  if (options.compute_dtype == ComputeType::f32) return {.packing = Packing::f32, .rtn = rtn};
  if (options.compute_dtype == ComputeType::bf16) return {.packing = Packing::bf16, .rtn = rtn};
  return {.packing = columns % block_columns == 0 ? packing_of_integers(rtn) : Packing::f16, .rtn = rtn};
}

PackedMatrix pack_tensor(const PackJob& job, const LoadOptions& options, ThreadPool& pool,
                         const std::stop_token& stop) {
  Holding holding = holding_for(job.tensor.type, job.use, job.columns, options);
  Faults faults;
  PackedMatrix matrix = pack(job, holding, pool, stop, faults);
  if (faults.not_finite)
    throw Error(job.file + " can't be used: its tensor " + job.tensor.name + " holds values that are not finite.");
  if (!faults.too_large) return matrix;
  const bool exact_in_bf16 = job.tensor.type == BlockType::bf16 && !holding.rtn;
  holding.packing = exact_in_bf16 ? Packing::bf16 : Packing::f32;
  spdlog::warn("{}: tensor {} holds values beyond f16 and is held as {}.", job.file, job.tensor.name,
               exact_in_bf16 ? "bf16" : "f32");
  matrix = {};
  return pack(job, holding, pool, stop, faults);
}

}  // namespace runnel
