#pragma once

#include <QThread>

#include "app/chat/chat_backend.h"
#include "app/chat/work_control.h"

namespace runnel::app {

class InferenceWorker;
class SnapshotFolder;

/**
 * A model on this computer, on a thread of its own. Jobs are done in the order in which they were asked for. Destroying
 * it, at any moment, stops what is running and waits for the thread.
 */
class LocalBackend : public ChatBackend {
  Q_OBJECT

 public:
  /** `snapshots`: where the caches of conversations are kept between times; it outlives the backend. None: they are
   *  made anew each time. */
  explicit LocalBackend(SnapshotFolder* snapshots = nullptr, QObject* parent = nullptr);
  ~LocalBackend() override;

  void load(const LoadRequest& request) override;
  void cancelLoad() override;
  void send(const TurnRequest& turn) override;
  void stop() override;
  void open(qint64 conversationId, const QList<ChatMessage>& messages) override;
  void setCacheSettings(const runnel::CacheSettings& settings) override;
  void setPinned(qint64 conversationId, qint64 messageId, bool pinned) override;
  void forgetAfter(qint64 conversationId, qint64 messageId) override;
  void branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages) override;
  void watch(Watched watched) override;
  void describeToken(qint64 conversationId, qint64 position) override;
  void setThreads(int threads) override;

 private:
  void relaySignals();

  WorkControl m_control;
  QThread m_thread;
  InferenceWorker* m_worker;  // lives on m_thread
  int m_threads = 0;
};

}  // namespace runnel::app
