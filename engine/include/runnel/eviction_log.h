#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "runnel/cache.h"
#include "runnel/run_table.h"

namespace runnel {

/// Evictions as events, of which the newest 4,096 are kept: those before consecutive tokens are one (DESIGN §2.12).
class EvictionLog {
 public:
  /// `tokens` left the cache before token `at` of the conversation; `reevaluated` as in EvictionEvent.
  void note(std::int64_t at, const RunTable::Evicted& tokens, double time_s, std::int64_t reevaluated = 0);

  /// Events since the last call, among them the newest one when it has grown since.
  std::vector<EvictionEvent> take();

  void clear() { *this = {}; }

 private:
  static constexpr std::int64_t never = -2;

  std::deque<EvictionEvent> events_;  ///< not yet taken, and the one that may still grow
  std::size_t taken_ = 0;             ///< how many at the front of `events_` were taken already (0 or 1)
  std::int64_t last_at_ = never;
};

/// What a cache with this table holds, and the events of `log`, which are taken. `bytes`: of all slots, measured.
CacheTelemetry telemetry_of(const RunTable& table, EvictionLog& log, std::size_t bytes, std::size_t bytes_per_token);

}  // namespace runnel
