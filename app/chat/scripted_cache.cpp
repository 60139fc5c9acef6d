#include "app/chat/scripted_cache.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "runnel/error.h"

namespace runnel::app {

namespace {

CacheSettings resolved(CacheSettings settings, int trainedContext) {
  if (settings.ctx_size == 0) settings.ctx_size = std::min(4096, trainedContext);
  validate(settings, trainedContext);
  return settings;
}

}  // namespace

ScriptedCache::ScriptedCache(const CacheSettings& settings, int trainedContext, std::size_t bytesPerToken)
    : m_trainedContext(trainedContext), m_bytesPerToken(bytesPerToken), m_table(resolved(settings, trainedContext)) {}

void ScriptedCache::reset() {
  m_table = RunTable(m_table.settings());
  m_log.clear();
}

void ScriptedCache::feed(qint64 tokens) {
  for (qint64 i = 0; i < tokens; ++i) {
    m_table.append();
    if (m_table.last_evicted().tokens > 0) m_log.note(m_table.fed() - 1, m_table.last_evicted(), 0);
  }
}

void ScriptedCache::back(qint64 fed) {
  if (fed < 0 || !m_table.back_is_enough(fed))
    throw Error("So far back nothing is remembered; the cache must be made anew.");
  m_table.back(fed);
}

void ScriptedCache::pin(qint64 first, qint64 end, Reason reason) {
  m_table.pin(first, end, reason);
}

void ScriptedCache::unpin(qint64 first, qint64 end, Reason reason) {
  m_table.unpin(first, end, reason);
}

bool ScriptedCache::isInPlace(const CacheSettings& settings) const {
  const CacheSettings& now = m_table.settings();
  return settings.allow_untrained_ctx == now.allow_untrained_ctx &&
         (settings.n_keep <= now.n_keep || m_table.fed() == m_table.cached());
}

void ScriptedCache::apply(const CacheSettings& settings) {
  validate(settings, m_trainedContext);
  m_table.check_room(settings);
  const int cached = m_table.cached();
  m_table.change(settings);
  if (m_table.cached() < cached) m_log.note(m_table.fed(), m_table.last_evicted(), 0);
}

CacheTelemetry ScriptedCache::telemetry() {
  CacheTelemetry telemetry =
      telemetry_of(m_table, m_log, m_bytesPerToken * static_cast<std::size_t>(m_table.slots()), m_bytesPerToken);
  if (m_watched == Watched::Attention && m_table.fed() > 0) telemetry.attention = attention();
  if (m_watched == Watched::Surprise) telemetry.surprise = surprise();
  return telemetry;
}

std::vector<float> ScriptedCache::attention() const {
  std::vector<float> shares(static_cast<std::size_t>(m_table.slots()));
  float sum = 0;
  for (const Run& run : m_table.runs()) {
    const std::span<float> cells =
        std::span(shares).subspan(static_cast<std::size_t>(run.slot), static_cast<std::size_t>(run.length));
    int rank = run.rank;
    for (float& share : cells) {
      const auto age = static_cast<float>(m_table.cached() - rank++);
      share = run.reason == Reason::sink ? 1.0F : 1.0F / age;
      sum += share;
    }
  }
  for (float& share : shares) share /= std::max(sum, 1e-6F);
  return shares;
}

std::vector<float> ScriptedCache::surprise() const {
  constexpr std::array nats{0.1F, 1.6F, 0.4F, 3.2F, 0.0F, 0.7F, 6.1F, 0.2F, 1.1F, 0.0F, 2.3F};
  std::vector<float> values(static_cast<std::size_t>(m_table.slots()), std::numeric_limits<float>::quiet_NaN());
  for (const Run& run : m_table.runs()) {
    for (std::int32_t i = 0; i < run.length; ++i) {
      const auto position = static_cast<std::size_t>(run.first + i);
      if (position > 0) values[static_cast<std::size_t>(run.slot + i)] = nats[position % nats.size()];
    }
  }
  return values;
}

}  // namespace runnel::app
