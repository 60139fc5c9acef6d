#pragma once

#include <QtGlobal>

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

#include "runnel/session.h"

namespace runnel::app {

/**
 * How the window's thread interrupts the inference thread, which may be deep in a computation. Everything here may be
 * called on any thread.
 *
 * Turns are numbered as they are sent, so that a stop reaches those that were sent before it and none that comes after,
 * whether it is waiting, running or has just ended.
 */
class WorkControl {
 public:
  quint64 nextTurn() { return ++m_sent; }
  bool isStopped(quint64 turn) const { return m_isQuitting || turn <= m_stoppedThrough; }
  void stopTurns();

  /** Conversations are opened one after the other; only the newest is worth bringing back. */
  quint64 nextOpening() { return ++m_openings; }
  bool isNewestOpening(quint64 number) const { return number == m_openings; }

  std::stop_token nextLoad();
  void stopLoad();

  bool isQuitting() const { return m_isQuitting; }
  void quit();

  /** Has a short `job` done between two steps of what the inference thread is doing. */
  void interject(std::function<void()> job);
  /** The jobs that wait for that, oldest first; they are the caller's to do. */
  std::vector<std::function<void()>> takeInterjections();

  /** The session that stopping cancels; the owner changes it before the session goes away. */
  void setSession(runnel::Session* session);

 private:
  void cancelSession();

  std::atomic<quint64> m_sent = 0;
  std::atomic<quint64> m_stoppedThrough = 0;
  std::atomic<quint64> m_openings = 0;
  std::atomic<bool> m_isQuitting = false;
  std::mutex m_mutex;  // guards what follows
  runnel::Session* m_session = nullptr;
  std::stop_source m_load;
  std::vector<std::function<void()>> m_interjections;
};

}  // namespace runnel::app
