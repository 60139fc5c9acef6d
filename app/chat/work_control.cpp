#include "app/chat/work_control.h"

#include <utility>

namespace runnel::app {

// The flag is raised before the session is cancelled: whoever clears a stale cancel and then looks at the flag either
// sees it or is cancelled afterwards.
void WorkControl::stopTurns() {
  m_stoppedThrough = m_sent.load();
  cancelSession();
}

std::stop_token WorkControl::nextLoad() {
  const std::lock_guard lock(m_mutex);
  m_load = std::stop_source();
  if (m_isQuitting) m_load.request_stop();
  return m_load.get_token();
}

void WorkControl::stopLoad() {
  const std::lock_guard lock(m_mutex);
  m_load.request_stop();
}

void WorkControl::quit() {
  m_isQuitting = true;
  stopLoad();
  stopTurns();
}

void WorkControl::interject(std::function<void()> job) {
  const std::lock_guard lock(m_mutex);
  m_interjections.push_back(std::move(job));
}

std::vector<std::function<void()>> WorkControl::takeInterjections() {
  const std::lock_guard lock(m_mutex);
  return std::exchange(m_interjections, {});
}

void WorkControl::setSession(runnel::Session* session) {
  const std::lock_guard lock(m_mutex);
  m_session = session;
}

void WorkControl::cancelSession() {
  const std::lock_guard lock(m_mutex);
  if (m_session) m_session->cancel();
}

}  // namespace runnel::app
