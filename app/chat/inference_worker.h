#pragma once

#include <QObject>

#include <functional>
#include <memory>
#include <stop_token>

#include "app/chat/chat_values.h"
#include "app/chat/snapshot_keeper.h"
#include "app/chat/turn_runner.h"
#include "app/chat/work_control.h"

namespace runnel::app {

/**
 * Owns the model and its session and does one job at a time. Lives on the inference thread: its functions are called
 * there, and its signals reach other threads as queued ones, tokens at most every 16 ms and the cache every 33.
 */
class InferenceWorker : public QObject {
  Q_OBJECT

 public:
  /** `control` and `snapshots`, which may be null, outlive the worker. */
  InferenceWorker(WorkControl& control, SnapshotFolder* snapshots, QObject* parent = nullptr);
  ~InferenceWorker() override;

  void load(const LoadRequest& request, const std::stop_token& stop);
  void runTurn(const TurnRequest& request, quint64 turn);
  /** `lastMessage`: of the conversation, its newest; `number`: WorkControl::nextOpening. */
  void open(qint64 conversationId, qint64 lastMessage, quint64 number);
  void setCacheSettings(const runnel::CacheSettings& settings);
  void setPinned(qint64 conversationId, qint64 messageId, bool pinned);
  void forgetAfter(qint64 conversationId, qint64 messageId);
  void branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages);
  void watch(Watched watched);
  void describeToken(qint64 conversationId, qint64 position);
  /** Does what WorkControl::interject was given. */
  void runInterjections();

 Q_SIGNALS:
  void loadProgress(double done);
  void loaded(const QString& path, const runnel::ModelFacts& facts);
  void loadFailed(const QString& message);
  void promptProgress(const runnel::app::PromptProgress& progress);
  void promptCancelled(qint64 conversationId, qint64 answerId);
  void tokens(const runnel::app::TokenBatch& batch);
  void finished(const runnel::app::TurnStats& stats);
  void failed(qint64 conversationId, qint64 answerId, const QString& message);
  void noticed(qint64 conversationId, const QString& message);
  void cacheChanged(const runnel::app::CacheSnapshot& snapshot);
  void tokenDescribed(qint64 conversationId, qint64 position, const QString& label);
  void cacheSettingsApplied(const runnel::CacheSettings& settings);
  void cacheSettingsRefused(const QString& message);
  void pinChanged(qint64 conversationId, qint64 messageId, bool pinned);
  void pinRefused(qint64 conversationId, qint64 messageId, const QString& message);

 private:
  std::unique_ptr<Engine> loadEngine(const LoadRequest& request, const std::stop_token& stop);
  void answer(const TurnRequest& request, quint64 turn);
  void applyCacheSettings(const runnel::CacheSettings& settings);
  bool isInPlace(const runnel::CacheSettings& settings) const;
  void replaceSession(const runnel::CacheSettings& settings);
  void takeSession(std::unique_ptr<runnel::Session> session);
  void replaceByEmpty();
  void keepSnapshot();
  void bringBack(qint64 conversationId, qint64 lastMessage);
  void takeOver();
  TurnListener listener();
  void publish(double tokensPerSecond);

  WorkControl& m_control;
  std::unique_ptr<Engine> m_engine;
  runnel::CacheSettings m_wanted;  // what the user chose; a model with a smaller context gets less of it
  int m_threads = 0;
  Watched m_watched = Watched::Nothing;
  SnapshotKeeper m_keeper;
  qint64 m_shown = 0;
  qint64 m_lastMessage = 0;      // of the conversation that is shown, when it was opened
  double m_tokensPerSecond = 0;  // of the turn that is running
};

}  // namespace runnel::app
