#pragma once

#include <QtGlobal>

#include <vector>

#include "app/chat/chat_values.h"
#include "runnel/eviction_log.h"
#include "runnel/run_table.h"

namespace runnel::app {

/**
 * A streaming cache without keys and values, so that what an interface shows of a scripted conversation obeys the
 * engine's rules.
 */
class ScriptedCache {
 public:
  /** Throws Error like runnel::validate. */
  ScriptedCache(const CacheSettings& settings, int trainedContext, std::size_t bytesPerToken);

  void feed(qint64 tokens);

  /** Exact within the headroom, a cut beyond it. Throws Error when only sinks and pins would remain. */
  void back(qint64 fed);

  /** As Session::pin and unpin. */
  void pin(qint64 first, qint64 end, Reason reason);
  void unpin(qint64 first, qint64 end, Reason reason);

  /** As Session::begin_message. */
  void beginMessage(qint64 first) { m_table.begin_message(first); }

  /** Attention: the sinks get most of it, the others less with age. Surprise: some of every dozen tokens more than the
   *  others, always the same. */
  void watch(Watched watched) { m_watched = watched; }

  /** Whether `apply` can do without evaluating anything. */
  bool isInPlace(const CacheSettings& settings) const;

  /** Changes the settings in place; only where `isInPlace`. Throws Error like Session::set. */
  void apply(const CacheSettings& settings);

  void reset();

  const CacheSettings& settings() const { return m_table.settings(); }
  qint64 fed() const { return m_table.fed(); }
  CacheTelemetry telemetry();

 private:
  std::vector<float> attention() const;
  std::vector<float> surprise() const;

  int m_trainedContext;
  std::size_t m_bytesPerToken;
  RunTable m_table;
  EvictionLog m_log;
  Watched m_watched = Watched::Nothing;
};

}  // namespace runnel::app
