#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace runnel {

/// Text from a file as it may stand in an error sentence: control characters and bytes that are not UTF-8 become \xNN,
/// and whatever exceeds `max_bytes` is cut off and marked by an ellipsis. Always valid UTF-8 on one line.
std::string printable(std::string_view text, std::size_t max_bytes = 120);

/// A path as it may stand in an error sentence.
std::string printable_path(const std::filesystem::path& path);

}  // namespace runnel
