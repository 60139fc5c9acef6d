#pragma once

#include <QElapsedTimer>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "app/chat/chat_format.h"
#include "app/chat/chat_values.h"
#include "app/chat/turn_plan.h"
#include "app/chat/work_control.h"
#include "runnel/session.h"

namespace runnel::app {

/** A loaded model with its cache, and which conversation that holds. */
struct Engine {
  std::shared_ptr<const runnel::Model> model;
  std::unique_ptr<runnel::Session> session;
  std::unique_ptr<ChatFormat> format;
  CachedConversation cached = {};
  bool isSystemPinned = false;
  Watched watched = Watched::Nothing;
  bool isPinRefusalTold = false;  //!< the user knows that the system prompt can't be kept

  /** Forgets everything. */
  void reset();

  /** Goes back to the state after token `fed` − 1; forgets everything where the cache can't go on from there. */
  void goBack(qint64 fed);

  /** Keeps a message's tokens in the cache for ever, or lets them roll out again. Throws Error with a sentence for the
   *  user when the message is no longer whole in the cache, or when too little would be left to roll. */
  void setPinned(qint64 messageId, bool pinned);

  /** runnel::token_label of the token that was fed at `position`; empty when there is none. */
  QString labelAt(qint64 position) const;
};

/** Who hears of a turn while it runs; called on the thread that runs it. */
struct TurnListener {
  std::function<void(const PromptProgress&)> promptProgress;
  std::function<void(const TokenBatch&)> tokens;
  std::function<void(double tokensPerSecond)> cacheChanged;
  std::function<void()> stepDone;  //!< after each batch and each token
  std::function<void(const QString& message)> notice;
};

/**
 * Runs one turn on an engine: plans it, reads the prompt, samples the answer. Lives on the inference thread for as long
 * as the turn takes.
 */
class TurnRunner {
 public:
  TurnRunner(Engine& engine, const WorkControl& control, TurnListener listener);

  /** How the turn went, or nothing when it was stopped before its first token: then the cache is as before the message.
   *  Throws Error when the conversation can't be written or evaluated; what was evaluated by then may be lost. */
  std::optional<TurnStats> run(quint64 turn, const TurnRequest& request);

  /** Evaluates again what the engine's conversation says, in an empty session. Throws Error; Cancelled when quitting.
   */
  void makeAnew();

 private:
  void takePlan(TurnPlan plan);
  void beginMessage(const MessageSpan& span);
  bool readPrompt(const std::function<bool()>& isStopped);
  bool feed(std::span<const runnel::Token> tokens, const std::function<bool()>& isStopped);
  void pinSystem(bool keep);
  void pinMessages();
  runnel::Sampler preparedSampler();
  StopReason answer();
  bool say(runnel::Token token, const std::string& text);
  void keepOfAnswer(qsizetype tokens);
  void flush();
  void note(std::size_t tokens);
  void reportProgress(bool always);
  double tokensPerSecond();
  TurnStats stats(StopReason reason) const;

  Engine& m_engine;
  const WorkControl& m_control;
  TurnListener m_listener;
  quint64 m_turn = 0;
  TurnRequest m_request;
  TurnPlan m_plan;
  qint64 m_read = 0;  // of the plan's tokens
  QElapsedTimer m_clock;
  QElapsedTimer m_sinceProgress;
  QElapsedTimer m_sinceFlush;
  QElapsedTimer m_sinceCache;
  TokenBatch m_pending;
  QList<qint32> m_answerIds;
  qsizetype m_sampled = 0;         // of which the last may have been taken back
  std::deque<qint64> m_sampledAt;  // milliseconds since the turn began, of the last second
  double m_firstTokenSeconds = 0;
  double m_answerSeconds = 0;
  quint64 m_seed = 0;
};

}  // namespace runnel::app
