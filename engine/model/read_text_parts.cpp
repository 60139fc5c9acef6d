#include "model/read_text_parts.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "format/json_file.h"
#include "runnel/error.h"
#include "tokenizer/gguf_vocabulary.h"
#include "tokenizer/tokenizer_json.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_bytes = std::size_t{256} << 20U;
constexpr std::size_t most_template_bytes = std::size_t{4} << 20U;

std::string read_text(const fs::path& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (!file || error) return {};
  if (size > most) throw Error(path.filename().string() + " is larger than any file of its kind should be.");
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// tokenizer_config.json's chat_template is a string, or a list of named ones of which "default" is meant.
std::string template_in(const nlohmann::json& config) {
  const auto found = config.find("chat_template");
  if (found == config.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return {};
  for (const auto& entry : *found) {
    if (entry.is_object() && entry.value("name", "") == "default" && entry.contains("template") &&
        entry["template"].is_string()) {
      return entry["template"].get<std::string>();
    }
  }
  return {};
}

}  // namespace

TextParts read_text_parts(const GgufFile& file) {
  TextParts parts;
  try {
    parts.vocabulary = vocabulary_from_gguf(file);
  } catch (const Error& error) {
    parts.vocabulary_problem = error.what();
  }
  parts.chat_template = file.find<std::string>("tokenizer.chat_template").value_or("");
  return parts;
}

TextParts read_text_parts(const HfFolder& folder) {
  TextParts parts;
  const fs::path config_path = folder.path() / "tokenizer_config.json";
  try {
    const std::string config = read_text(config_path, most_bytes);
    const std::string json = read_text(folder.path() / "tokenizer.json", most_bytes);
    if (json.empty()) throw Error(folder.path().filename().string() + " holds no tokenizer.json.");
    parts.vocabulary = vocabulary_from_tokenizer_json(json, config);
  } catch (const Error& error) {
    parts.vocabulary_problem = error.what();
  }
  parts.chat_template = read_text(folder.path() / "chat_template.jinja", most_template_bytes);
  if (parts.chat_template.empty() && fs::exists(config_path)) {
    parts.chat_template = template_in(read_json_file(config_path, most_bytes));
  }
  return parts;
}

}  // namespace runnel
