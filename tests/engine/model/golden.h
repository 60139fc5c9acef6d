#pragma once

#include <QByteArray>
#include <QString>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/format/arrays.h"
#include "format/json_file.h"
#include "runnel/session.h"

namespace runnel {

/// A file or folder below the model fixtures: tiny random networks with float32 weights and references that were
/// computed without this engine.
inline std::filesystem::path fixture(std::string_view name) {
  return std::filesystem::path(RUNNEL_FIXTURES) / "models" / name;
}

/// Everything in float32: what references are compared with.
inline LoadOptions exact_options() {
  return {.weight_dtype = WeightType::f32, .compute_dtype = ComputeType::f32, .threads = 2};
}

inline std::shared_ptr<const Model> load_exact(std::string_view name) {
  return Model::load(fixture(name), exact_options());
}

inline CacheSettings exact_settings(int ctx_size, int n_keep = 4, int n_discard = 1, int batch = 512) {
  return {.ctx_size = ctx_size, .n_keep = n_keep, .n_discard = n_discard, .kv_type = KvType::f32, .batch = batch};
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  return read_json_file(path, std::size_t{16} << 20U);
}

/// Row `row` of an array [rows, width].
inline std::span<const float> row_of(const std::vector<float>& array, std::size_t row, std::size_t width) {
  return std::span(array).subspan(row * width, width);
}

/// The largest difference between two rows; infinite where they differ in length or one is not finite.
inline double difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(d <= largest)) largest = std::isfinite(d) ? d : INFINITY;
  }
  return largest;
}

inline Token likeliest(std::span<const float> logits) {
  return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Original positions in the cache, in cache order.
inline std::vector<std::int64_t> cached(Session& session) {
  std::vector<std::int64_t> positions;
  for (const Run& run : session.telemetry().runs) {
    for (std::int32_t i = 0; i < run.length; ++i) positions.push_back(run.first + i);
  }
  return positions;
}

}  // namespace runnel
