#include "ui/cache/cache_cells.h"

#include <algorithm>
#include <cmath>

namespace runnel::ui {

namespace {

CellKind kindOf(Reason reason, const app::MessageSpan* span) {
  if (reason == Reason::sink) return CellKind::Sink;
  if (reason == Reason::system || reason == Reason::pin) return CellKind::Pinned;
  if (span == nullptr || span->role == app::Role::System) return CellKind::System;
  return span->role == app::Role::User ? CellKind::User : CellKind::Assistant;
}

/** Writes the cells of one run. `span` walks along with the positions, which only grow from run to run. */
void writeRun(const Run& run, const QList<app::MessageSpan>& spans, qsizetype& span, std::vector<Cell>& cells) {
  for (std::int32_t offset = 0; offset < run.length; ++offset) {
    const std::int64_t position = run.first + offset;
    const std::size_t slot = static_cast<std::size_t>(run.slot) + static_cast<std::size_t>(offset);
    if (slot >= cells.size()) return;
    while (span < spans.size() && spans[span].end <= position) ++span;
    const bool inside = span < spans.size() && spans[span].first <= position;
    cells[slot] = {.kind = kindOf(run.reason, inside ? &spans[span] : nullptr), .evicted = false, .position = position};
  }
}

std::int8_t heatAt(const CacheTelemetry& telemetry, std::size_t slot) {
  if (slot < telemetry.attention.size()) return heatOfAttention(telemetry.attention[slot], telemetry.cached);
  if (slot < telemetry.surprise.size()) return heatOfSurprise(telemetry.surprise[slot]);
  return 0;
}

}  // namespace

std::int8_t heatOfAttention(float share, int cached) {
  constexpr float kTimesAverage = 50;
  const float times = share * static_cast<float>(cached);
  const float steps = std::log1p(times) / std::log1p(kTimesAverage) * kMostHeat;
  return static_cast<std::int8_t>(std::clamp(std::lround(steps), 0L, long{kMostHeat}));
}

std::int8_t heatOfSurprise(float nats) {
  if (std::isnan(nats)) return kUnknownHeat;
  return static_cast<std::int8_t>(std::lround(std::clamp(nats, 0.0F, static_cast<float>(kMostHeat))));
}

std::vector<Cell> cellsOf(const app::CacheSnapshot& snapshot, const std::vector<Cell>& previous) {
  std::vector<Cell> cells(static_cast<std::size_t>(std::max(0, snapshot.telemetry.slots)));
  if (previous.size() == cells.size()) {
    for (std::size_t slot = 0; slot < cells.size(); ++slot) {
      // What lies at or behind the present end was cut, not forgotten.
      if (previous[slot].kind == CellKind::Free || previous[slot].position >= snapshot.telemetry.fed) continue;
      cells[slot] = previous[slot];
      cells[slot].evicted = true;
    }
  }
  qsizetype span = 0;
  for (const Run& run : snapshot.telemetry.runs) writeRun(run, snapshot.spans, span, cells);
  for (std::size_t slot = 0; slot < cells.size(); ++slot) cells[slot].heat = heatAt(snapshot.telemetry, slot);
  return cells;
}

const app::MessageSpan* spanAt(const QList<app::MessageSpan>& spans, std::int64_t position) {
  const auto found = std::ranges::upper_bound(spans, position, {}, &app::MessageSpan::end);
  return found != spans.end() && found->first <= position ? &*found : nullptr;
}

}  // namespace runnel::ui
