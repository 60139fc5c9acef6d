#pragma once

#include <QList>
#include <QMetaType>
#include <QString>

#include "runnel/cache.h"
#include "runnel/model.h"
#include "runnel/sampler.h"

/** Values that cross between the window's thread and a backend's. */

namespace runnel::app {

enum class Role { System, User, Assistant };

/** Why an answer ended. */
enum class StopReason {
  None,       //!< not an answer, or it is still being written
  EndOfTurn,  //!< the model ended it
  Stopped,    //!< the user stopped it
  Length,     //!< the token limit was reached
  Failed,     //!< an error, or the program ended in mid-answer
};

/** A message as a backend needs it. */
struct ChatMessage {
  qint64 id = 0;  //!< as in the store
  Role role = Role::User;
  QString text = {};
  QList<qint32> ids = {};  //!< the token ids that were fed or sampled for it; empty when not yet evaluated
  qint64 prefix = 0;       //!< of `ids`, how many precede the text of the conversation's first user message; else 0
  QString tokenizer = {};  //!< what the ids belong to: TurnStats::tokenizer of the turn that gave them
  StopReason stopReason = StopReason::None;
  bool isPinned = false;  //!< its tokens stay in the cache for ever
};

/** Which model to load, and how. */
struct LoadRequest {
  QString path = {};  //!< a .gguf file or a Hugging Face folder
  int threads = 0;    //!< 0: default_threads()
};

/** A turn: the conversation, ending with the user's new message. */
struct TurnRequest {
  qint64 conversationId = 0;
  QList<ChatMessage> messages = {};  //!< oldest first; the last one is the user's new message
  qint64 answerId = 0;               //!< id of the (still empty) assistant message in the store
  SamplerSettings sampling = {};
  int maxTokens = 1024;    //!< of the answer
  bool keepSystem = true;  //!< whether what precedes the first user message's text stays in the cache for ever
};

/** A piece of the answer. Several tokens may come in one batch: at most one batch per frame. */
struct TokenBatch {
  qint64 answerId = 0;
  QString text = {};  //!< whole characters only
  QList<qint32> ids = {};
};

/** Where a message stands in the conversation's token positions. */
struct MessageSpan {
  qint64 messageId = 0;
  Role role = Role::User;
  qint64 first = 0;  //!< original position of its first token
  qint64 end = 0;    //!< one past its last
  bool isPinned = false;
};

/** What is noted of the cached tokens besides. */
enum class Watched {
  Nothing,
  Attention,  //!< how much of it goes to each
  Surprise,   //!< how little each was expected
};

/** What the cache holds, and whose tokens they are. */
struct CacheSnapshot {
  qint64 conversationId = 0;
  CacheTelemetry telemetry = {};
  QList<MessageSpan> spans = {};  //!< in order; tokens of the template itself belong to no message
  double tokensPerSecond = 0;     //!< of decoding, over the last second
};

/** How a turn went. */
struct TurnStats {
  qint64 conversationId = 0;
  qint64 answerId = 0;
  StopReason stopReason = StopReason::None;
  QList<qint32> promptIds = {};  //!< ids fed before the answer, to be stored with the user's message
  qint64 promptPrefix = 0;       //!< ChatMessage::prefix of the user's message
  QString tokenizer = {};        //!< vocabulary and model that the ids belong to
  QList<qint32> answerIds = {};  //!< ids sampled
  qint64 promptEvaluated = 0;    //!< how many prompt tokens were evaluated
  double firstTokenSeconds = 0;
  double tokensPerSecond = 0;
  quint64 seed = 0;
};

/** Progress while a prompt is read. */
struct PromptProgress {
  qint64 done = 0;
  qint64 total = 0;
  double secondsLeft = 0;  //!< negative while unknown
  bool anew = false;       //!< the cache is being made anew, not only the new message read
  qint64 answerId = 0;     //!< of the turn; 0 when it is not for a turn but for new cache settings
};

/** Makes the values known to queued signals; every backend calls it before it connects anything. */
void registerChatValues();

}  // namespace runnel::app

Q_DECLARE_METATYPE(runnel::ModelFacts)
Q_DECLARE_METATYPE(runnel::CacheSettings)
Q_DECLARE_METATYPE(runnel::app::LoadRequest)
Q_DECLARE_METATYPE(runnel::app::TurnRequest)
Q_DECLARE_METATYPE(runnel::app::TokenBatch)
Q_DECLARE_METATYPE(runnel::app::CacheSnapshot)
Q_DECLARE_METATYPE(runnel::app::TurnStats)
Q_DECLARE_METATYPE(runnel::app::PromptProgress)
