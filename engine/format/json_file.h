#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace runnel {

/// Reads a JSON file from outside. Throws Error that names the file when it is missing, larger than `max_bytes`, no
/// valid JSON, or nests more than 64 levels deep (nlohmann's documents are copied and written recursively).
nlohmann::json read_json_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace runnel
