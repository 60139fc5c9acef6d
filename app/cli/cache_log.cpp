#include "app/cli/cache_log.h"

#include <nlohmann/json.hpp>

#include "runnel/error.h"

namespace runnel::cli {

std::vector<std::int64_t> cached_positions(const CacheTelemetry& telemetry) {
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(telemetry.cached));
  for (const Run& run : telemetry.runs) {
    for (std::int32_t i = 0; i < run.length; ++i) positions.push_back(run.first + i);
  }
  return positions;
}

CacheLog::CacheLog(const std::string& path) : path_(path) {
  if (path.empty()) return;
  file_.open(path);
  if (!file_) throw Error("The cache log " + path + " can't be written.");
}

void CacheLog::add(const CacheTelemetry& telemetry) {
  if (path_.empty()) return;
  for (const EvictionEvent& event : telemetry.events) {
    if (growing_ && growing_->at != event.at) write(*growing_);
    growing_ = event;
  }
}

void CacheLog::finish() {
  if (path_.empty()) return;
  if (growing_) write(*growing_);
  growing_.reset();
  file_.close();
  if (!file_) throw Error("The cache log " + path_ + " can't be written whole; is the disk full?");
}

void CacheLog::write(const EvictionEvent& event) {
  const bool again = event.reevaluated > 0;
  nlohmann::ordered_json line{{"event", again ? "reevaluate" : "evict"},
                              {"at", event.at},
                              {"first", event.first},
                              {"last", event.last},
                              {"tokens", event.tokens},
                              {"evictions", event.evictions},
                              {"time_s", event.time_s}};
  if (again) line["reevaluated"] = event.reevaluated;
  file_ << line.dump() << '\n';
}

}  // namespace runnel::cli
