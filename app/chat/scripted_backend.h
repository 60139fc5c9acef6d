#pragma once

#include <QElapsedTimer>
#include <QHash>
#include <QStringList>
#include <QTimer>

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "app/chat/chat_backend.h"
#include "app/chat/scripted_cache.h"
#include "app/chat/scripted_format.h"
#include "app/chat/turn_plan.h"

namespace runnel::app {

/**
 * A backend that plays prepared answers, word by word, for tests and demonstrations of the interface. Its cache obeys
 * the real rules, its words stand for tokens; nothing is computed. The same calls give the same signals.
 */
class ScriptedBackend : public ChatBackend {
  Q_OBJECT

 public:
  explicit ScriptedBackend(QObject* parent = nullptr);
  ~ScriptedBackend() override;

  /** Played in turn, and again from the first after the last. */
  void setAnswers(const QStringList& answers);

  /** Milliseconds between two steps of work: a token, a batch of a prompt, a tenth of a load. 0: as fast as the event
   *  loop goes. */
  void setInterval(int milliseconds);

  /** Tokens of a prompt that one step reads. */
  void setPromptBatch(int tokens);

  /** What `loaded` will report; the name is that of the path. */
  void setFacts(const runnel::ModelFacts& facts);

  void failNextLoad(const QString& message);
  /** The next turn fails once its answer has `afterTokens` tokens. */
  void failNextTurn(const QString& message, int afterTokens = 0);

  /** Whether something is being worked on or waits for it. */
  bool isBusy() const;

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
  struct Load;
  struct Turn;
  using Job = std::function<void()>;

  void enqueue(Job job);
  void finishJob();
  void step();
  void stepLoad();
  void beginTurn(const TurnRequest& request);
  void planTurn();
  void noteWords(const QString& text);
  QString labelAt(qint64 position) const;
  void beginMessages(qint64 from);
  void stepPrompt();
  void stepAnswer();
  void feedAnswer(runnel::Token id, const QString& text);
  void endTurn(StopReason reason);
  void failTurn(const QString& message);
  void applyCacheSettings(const runnel::CacheSettings& settings);
  void makeAnew();
  void cancelPrompt();
  void goBack(qint64 fed);
  void pinAgain();
  enum class Publish { Now, WhenDue };
  void publish(Publish when);

  QTimer m_timer;
  std::deque<Job> m_waiting;
  std::unique_ptr<Load> m_load;
  std::unique_ptr<Turn> m_turn;
  QStringList m_answers;
  qsizetype m_nextAnswer = 0;
  int m_promptBatch = 64;
  runnel::ModelFacts m_facts;
  bool m_hasModel = false;
  std::optional<QString> m_loadFailure;
  std::optional<QString> m_turnFailure;
  int m_failAfter = 0;
  ScriptedFormat m_format;
  QHash<runnel::Token, QString> m_words;  // that were said so far
  runnel::CacheSettings m_wanted;
  std::unique_ptr<ScriptedCache> m_cache;
  Watched m_watched = Watched::Nothing;
  CachedConversation m_cached;
  qint64 m_shown = 0;
  QElapsedTimer m_sincePublished;
  int m_waitingTurns = 0;
  bool m_stopNextTurn = false;
};

}  // namespace runnel::app
