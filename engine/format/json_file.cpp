#include "format/json_file.h"

#include <fmt/format.h>

#include <string_view>

#include "format/mapped_file.h"
#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {

nlohmann::json read_json_file(const std::filesystem::path& path, std::size_t max_bytes) {
  constexpr int deepest = 64;
  const MappedFile file(path);
  const std::string name = printable_path(path);
  if (file.bytes().size() > max_bytes) {
    throw Error(fmt::format("{} has {} bytes, at most {} were expected.", name, file.bytes().size(), max_bytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > deepest) throw Error(fmt::format("{} is damaged: it nests more than {} levels deep.", name, deepest));
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), check_depth);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(fmt::format("{} is damaged: it is no valid JSON at byte {}.", name, error.byte), error.what());
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{} is damaged: it holds JSON that can't be represented.", name), error.what());
  }
}

}  // namespace runnel
