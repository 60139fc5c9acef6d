#pragma once

#include <QtGlobal>

#include <deque>
#include <vector>

#include "runnel/cache.h"

namespace runnel::app {

/**
 * The bookkeeping of a streaming cache without keys and values: sinks, a rolling window, slots, evictions, going back
 * (DESIGN §2.1 to §2.3 and §2.9), so that what an interface shows of a scripted conversation obeys the real rules.
 */
class ScriptedCache {
 public:
  /** Throws Error like runnel::validate. */
  ScriptedCache(const CacheSettings& settings, int trainedContext, std::size_t bytesPerToken);

  void feed(qint64 tokens);

  /** Exact within the headroom, a cut beyond it. Throws Error when only sinks would remain. */
  void back(qint64 fed);

  /** Whether `apply` can do without evaluating anything. */
  bool isInPlace(const CacheSettings& settings) const;

  /** Changes the settings in place; only where `isInPlace`. Throws Error like runnel::validate. */
  void apply(const CacheSettings& settings);

  void reset();

  const CacheSettings& settings() const { return m_settings; }
  qint64 fed() const { return m_fed; }
  CacheTelemetry telemetry(double seconds);

 private:
  struct Entry {
    qint64 position;
    int slot;
  };
  /** What was dropped to make place for a token. */
  struct Note {
    qint64 token;
    std::vector<Entry> evicted;
  };

  int sinks() const;
  void evict(qint64 count, Note& note);
  void note(qint64 first, qint64 last, qint64 tokens);
  void undoNewest();
  void cut(qint64 fed);

  CacheSettings m_settings;
  int m_trainedContext;
  std::size_t m_bytesPerToken;
  std::deque<Entry> m_entries;  // in cache order: sinks, then the window
  std::deque<int> m_free;       // slots, in the order in which they will be written
  std::deque<Note> m_notes;     // of the last `headroom` tokens, those that evicted something
  std::vector<EvictionEvent> m_events;
  qint64 m_fed = 0;
  qint64 m_high = 0;
  qint64 m_border = 0;
  qint64 m_evicted = 0;
  qint64 m_evictions = 0;
  qint64 m_lastEviction = -1;  // the token before which something was dropped last
};

}  // namespace runnel::app
