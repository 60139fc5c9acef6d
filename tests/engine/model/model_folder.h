#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/model/golden.h"
#include "format/safetensors.h"
#include "quant/half.h"

namespace runnel {

/// A float32 matrix or vector of a model folder.
struct FloatTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The tensors of a fixture's folder, all float32.
inline std::vector<FloatTensor> tensors_of(std::string_view name) {
  const auto file = SafetensorsFile::open(fixture(name) / "model.safetensors");
  std::vector<FloatTensor> tensors;
  for (const TensorView& view : file.tensors()) {
    FloatTensor tensor{.name = view.name, .shape = view.shape, .values = std::vector<float>(view.data.size() / 4)};
    std::memcpy(tensor.values.data(), view.data.data(), view.data.size());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// Writes model.safetensors beside a config.json, as "F32", or as "BF16" or "F16" rounded to that.
inline void write_folder(const std::filesystem::path& folder, const nlohmann::json& config,
                         const std::vector<FloatTensor>& tensors, const std::string& type = "F32") {
  nlohmann::json header;
  std::string data;
  for (const FloatTensor& tensor : tensors) {
    const std::size_t begin = data.size();
    for (const float value : tensor.values) {
      const std::uint16_t half = type == "BF16" ? f32_to_bf16(value) : f32_to_f16(value);
      if (type == "F32") {
        data.append(reinterpret_cast<const char*>(&value), sizeof value);
      } else {
        data.append(reinterpret_cast<const char*>(&half), sizeof half);
      }
    }
    header[tensor.name] = {{"dtype", type}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << config.dump();
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::ofstream file(folder / "model.safetensors", std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file << text << data;
}

/// A copy of a fixture's folder with its tensors changed.
inline void write_changed(const std::filesystem::path& folder, std::string_view name,
                          const std::function<void(FloatTensor&)>& change, const std::string& type = "F32") {
  std::vector<FloatTensor> tensors = tensors_of(name);
  for (FloatTensor& tensor : tensors) change(tensor);
  write_folder(folder, read_json(fixture(name) / "config.json"), tensors, type);
}

/// Logits after each of `ids`, one row after the other.
inline std::vector<float> logits_of(const std::shared_ptr<const Model>& model, std::span<const Token> ids) {
  Session session(model, exact_settings(256), 2);
  std::vector<float> all;
  session.feed_all_logits(
      ids, [&all](std::size_t, std::span<const float> logits) { all.insert(all.end(), logits.begin(), logits.end()); });
  return all;
}

}  // namespace runnel
