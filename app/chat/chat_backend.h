#pragma once

#include <QHash>
#include <QObject>

#include "app/chat/chat_values.h"

namespace runnel::app {

/**
 * What answers: a model on this computer, a server, or a script.
 *
 * Lives on the window's thread; calls return at once and the work is done elsewhere. Signals come on the window's
 * thread. One job at a time: a call that needs the engine waits for the one before it.
 */
class ChatBackend : public QObject {
  Q_OBJECT

 public:
  using QObject::QObject;

  /** Loads a model in place of the present one. Ends in `loaded`, or in `loadFailed`: then the model that was loaded
   *  before is still usable. */
  virtual void load(const LoadRequest& request) = 0;
  virtual void cancelLoad() = 0;

  /** Answers the last message of `turn`. Ends in exactly one of `finished`, `promptCancelled`, `failed`. */
  virtual void send(const TurnRequest& turn) = 0;

  /** Stops reading a prompt (within a batch: `promptCancelled`, the cache is as before the message) or answering
   *  (within a token: `finished` with StopReason::Stopped). */
  virtual void stop() = 0;

  /** Makes `messages` the conversation whose cache is shown; evaluates nothing until the next `send`. */
  virtual void open(qint64 conversationId, const QList<ChatMessage>& messages) = 0;

  /** Changes the cache settings for the open conversation and those to come; in place where that can be done, else
   *  the cache is made anew with `promptProgress` (DESIGN §2.9). Ends in `cacheSettingsApplied`, or in
   *  `cacheSettingsRefused`: then nothing has changed. */
  virtual void setCacheSettings(const runnel::CacheSettings& settings) = 0;

  /** Keeps a message's tokens in the cache for ever, or lets them roll out again; also in the middle of an answer.
   *  Ends in `pinChanged`, or in `pinRefused`: then nothing has changed. In a conversation that is not in the cache it
   *  takes effect when that is read again. */
  virtual void setPinned(qint64 conversationId, qint64 messageId, bool pinned) = 0;

  /** Takes out of the cache what was fed after this message of the conversation. */
  virtual void forgetAfter(qint64 conversationId, qint64 messageId) = 0;

  /** Conversation `to` begins with the messages of `from` up to one of them: `messages` gives for the id of each the id
   *  that it has there. What of them is in the cache becomes that of `to`. `lastMessage`: of `from`, its newest. */
  virtual void branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages) = 0;

  /** What the snapshots of the cache tell besides: attention from the next token on; surprise at once of what was
   *  generated, and of prompts that are read from now on. */
  virtual void watch(Watched watched) = 0;

  /** Asks which token was fed at a position of the conversation; also in the middle of an answer. Ends in
   *  `tokenDescribed`. */
  virtual void describeToken(qint64 conversationId, qint64 position) = 0;

  /** Takes effect with the next load. */
  virtual void setThreads(int threads) = 0;

 Q_SIGNALS:
  void loadProgress(double done);
  void loaded(const QString& path, const runnel::ModelFacts& facts);
  void loadFailed(const QString& message);

  void promptProgress(const runnel::app::PromptProgress& progress);
  void promptCancelled(qint64 conversationId, qint64 answerId);
  void tokens(const runnel::app::TokenBatch& batch);
  void finished(const runnel::app::TurnStats& stats);
  void failed(qint64 conversationId, qint64 answerId, const QString& message);

  /** Something that the user should know; the turn goes on. */
  void noticed(qint64 conversationId, const QString& message);

  void cacheChanged(const runnel::app::CacheSnapshot& snapshot);
  /** `label`: as runnel::token_label gives it; empty when the conversation in the cache has no such position. */
  void tokenDescribed(qint64 conversationId, qint64 position, const QString& label);
  void cacheSettingsApplied(const runnel::CacheSettings& settings);
  void cacheSettingsRefused(const QString& message);

  void pinChanged(qint64 conversationId, qint64 messageId, bool pinned);
  void pinRefused(qint64 conversationId, qint64 messageId, const QString& message);
};

}  // namespace runnel::app
