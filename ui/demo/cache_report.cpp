#include "ui/demo/cache_report.h"

#include <algorithm>
#include <utility>

namespace runnel::ui {

namespace {

QString lineFor(const EvictionEvent& event) {
  return QStringLiteral(R"({"event":"evict","at":%1,"first":%2,"last":%3,"tokens":%4,"evictions":%5,"time_s":%6})")
      .arg(event.at)
      .arg(event.first)
      .arg(event.last)
      .arg(event.tokens)
      .arg(event.evictions)
      .arg(event.time_s, 0, 'f', 3);
}

bool hasGrown(const EvictionEvent& event, const EvictionEvent& before) {
  return event.at == before.at && event.first == before.first;
}

bool continues(const EvictionEvent& event, const EvictionEvent& before) {
  return event.at == before.at + before.evictions && event.first == before.last + 1;
}

}  // namespace

void CacheReport::add(const app::CacheSnapshot& snapshot) {
  m_evicted = snapshot.telemetry.evicted;
  m_cached = snapshot.telemetry.cached;
  m_ctxSize = snapshot.telemetry.settings.ctx_size;
  for (const EvictionEvent& event : snapshot.telemetry.events) {
    m_largest = std::max(m_largest, event.tokens / std::max<qint64>(1, event.evictions));
    if (m_open && hasGrown(event, *m_open)) {
      m_open = event;
      continue;
    }
    if (m_open && continues(event, *m_open)) {
      m_open->last = event.last;
      m_open->tokens += event.tokens;
      m_open->evictions += event.evictions;
      continue;
    }
    if (m_open) m_lines.append(lineFor(*m_open));
    m_open = event;
  }
}

QStringList CacheReport::takeLines() {
  if (m_open) m_lines.append(lineFor(*std::exchange(m_open, std::nullopt)));
  return std::exchange(m_lines, {});
}

}  // namespace runnel::ui
