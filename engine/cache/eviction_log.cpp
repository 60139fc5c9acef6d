#include "runnel/eviction_log.h"

namespace runnel {
namespace {

constexpr std::size_t most_events = 4096;

}  // namespace

void EvictionLog::note(std::int64_t at, const RunTable::Evicted& tokens, double time_s, std::int64_t reevaluated) {
  if (!events_.empty() && last_at_ == at - 1) {
    EvictionEvent& event = events_.back();
    event.last = tokens.last;
    event.tokens += tokens.tokens;
    event.reevaluated += reevaluated;
    ++event.evictions;
    if (events_.size() == taken_) taken_ = 0;
  } else {
    if (taken_ > 0) events_.pop_front();
    taken_ = 0;
    events_.push_back({.at = at,
                       .first = tokens.first,
                       .last = tokens.last,
                       .tokens = tokens.tokens,
                       .evictions = 1,
                       .time_s = time_s,
                       .reevaluated = reevaluated});
    if (events_.size() > most_events) events_.pop_front();
  }
  last_at_ = at;
}

std::vector<EvictionEvent> EvictionLog::take() {
  std::vector<EvictionEvent> result(events_.begin() + static_cast<std::ptrdiff_t>(taken_), events_.end());
  if (!events_.empty()) {
    events_.erase(events_.begin(), events_.end() - 1);
    taken_ = 1;
  }
  return result;
}

CacheTelemetry telemetry_of(const RunTable& table, EvictionLog& log, std::size_t bytes, std::size_t bytes_per_token) {
  return {.settings = table.settings(),
          .fed = table.fed(),
          .evicted = table.fed() - table.cached(),
          .evictions = table.evictions(),
          .cached = table.cached(),
          .slots = table.slots(),
          .head = table.head(),
          .bytes = bytes,
          .bytes_per_token = bytes_per_token,
          .runs = {table.runs().begin(), table.runs().end()},
          .attention = {},
          .surprise = {},
          .events = log.take()};
}

}  // namespace runnel
