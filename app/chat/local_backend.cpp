#include "app/chat/local_backend.h"

#include <utility>

#include "app/chat/inference_worker.h"

namespace runnel::app {

LocalBackend::LocalBackend(SnapshotFolder* snapshots, QObject* parent)
    : ChatBackend(parent), m_worker(new InferenceWorker(m_control, snapshots)) {
  registerChatValues();
  m_thread.setObjectName(QStringLiteral("inference"));
  m_worker->moveToThread(&m_thread);
  connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
  relaySignals();
  m_thread.start();
}

LocalBackend::~LocalBackend() {
  m_control.quit();
  m_thread.quit();
  m_thread.wait();
}

void LocalBackend::relaySignals() {
  connect(m_worker, &InferenceWorker::loadProgress, this, &ChatBackend::loadProgress);
  connect(m_worker, &InferenceWorker::loaded, this, &ChatBackend::loaded);
  connect(m_worker, &InferenceWorker::loadFailed, this, &ChatBackend::loadFailed);
  connect(m_worker, &InferenceWorker::promptProgress, this, &ChatBackend::promptProgress);
  connect(m_worker, &InferenceWorker::promptCancelled, this, &ChatBackend::promptCancelled);
  connect(m_worker, &InferenceWorker::tokens, this, &ChatBackend::tokens);
  connect(m_worker, &InferenceWorker::finished, this, &ChatBackend::finished);
  connect(m_worker, &InferenceWorker::failed, this, &ChatBackend::failed);
  connect(m_worker, &InferenceWorker::noticed, this, &ChatBackend::noticed);
  connect(m_worker, &InferenceWorker::cacheChanged, this, &ChatBackend::cacheChanged);
  connect(m_worker, &InferenceWorker::tokenDescribed, this, &ChatBackend::tokenDescribed);
  connect(m_worker, &InferenceWorker::cacheSettingsApplied, this, &ChatBackend::cacheSettingsApplied);
  connect(m_worker, &InferenceWorker::cacheSettingsRefused, this, &ChatBackend::cacheSettingsRefused);
  connect(m_worker, &InferenceWorker::pinChanged, this, &ChatBackend::pinChanged);
  connect(m_worker, &InferenceWorker::pinRefused, this, &ChatBackend::pinRefused);
}

void LocalBackend::load(const LoadRequest& request) {
  LoadRequest resolved = request;
  if (resolved.threads == 0) resolved.threads = m_threads;
  QMetaObject::invokeMethod(
      m_worker, [worker = m_worker, resolved, stop = m_control.nextLoad()] { worker->load(resolved, stop); });
}

void LocalBackend::cancelLoad() {
  m_control.stopLoad();
}

void LocalBackend::send(const TurnRequest& turn) {
  QMetaObject::invokeMethod(
      m_worker, [worker = m_worker, turn, number = m_control.nextTurn()] { worker->runTurn(turn, number); });
}

void LocalBackend::stop() {
  m_control.stopTurns();
}

void LocalBackend::open(qint64 conversationId, const QList<ChatMessage>& messages) {
  const qint64 last = messages.isEmpty() ? 0 : messages.last().id;
  const quint64 number = m_control.nextOpening();
  QMetaObject::invokeMethod(
      m_worker, [worker = m_worker, conversationId, last, number] { worker->open(conversationId, last, number); });
}

void LocalBackend::setCacheSettings(const runnel::CacheSettings& settings) {
  QMetaObject::invokeMethod(m_worker, [worker = m_worker, settings] { worker->setCacheSettings(settings); });
}

void LocalBackend::setPinned(qint64 conversationId, qint64 messageId, bool pinned) {
  m_control.interject(
      [worker = m_worker, conversationId, messageId, pinned] { worker->setPinned(conversationId, messageId, pinned); });
  QMetaObject::invokeMethod(m_worker, [worker = m_worker] { worker->runInterjections(); });
}

void LocalBackend::forgetAfter(qint64 conversationId, qint64 messageId) {
  QMetaObject::invokeMethod(
      m_worker, [worker = m_worker, conversationId, messageId] { worker->forgetAfter(conversationId, messageId); });
}

void LocalBackend::branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages) {
  QMetaObject::invokeMethod(m_worker, [worker = m_worker, from, lastMessage, to, messages] {
    worker->branch(from, lastMessage, to, messages);
  });
}

void LocalBackend::watch(Watched watched) {
  m_control.interject([worker = m_worker, watched] { worker->watch(watched); });
  QMetaObject::invokeMethod(m_worker, [worker = m_worker] { worker->runInterjections(); });
}

void LocalBackend::describeToken(qint64 conversationId, qint64 position) {
  m_control.interject(
      [worker = m_worker, conversationId, position] { worker->describeToken(conversationId, position); });
  QMetaObject::invokeMethod(m_worker, [worker = m_worker] { worker->runInterjections(); });
}

void LocalBackend::setThreads(int threads) {
  m_threads = threads;
}

}  // namespace runnel::app
