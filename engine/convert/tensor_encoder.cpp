#include "convert/tensor_encoder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <span>

#include "quant/dequantize.h"
#include "quant/half.h"
#include "quant/rtn_blocks.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::int64_t rows_per_chunk = 16;

// Scales and offsets are no larger than the values, and rounding adds no more than a little.
constexpr float most_for_half_scales = 60000;
constexpr float most_bf16 = 0x1.FEp127F;

std::size_t row_bytes(BlockType type, const TensorView& tensor) {
  return bytes_of(type, static_cast<std::size_t>(tensor.columns()));
}

bool is_rounded(BlockType type) {
  return type == BlockType::q4_0 || type == BlockType::q4_1 || type == BlockType::q8_0;
}

void put_floats(std::span<const float> values, BlockType type, std::span<std::byte> out) {
  if (type == BlockType::f32) {
    std::memcpy(out.data(), values.data(), out.size());
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = type == BlockType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(out.data() + 2 * i, &bits, sizeof bits);
  }
}

std::vector<float> row_values(const TensorView& tensor, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(tensor.columns()));
  const std::size_t bytes = row_bytes(tensor.type, tensor);
  dequantize(tensor.type, tensor.data.subspan(static_cast<std::size_t>(row) * bytes, bytes), values);
  return values;
}

}  // namespace

template <typename Job>
void TensorEncoder::for_rows(std::int64_t rows, Job&& job) const {
  const auto chunks = static_cast<std::size_t>((rows + rows_per_chunk - 1) / rows_per_chunk);
  pool_.run(chunks, [&](std::size_t chunk, int) {
    check_stop();
    const std::int64_t first = static_cast<std::int64_t>(chunk) * rows_per_chunk;
    for (std::int64_t row = first; row < std::min(rows, first + rows_per_chunk); ++row) job(row);
  });
}

void TensorEncoder::check_stop() const {
  if (stop_.stop_requested()) throw Cancelled();
}

float TensorEncoder::largest_magnitude(const TensorView& source) const {
  std::atomic<float> largest{0};
  for_rows(source.rows(), [&](std::int64_t row) {
    float most = 0;
    for (const float value : row_values(source, row))
      most = std::isfinite(value) ? std::max(most, std::abs(value)) : INFINITY;
    for (float seen = largest; seen < most && !largest.compare_exchange_weak(seen, most);) {
    }
  });
  return largest;
}

BlockType TensorEncoder::wanted_type(const PlannedTensor& tensor) const {
  if (!tensor.use || options_.weight_dtype == WeightType::f32) return BlockType::f32;
  if (options_.weight_dtype == WeightType::bf16) return BlockType::bf16;
  const bool whole_blocks = tensor.source.columns() % rtn_block_size == 0;
  if (options_.weight_dtype == WeightType::f16 || !whole_blocks) return BlockType::f16;
  const RtnOptions rtn = rtn_options(*tensor.use, options_.weight_dtype, options_.group_size, options_.scheme);
  if (rtn.bits == 8) return BlockType::q8_0;
  return rtn.symmetric ? BlockType::q4_0 : BlockType::q4_1;
}

BlockType TensorEncoder::type_of(const PlannedTensor& tensor) const {
  const float largest = largest_magnitude(tensor.source);
  if (!std::isfinite(largest)) {
    throw Error(label_ + " can't be used: its tensor " + tensor.source.name + " holds values that are not finite.");
  }
  const BlockType type = wanted_type(tensor);
  const float most = type == BlockType::f32 ? largest : type == BlockType::bf16 ? most_bf16 : most_for_half_scales;
  if (largest <= most) return type;
  return tensor.source.type == BlockType::bf16 ? BlockType::bf16 : BlockType::f32;
}

std::vector<std::byte> TensorEncoder::encode(const PlannedTensor& tensor, BlockType type) const {
  const TensorView& source = tensor.source;
  const std::size_t bytes = row_bytes(type, source);
  std::vector<std::byte> data(static_cast<std::size_t>(source.rows()) * bytes);
  const ScaleSearch search = options_.scale_search ? ScaleSearch::least_squares : ScaleSearch::none;
  for_rows(source.rows(), [&](std::int64_t row) {
    std::vector<float> values = row_values(source, tensor.row_of ? tensor.row_of(row) : row);
    if (tensor.added != 0)  // else a -0.0 would become 0.0
      for (float& value : values) value += tensor.added;
    const std::span<std::byte> out = std::span(data).subspan(static_cast<std::size_t>(row) * bytes, bytes);
    if (!is_rounded(type)) return put_floats(values, type, out);
    const RtnOptions rtn = rtn_options(*tensor.use, options_.weight_dtype, options_.group_size, options_.scheme);
    encode_rtn_row(values, rtn, search, out);
  });
  return data;
}

}  // namespace runnel
