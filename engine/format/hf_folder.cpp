#include "format/hf_folder.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "format/json_file.h"
#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::size_t largest_config = std::size_t{16} << 20;
constexpr std::size_t largest_index = std::size_t{64} << 20;

nlohmann::json read_object(const std::filesystem::path& path, std::size_t max_bytes) {
  nlohmann::json object = read_json_file(path, max_bytes);
  if (!object.is_object()) throw Error(fmt::format("{} is damaged: it is no JSON object.", printable_path(path)));
  return object;
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// A shard is a file in the folder itself: a path would let an index reach any file of the user's.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

}  // namespace

HfFolder HfFolder::open(const std::filesystem::path& folder) {
  HfFolder opened(folder);
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw Error(fmt::format("{} is not a folder that can be opened.", printable_path(folder)));
  }
  opened.config_ = read_object(folder / "config.json", largest_config);
  const std::filesystem::path single = folder / "model.safetensors";
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (is_there(single)) {
    opened.open_single_file(single);
  } else if (is_there(index)) {
    opened.open_shards(index);
  } else {
    const bool pickled = is_there(folder / "pytorch_model.bin") || is_there(folder / "pytorch_model.bin.index.json");
    throw Error(fmt::format("{} has neither model.safetensors nor model.safetensors.index.json{}.",
                            printable_path(folder),
                            pickled ? "; its pytorch_model.bin must be converted to safetensors first" : ""));
  }
  return opened;
}

void HfFolder::open_single_file(const std::filesystem::path& file) {
  files_.push_back(SafetensorsFile::open(file));
  for (const SafetensorsEntry& entry : files_.front().entries()) index_.emplace(entry.name, 0);
}

void HfFolder::open_shards(const std::filesystem::path& index_file) {
  const nlohmann::json index = read_object(index_file, largest_index);
  const std::string index_name = printable_path(index_file);
  const auto weights = index.find("weight_map");
  if (weights == index.end() || !weights->is_object() || weights->empty()) {
    throw Error(fmt::format("{} is damaged: weight_map is no object that names tensors.", index_name));
  }
  std::map<std::string, std::size_t> shards;
  for (const auto& [tensor, shard_value] : weights->items()) {
    const auto* shard = shard_value.get_ptr<const std::string*>();
    if (shard == nullptr || !is_plain_file_name(*shard)) {
      throw Error(fmt::format("{} is damaged: it places tensor {} in {}, expected the name of a file beside it.",
                              index_name, printable(tensor), shard == nullptr ? "no file" : printable(*shard)));
    }
    const auto [known, is_new] = shards.emplace(*shard, files_.size());
    if (is_new) files_.push_back(SafetensorsFile::open(path_ / *shard));
    if (files_[known->second].find_entry(tensor) == nullptr) {
      throw Error(fmt::format("{} places tensor {} in {}, which does not hold it.", index_name, printable(tensor),
                              printable(*shard)));
    }
    index_.emplace(tensor, known->second);
  }
}

std::vector<std::string_view> HfFolder::tensor_names() const {
  std::vector<std::string_view> names;
  names.reserve(index_.size());
  for (const auto& [name, file] : index_) names.emplace_back(name);
  return names;
}

const TensorView* HfFolder::find_tensor(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : files_[found->second].find_tensor(name);
}

void HfFolder::release(const TensorView& tensor) const {
  for (const SafetensorsFile& file : files_) file.file().release(tensor.data);
}

}  // namespace runnel
