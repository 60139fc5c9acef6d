#pragma once

#include <QDateTime>
#include <QHash>
#include <QList>
#include <QObject>
#include <QString>

#include <memory>
#include <optional>

#include "app/chat/chat_values.h"

namespace runnel::app {

struct Conversation {
  qint64 id = 0;
  QString title = {};
  QDateTime created = {};
  QDateTime updated = {};
  qint64 tokens = 0;  //!< fed so far, all messages together
};

/** A conversation that begins as another does. */
struct Branch {
  qint64 conversationId = 0;
  QHash<qint64, qint64> messages = {};  //!< for the id of each message that was copied, that of its copy
};

/** A message with all that is kept of it. */
struct StoredMessage {
  qint64 id = 0;
  qint64 conversationId = 0;
  Role role = Role::User;
  QString text = {};
  QList<qint32> ids = {};  //!< fed (user: with the template's text around it) or sampled (assistant)
  qint64 prefix = 0;       //!< of `ids`, how many precede the text of the conversation's first user message; else 0
  QString tokenizer = {};  //!< fingerprint of the vocabulary and model the ids belong to
  QString model = {};      //!< name of the model
  QString settings = {};   //!< JSON: sampling and cache settings, seed
  StopReason stopReason = StopReason::None;
  QDateTime created = {};
  bool isPinned = false;  //!< stays in the cache for ever
};

/**
 * Conversations on disk: SQLite with WAL, synchronous=FULL, foreign keys, schema migrations, an integrity check at the
 * start and a backup before each migration; file mode 0600. A message is on disk when the call returns.
 *
 * Lives on the window's thread. Every call that writes returns false (or nothing) and emits `failed` with a sentence
 * when it can't (disk full, locked, read-only); what was stored before stays as it was.
 */
class ConversationStore : public QObject {
  Q_OBJECT

 public:
  explicit ConversationStore(QObject* parent = nullptr);
  ~ConversationStore() override;

  /** Opens or creates the database at `path` (parent folders too). False with `error()` set: the folder can't be
   *  written, the file is locked by another program, or it is damaged (then it is kept beside under another name only
   *  if the user decides so: see `replaceDamaged`). Answers that a crash cut off become StopReason::Failed. */
  bool open(const QString& path);
  QString error() const;
  bool isDamaged() const;  //!< whether the last `open` failed because the file is damaged

  /** Moves a damaged database aside (its new name is returned) and starts with an empty one. */
  std::optional<QString> replaceDamaged();

  QList<Conversation> conversations() const;  //!< newest change first
  std::optional<Conversation> createConversation(const QString& title);
  bool renameConversation(qint64 id, const QString& title);
  bool removeConversation(qint64 id);
  QString title(qint64 conversationId) const;  //!< empty when there is no such conversation
  /** Makes a conversation with copies of another's messages, up to `lastMessage`; all of it or nothing. */
  std::optional<Branch> branch(qint64 conversationId, qint64 lastMessage, const QString& title);

  QList<StoredMessage> messages(qint64 conversationId) const;  //!< oldest first
  std::optional<qint64> appendMessage(const StoredMessage& message);
  bool updateMessage(const StoredMessage& message);  //!< text, ids, prefix, tokenizer, model, settings, stop reason
  bool setPinned(qint64 messageId, bool pinned);
  bool removeMessages(const QList<qint64>& ids);  //!< for ever; all of them or none

 Q_SIGNALS:
  void conversationsChanged();
  void failed(const QString& message);

 private:
  class Database;
  std::unique_ptr<Database> m_database;
};

}  // namespace runnel::app
