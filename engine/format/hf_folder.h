#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "format/safetensors.h"
#include "format/tensor.h"

namespace runnel {

/// A model folder as Hugging Face has them: config.json beside model.safetensors, or beside the shards that
/// model.safetensors.index.json lists. Immutable, so it may be read from any thread.
class HfFolder {
 public:
  /// Throws Error: one sentence that names the file, the tensor or member, what was found and what was expected.
  static HfFolder open(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }

  /// config.json; an object.
  const nlohmann::json& config() const { return config_; }

  /// Names of all tensors, sorted, those of types that can't be used included.
  std::vector<std::string_view> tensor_names() const;
  bool has_tensor(std::string_view name) const { return index_.contains(name); }

  /// Null when the folder has no such tensor; throws Error for a type that can't be used, as
  /// SafetensorsFile::find_tensor does. The pointer lives as long as this object.
  const TensorView* find_tensor(std::string_view name) const;

  /// Gives back the memory of a tensor's pages (see MappedFile::release).
  void release(const TensorView& tensor) const;

  /// The files that hold the tensors.
  const std::vector<SafetensorsFile>& files() const { return files_; }

 private:
  explicit HfFolder(std::filesystem::path folder) : path_(std::move(folder)) {}
  void open_single_file(const std::filesystem::path& file);
  void open_shards(const std::filesystem::path& index_file);

  std::filesystem::path path_;
  nlohmann::json config_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t, std::less<>> index_;  ///< tensor → its file
};

}  // namespace runnel
