#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "runnel/cache.h"

namespace runnel::cli {

/// Original positions of the cached tokens, in cache order.
std::vector<std::int64_t> cached_positions(const CacheTelemetry& telemetry);

/// Writes cache events as JSON, one object a line; a merged event is written when it has ended.
class CacheLog {
 public:
  /// An empty path writes nothing. Throws Error when the file can't be written.
  explicit CacheLog(const std::string& path);
  void add(const CacheTelemetry& telemetry);
  /// Writes the event that is still growing. Throws Error when something could not be written.
  void finish();

 private:
  void write(const EvictionEvent& event);

  std::string path_;
  std::ofstream file_;
  std::optional<EvictionEvent> growing_;
};

}  // namespace runnel::cli
