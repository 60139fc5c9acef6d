#include "app/chat/scripted_cache.h"

#include <algorithm>
#include <utility>

#include "runnel/error.h"

namespace runnel::app {

namespace {

constexpr std::size_t kMostEvents = 4096;

qint64 dropsAtOnce(const CacheSettings& settings, qint64 evictable) {
  if (settings.n_discard == -1) return std::max<qint64>(1, evictable / 2);
  return std::min<qint64>(settings.n_discard, evictable);
}

}  // namespace

ScriptedCache::ScriptedCache(const CacheSettings& settings, int trainedContext, std::size_t bytesPerToken)
    : m_settings(settings), m_trainedContext(trainedContext), m_bytesPerToken(bytesPerToken) {
  if (m_settings.ctx_size == 0) m_settings.ctx_size = std::min(4096, trainedContext);
  validate(m_settings, trainedContext);
  reset();
}

void ScriptedCache::reset() {
  m_entries.clear();
  m_notes.clear();
  m_events.clear();
  m_free.clear();
  for (int slot = 0; slot < m_settings.ctx_size + headroom(m_settings.ctx_size); ++slot) m_free.push_back(slot);
  m_fed = m_high = m_border = m_evicted = m_evictions = 0;
  m_lastEviction = -1;
}

int ScriptedCache::sinks() const {
  const auto end = std::find_if(m_entries.begin(), m_entries.end(),
                                [&](const Entry& entry) { return entry.position >= m_settings.n_keep; });
  return static_cast<int>(end - m_entries.begin());
}

void ScriptedCache::feed(qint64 tokens) {
  for (qint64 i = 0; i < tokens; ++i) {
    const auto cached = static_cast<qint64>(m_entries.size());
    if (cached >= m_settings.ctx_size) {
      Note dropped{m_fed, {}};
      evict(dropsAtOnce(m_settings, cached - sinks()), dropped);
      m_notes.push_back(std::move(dropped));
    }
    m_entries.push_back({m_fed, m_free.front()});
    m_free.pop_front();
    ++m_fed;
    m_high = std::max(m_high, m_fed);
    while (!m_notes.empty() && m_notes.front().token < m_fed - headroom(m_settings.ctx_size)) m_notes.pop_front();
  }
}

void ScriptedCache::evict(qint64 count, Note& dropped) {
  const auto first = m_entries.begin() + sinks();
  const auto last = first + count;
  dropped.evicted.assign(first, last);
  for (const Entry& entry : dropped.evicted) m_free.push_back(entry.slot);
  m_entries.erase(first, last);
  m_evicted += count;
  ++m_evictions;
  note(dropped.evicted.front().position, dropped.evicted.back().position, count);
}

void ScriptedCache::note(qint64 first, qint64 last, qint64 tokens) {
  if (!m_events.empty() && m_lastEviction == m_fed - 1) {
    m_events.back().last = last;
    m_events.back().tokens += tokens;
    ++m_events.back().evictions;
  } else {
    m_events.push_back({.at = m_fed, .first = first, .last = last, .tokens = tokens, .evictions = 1, .time_s = 0});
    if (m_events.size() > kMostEvents) m_events.erase(m_events.begin());
  }
  m_lastEviction = m_fed;
}

void ScriptedCache::back(qint64 fed) {
  if (fed < 0 || fed > m_fed) throw Error("The cache can only go back to a token that it was fed.");
  if (m_high - fed <= headroom(m_settings.ctx_size) && fed >= m_border) {
    while (m_fed > fed) undoNewest();
    return;
  }
  const auto keeps = [&](const Entry& entry) { return entry.position >= m_settings.n_keep && entry.position < fed; };
  if (m_evicted > 0 && std::none_of(m_entries.begin(), m_entries.end(), keeps))
    throw Error("So far back nothing is remembered; the cache must be made anew.");
  cut(fed);
}

void ScriptedCache::undoNewest() {
  m_free.push_front(m_entries.back().slot);
  m_entries.pop_back();
  --m_fed;
  if (m_notes.empty() || m_notes.back().token != m_fed) return;
  const std::vector<Entry>& evicted = m_notes.back().evicted;
  m_entries.insert(m_entries.begin() + sinks(), evicted.begin(), evicted.end());
  m_free.erase(m_free.end() - static_cast<std::ptrdiff_t>(evicted.size()), m_free.end());
  m_evicted -= static_cast<qint64>(evicted.size());
  --m_evictions;
  m_lastEviction = -1;
  m_notes.pop_back();
}

void ScriptedCache::cut(qint64 fed) {
  const auto first =
      std::find_if(m_entries.begin(), m_entries.end(), [&](const Entry& entry) { return entry.position >= fed; });
  for (auto entry = m_entries.end(); entry != first;) m_free.push_front((--entry)->slot);
  m_entries.erase(first, m_entries.end());
  m_notes.clear();
  m_fed = fed;
  m_lastEviction = -1;
}

bool ScriptedCache::isInPlace(const CacheSettings& settings) const {
  return settings.n_keep <= m_settings.n_keep || m_evicted == 0;
}

void ScriptedCache::apply(const CacheSettings& settings) {
  validate(settings, m_trainedContext);
  const bool moves = settings.ctx_size != m_settings.ctx_size || settings.kv_type != m_settings.kv_type;
  m_settings = settings;
  if (!moves) return;
  const auto excess = static_cast<qint64>(m_entries.size()) - settings.ctx_size;
  Note dropped{m_fed, {}};
  if (excess > 0) evict(excess, dropped);
  m_free.clear();
  int slot = 0;
  for (Entry& entry : m_entries) entry.slot = slot++;
  for (; slot < settings.ctx_size + headroom(settings.ctx_size); ++slot) m_free.push_back(slot);
  m_notes.clear();
  m_border = m_fed;
  m_high = m_fed;
}

CacheTelemetry ScriptedCache::telemetry(double seconds) {
  CacheTelemetry telemetry;
  telemetry.settings = m_settings;
  telemetry.fed = m_fed;
  telemetry.evicted = m_evicted;
  telemetry.evictions = m_evictions;
  telemetry.cached = static_cast<int>(m_entries.size());
  telemetry.slots = m_settings.ctx_size + headroom(m_settings.ctx_size);
  telemetry.head = m_free.front();
  telemetry.bytes_per_token = m_bytesPerToken;
  telemetry.bytes = m_bytesPerToken * static_cast<std::size_t>(telemetry.slots);
  std::int32_t rank = 0;
  for (const Entry& entry : m_entries) {
    const Reason reason = entry.position < m_settings.n_keep ? Reason::sink : Reason::window;
    Run* run = telemetry.runs.empty() ? nullptr : &telemetry.runs.back();
    if (run && run->reason == reason && run->first + run->length == entry.position &&
        run->slot + run->length == entry.slot)
      ++run->length;
    else
      telemetry.runs.push_back(
          {.first = entry.position, .length = 1, .rank = rank, .slot = entry.slot, .reason = reason});
    ++rank;
  }
  for (EvictionEvent& event : m_events) event.time_s = seconds;
  telemetry.events = std::exchange(m_events, {});
  return telemetry;
}

}  // namespace runnel::app
