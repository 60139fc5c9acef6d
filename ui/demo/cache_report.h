#pragma once

#include <QString>
#include <QStringList>

#include <optional>

#include "app/chat/chat_values.h"

namespace runnel::ui {

/** Collects the eviction events of a conversation's snapshots. Evictions before consecutive tokens become one event, as
 *  in the cache itself: a snapshot may bring an event again that has grown since, or only its continuation. */
class CacheReport {
 public:
  void add(const app::CacheSnapshot& snapshot);

  /** The events so far, one JSON object a line, in the form of runnel-cli's --cache-log; starts anew. */
  QStringList takeLines();

  qint64 evicted() const { return m_evicted; }
  int cached() const { return m_cached; }
  int ctxSize() const { return m_ctxSize; }
  /** The most tokens that one eviction dropped. */
  qint64 largestEviction() const { return m_largest; }

 private:
  std::optional<EvictionEvent> m_open;
  QStringList m_lines;
  qint64 m_evicted = 0;
  qint64 m_largest = 0;
  int m_cached = 0;
  int m_ctxSize = 0;
};

}  // namespace runnel::ui
