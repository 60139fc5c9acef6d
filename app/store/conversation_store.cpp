#include "app/store/conversation_store.h"

#include <QFile>

#include <array>
#include <utility>

#include "app/store/schema.h"
#include "app/store/sqlite_file.h"
#include "app/store/token_blob.h"

namespace runnel::app {

namespace {

constexpr std::array<std::pair<Role, const char*>, 3> kRoles = {{
    {Role::System, "system"},
    {Role::User, "user"},
    {Role::Assistant, "assistant"},
}};

constexpr std::array<std::pair<StopReason, const char*>, 5> kStopReasons = {{
    {StopReason::None, "none"},
    {StopReason::EndOfTurn, "end_of_turn"},
    {StopReason::Stopped, "stopped"},
    {StopReason::Length, "length"},
    {StopReason::Failed, "failed"},
}};

template <typename Names, typename Value>
QString nameOf(const Names& names, Value value) {
  for (const auto& [known, name] : names)
    if (known == value) return QString::fromLatin1(name);
  Q_UNREACHABLE();
}

template <typename Names, typename Value>
Value valueOf(const Names& names, const QString& name, Value fallback) {
  for (const auto& [known, knownName] : names)
    if (name == QLatin1String(knownName)) return known;
  return fallback;
}

// A null QString would be bound as NULL, which the schema refuses.
QString notNull(const QString& text) {
  return text.isNull() ? QStringLiteral("") : text;
}

qint64 now() {
  return QDateTime::currentMSecsSinceEpoch();
}

StoredMessage messageFrom(const QSqlQuery& row) {
  StoredMessage message;
  message.id = row.value(0).toLongLong();
  message.conversationId = row.value(1).toLongLong();
  message.role = valueOf(kRoles, row.value(2).toString(), Role::System);
  message.text = row.value(3).toString();
  message.ids = unpackIds(row.value(4).toByteArray());
  message.prefix = row.value(5).toLongLong();
  message.tokenizer = row.value(6).toString();
  message.model = row.value(7).toString();
  message.settings = row.value(8).toString();
  message.stopReason = valueOf(kStopReasons, row.value(9).toString(), StopReason::Failed);
  message.created = QDateTime::fromMSecsSinceEpoch(row.value(10).toLongLong());
  message.isPinned = row.value(11).toBool();
  return message;
}

}  // namespace

class ConversationStore::Database {
 public:
  explicit Database(ConversationStore& store) : m_store(store) {}

  SqliteFile file;

  /** Runs one statement; announces the failure when it can't. */
  std::optional<QSqlQuery> run(const QString& sql, const QVariantList& values = {}) {
    if (!file.isOpen()) {
      announce(ConversationStore::tr("Your conversations are not open, so nothing was saved."));
      return std::nullopt;
    }
    std::optional<QSqlQuery> query = file.run(sql, values);
    if (!query) announce(file.error());
    return query;
  }

  /** Runs `work` as one transaction; announces the failure when it can't. */
  bool write(const std::function<bool()>& work) {
    if (!file.isOpen()) {
      announce(ConversationStore::tr("Your conversations are not open, so nothing was saved."));
      return false;
    }
    const bool done = file.atomically(work);
    if (!done) announce(file.error());
    return done;
  }

  bool touch(qint64 conversation, qint64 at) {
    const auto query =
        file.run(QStringLiteral("UPDATE conversation SET updated_ms = ? WHERE id = ?"), {at, conversation});
    return query.has_value();
  }

  bool markCutOffAnswers() {
    return file
        .run(QStringLiteral(
            "UPDATE message SET stop_reason = 'failed' WHERE role = 'assistant' AND stop_reason = 'none'"))
        .has_value();
  }

 private:
  void announce(const QString& message) { Q_EMIT m_store.failed(message); }

  ConversationStore& m_store;
};

ConversationStore::ConversationStore(QObject* parent)
    : QObject(parent), m_database(std::make_unique<Database>(*this)) {}

ConversationStore::~ConversationStore() = default;

bool ConversationStore::open(const QString& path) {
  SqliteFile& file = m_database->file;
  if (!file.open(path, conversationMigrations())) return false;
  if (!m_database->markCutOffAnswers()) {
    file.close();
    return false;
  }
  Q_EMIT conversationsChanged();
  return true;
}

QString ConversationStore::error() const {
  return m_database->file.error();
}

bool ConversationStore::isDamaged() const {
  return m_database->file.fault() == SqliteFile::Fault::Damaged;
}

std::optional<QString> ConversationStore::replaceDamaged() {
  SqliteFile& file = m_database->file;
  if (file.isOpen() || !isDamaged()) return std::nullopt;
  const QString path = file.path();
  const QString stamp = QDateTime::currentDateTimeUtc().toString(QStringLiteral("yyyyMMdd-hhmmss-zzz"));
  QString aside = QStringLiteral("%1.damaged-%2").arg(path, stamp);
  if (!QFile::rename(path, aside)) return std::nullopt;
  for (const char* log : {"-wal", "-shm"}) QFile::rename(path + QLatin1String(log), aside + QLatin1String(log));
  if (!open(path)) return std::nullopt;
  return aside;
}

QList<Conversation> ConversationStore::conversations() const {
  QList<Conversation> conversations;
  std::optional<QSqlQuery> row = m_database->run(
      QStringLiteral("SELECT id, title, created_ms, updated_ms,"
                     " (SELECT coalesce(sum(length(ids)), 0) / 4 FROM message WHERE conversation = conversation.id)"
                     " FROM conversation ORDER BY updated_ms DESC, id DESC"));
  while (row && row->next())
    conversations.append({.id = row->value(0).toLongLong(),
                          .title = row->value(1).toString(),
                          .created = QDateTime::fromMSecsSinceEpoch(row->value(2).toLongLong()),
                          .updated = QDateTime::fromMSecsSinceEpoch(row->value(3).toLongLong()),
                          .tokens = row->value(4).toLongLong()});
  return conversations;
}

std::optional<Conversation> ConversationStore::createConversation(const QString& title) {
  const qint64 at = now();
  const std::optional<QSqlQuery> query =
      m_database->run(QStringLiteral("INSERT INTO conversation (title, created_ms, updated_ms) VALUES (?, ?, ?)"),
                      {notNull(title), at, at});
  if (!query) return std::nullopt;
  const QDateTime time = QDateTime::fromMSecsSinceEpoch(at);
  Conversation made{.id = query->lastInsertId().toLongLong(), .title = title, .created = time, .updated = time};
  Q_EMIT conversationsChanged();
  return made;
}

bool ConversationStore::renameConversation(qint64 id, const QString& title) {
  const std::optional<QSqlQuery> query =
      m_database->run(QStringLiteral("UPDATE conversation SET title = ? WHERE id = ?"), {notNull(title), id});
  if (!query || query->numRowsAffected() != 1) return false;
  Q_EMIT conversationsChanged();
  return true;
}

bool ConversationStore::removeConversation(qint64 id) {
  {
    const std::optional<QSqlQuery> query =
        m_database->run(QStringLiteral("DELETE FROM conversation WHERE id = ?"), {id});
    if (!query || query->numRowsAffected() != 1) return false;
  }
  // The log still holds the deleted text until it is written back and cut.
  m_database->run(QStringLiteral("PRAGMA wal_checkpoint(TRUNCATE)"));
  Q_EMIT conversationsChanged();
  return true;
}

QList<StoredMessage> ConversationStore::messages(qint64 conversationId) const {
  QList<StoredMessage> messages;
  std::optional<QSqlQuery> row =
      m_database->run(QStringLiteral("SELECT id, conversation, role, text, ids, prefix, tokenizer, model, settings, "
                                     "stop_reason, created_ms, pinned"
                                     " FROM message WHERE conversation = ? ORDER BY id"),
                      {conversationId});
  while (row && row->next()) messages.append(messageFrom(*row));
  return messages;
}

std::optional<qint64> ConversationStore::appendMessage(const StoredMessage& message) {
  const qint64 at = now();
  qint64 id = 0;
  const bool written = m_database->write([&] {
    const std::optional<QSqlQuery> query = m_database->file.run(
        QStringLiteral("INSERT INTO message"
                       " (conversation, role, text, ids, prefix, tokenizer, model, settings, stop_reason, created_ms)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        {message.conversationId, nameOf(kRoles, message.role), notNull(message.text), packIds(message.ids),
         message.prefix, notNull(message.tokenizer), notNull(message.model), notNull(message.settings),
         nameOf(kStopReasons, message.stopReason),
         message.created.isValid() ? message.created.toMSecsSinceEpoch() : at});
    if (!query) return false;
    id = query->lastInsertId().toLongLong();
    return m_database->touch(message.conversationId, at);
  });
  if (!written) return std::nullopt;
  Q_EMIT conversationsChanged();
  return id;
}

bool ConversationStore::updateMessage(const StoredMessage& message) {
  bool found = false;
  const bool written = m_database->write([&] {
    const std::optional<QSqlQuery> query = m_database->file.run(
        QStringLiteral(
            "UPDATE message SET text = ?, ids = ?, prefix = ?, tokenizer = ?, model = ?, settings = ?, stop_reason = ?"
            " WHERE id = ?"),
        {notNull(message.text), packIds(message.ids), message.prefix, notNull(message.tokenizer),
         notNull(message.model), notNull(message.settings), nameOf(kStopReasons, message.stopReason), message.id});
    found = query && query->numRowsAffected() == 1;
    return query && m_database->touch(message.conversationId, now());
  });
  // While an answer is written it is saved every second; only its end is news for the list of conversations.
  if (written && found && message.stopReason != StopReason::None) Q_EMIT conversationsChanged();
  return written && found;
}

bool ConversationStore::setPinned(qint64 messageId, bool pinned) {
  const std::optional<QSqlQuery> query =
      m_database->run(QStringLiteral("UPDATE message SET pinned = ? WHERE id = ?"), {pinned ? 1 : 0, messageId});
  return query && query->numRowsAffected() == 1;
}

bool ConversationStore::removeMessage(qint64 id) {
  const std::optional<QSqlQuery> query = m_database->run(QStringLiteral("DELETE FROM message WHERE id = ?"), {id});
  if (!query || query->numRowsAffected() != 1) return false;
  Q_EMIT conversationsChanged();
  return true;
}

}  // namespace runnel::app
