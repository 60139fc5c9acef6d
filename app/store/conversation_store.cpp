#include "app/store/conversation_store.h"

#include <QFile>

#include <algorithm>
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

  /** The log holds deleted text until it is written back and cut. */
  void forgetLog() { run(QStringLiteral("PRAGMA wal_checkpoint(TRUNCATE)")); }

  bool touch(qint64 conversation, qint64 at) {
    const auto query =
        file.run(QStringLiteral("UPDATE conversation SET updated_ms = ? WHERE id = ?"), {at, conversation});
    return query.has_value();
  }

  std::optional<qint64> create(const QString& title, qint64 at) {
    const auto query =
        file.run(QStringLiteral("INSERT INTO conversation (title, created_ms, updated_ms) VALUES (?, ?, ?)"),
                 {notNull(title), at, at});
    return query ? std::optional(query->lastInsertId().toLongLong()) : std::nullopt;
  }

  std::optional<qint64> append(const StoredMessage& message, qint64 at) {
    const auto query = file.run(
        QStringLiteral("INSERT INTO message"
                       " (conversation, role, text, ids, prefix, tokenizer, model, settings, stop_reason, created_ms,"
                       " pinned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        {message.conversationId, nameOf(kRoles, message.role), notNull(message.text), packIds(message.ids),
         message.prefix, notNull(message.tokenizer), notNull(message.model), notNull(message.settings),
         nameOf(kStopReasons, message.stopReason), message.created.isValid() ? message.created.toMSecsSinceEpoch() : at,
         message.isPinned ? 1 : 0});
    if (!query) return std::nullopt;
    const qint64 id = query->lastInsertId().toLongLong();
    return touch(message.conversationId, at) ? std::optional(id) : std::nullopt;
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
  std::optional<qint64> id;
  if (!m_database->write([&] { return (id = m_database->create(title, at)).has_value(); })) return std::nullopt;
  const QDateTime time = QDateTime::fromMSecsSinceEpoch(at);
  Conversation made{.id = *id, .title = title, .created = time, .updated = time};
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
  m_database->forgetLog();
  Q_EMIT conversationsChanged();
  return true;
}

QString ConversationStore::title(qint64 conversationId) const {
  std::optional<QSqlQuery> row =
      m_database->run(QStringLiteral("SELECT title FROM conversation WHERE id = ?"), {conversationId});
  return row && row->next() ? row->value(0).toString() : QString();
}

std::optional<Branch> ConversationStore::branch(qint64 conversationId, qint64 lastMessage, const QString& title) {
  const qint64 at = now();
  Branch branch;
  const QList<StoredMessage> origin = messages(conversationId);
  const auto copy = [&](StoredMessage message) {
    if (message.id > lastMessage) return true;
    const qint64 id = message.id;
    message.conversationId = branch.conversationId;
    const std::optional<qint64> copied = m_database->append(message, at);
    if (copied) branch.messages.insert(id, *copied);
    return copied.has_value();
  };
  const bool written = m_database->write([&] {
    const auto made = m_database->create(title, at);
    branch.conversationId = made.value_or(0);
    return made && std::ranges::all_of(origin, copy);
  });
  if (!written) return std::nullopt;
  Q_EMIT conversationsChanged();
  return branch;
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
  std::optional<qint64> id;
  if (!m_database->write([&] { return (id = m_database->append(message, now())).has_value(); })) return std::nullopt;
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

bool ConversationStore::removeMessages(const QList<qint64>& ids) {
  if (ids.isEmpty()) return true;
  const auto exists = [this](qint64 id) {
    std::optional<QSqlQuery> row = m_database->run(QStringLiteral("SELECT 1 FROM message WHERE id = ?"), {id});
    return row && row->next();
  };
  const auto remove = [this](qint64 id) {
    return m_database->file.run(QStringLiteral("DELETE FROM message WHERE id = ?"), {id}).has_value();
  };
  if (!std::ranges::all_of(ids, exists)) return false;
  if (!m_database->write([&] { return std::ranges::all_of(ids, remove); })) return false;
  m_database->forgetLog();
  Q_EMIT conversationsChanged();
  return true;
}

}  // namespace runnel::app
