#include "app/store/sqlite_file.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSqlDatabase>
#include <QSqlError>
#include <QUuid>

namespace runnel::app {

namespace {

// Primary result codes, https://www.sqlite.org/rescode.html; what Qt reports may carry an extension above the low byte.
constexpr int kBusy = 5;
constexpr int kLocked = 6;
constexpr int kReadOnly = 8;
constexpr int kCorrupt = 11;
constexpr int kFull = 13;
constexpr int kCannotOpen = 14;
constexpr int kNotADatabase = 26;

QString tr(const char* text) {
  return QCoreApplication::translate("ConversationStore", text);
}

int primaryCode(const QSqlError& error) {
  return error.nativeErrorCode().toInt() & 0xff;
}

}  // namespace

SqliteFile::SqliteFile() : m_connection(QUuid::createUuid().toString(QUuid::WithoutBraces)) {}

SqliteFile::~SqliteFile() {
  close();
}

bool SqliteFile::open(const QString& path, const std::vector<Migration>& migrations) {
  close();
  m_path = path;
  m_fault = Fault::None;
  m_error.clear();
  if (!createPrivately(path)) return false;
  QSqlDatabase database = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), m_connection);
  database.setDatabaseName(path);
  database.setConnectOptions(QStringLiteral("QSQLITE_BUSY_TIMEOUT=300"));
  const bool opened = database.open() || fail(database.lastError());
  database = QSqlDatabase();
  if (opened && configure() && check() && migrate(migrations)) return true;
  close();
  return false;
}

void SqliteFile::close() {
  if (QSqlDatabase::contains(m_connection)) QSqlDatabase::removeDatabase(m_connection);
}

bool SqliteFile::isOpen() const {
  return QSqlDatabase::contains(m_connection);
}

// SQLite gives its log the mode of the file, so the file is made with the right one before SQLite sees it.
bool SqliteFile::createPrivately(const QString& path) {
  const QFileInfo info(path);
  QFile file(path);
  constexpr QFile::Permissions kPrivate = QFile::ReadOwner | QFile::WriteOwner;
  if (!QDir().mkpath(info.absolutePath()))
    return fail(
        Fault::Unusable,
        tr("The folder %1 for your conversations can't be created; check its permissions.").arg(info.absolutePath()));
  if (info.exists() && !info.isFile())
    return fail(Fault::Unusable, tr("Conversations can't be kept in %1: it is not a file.").arg(path));
  const bool usable = info.exists() ? file.open(QIODevice::ReadWrite | QIODevice::ExistingOnly)
                                    : file.open(QIODevice::ReadWrite | QIODevice::NewOnly, kPrivate);
  if (!usable)
    return fail(Fault::Unusable, tr("%1 can't be written (%2); check its permissions.").arg(path, file.errorString()));
  file.setPermissions(kPrivate);
  return true;
}

bool SqliteFile::configure() {
  // Exclusive locking before WAL is entered makes this process the only one, for reading too, and needs no shared
  // memory file; a transaction takes the lock at once. A crashed process holds no lock.
  for (const char* pragma : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
                             "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA secure_delete = ON",
                             "PRAGMA trusted_schema = OFF", "BEGIN EXCLUSIVE", "COMMIT"})
    if (!run(QString::fromLatin1(pragma))) return false;
  return true;
}

bool SqliteFile::check() {
  const std::optional<QVariant> verdict = value(QStringLiteral("PRAGMA quick_check(1)"));
  if (!verdict) return false;
  if (verdict->toString() == QLatin1String("ok")) return true;
  return fail(Fault::Damaged,
              tr("The file with your conversations, %1, is damaged (%2).").arg(m_path, verdict->toString()));
}

bool SqliteFile::migrate(const std::vector<Migration>& migrations) {
  const std::optional<QVariant> version = value(QStringLiteral("PRAGMA user_version"));
  const std::optional<QVariant> application = value(QStringLiteral("PRAGMA application_id"));
  const std::optional<QVariant> objects = value(QStringLiteral("SELECT count(*) FROM sqlite_schema"));
  if (!version || !application || !objects) return false;
  if (objects->toLongLong() > 0 && application->toInt() != kApplicationId)
    return fail(Fault::Foreign,
                tr("%1 belongs to another program; move it away or choose another folder.").arg(m_path));
  const int newest = static_cast<int>(migrations.size());
  if (version->toInt() < 0 || version->toInt() > newest)
    return fail(Fault::Foreign,
                tr("%1 was written by a newer version of Runnel; update Runnel to open it.").arg(m_path));
  for (int from = version->toInt(); from < newest; ++from) {
    if (from > 0 && !backUp(from)) return false;
    const bool migrated = atomically([&] {
      for (const QString& statement : migrations[static_cast<std::size_t>(from)])
        if (!run(statement)) return false;
      return run(QStringLiteral("PRAGMA user_version = %1").arg(from + 1)).has_value();
    });
    if (!migrated) return false;
  }
  return true;
}

bool SqliteFile::backUp(int version) {
  const QString backup = QStringLiteral("%1.v%2.backup").arg(m_path).arg(version);
  QFile::remove(backup);
  QFile file(backup);  // VACUUM INTO accepts an empty file and keeps its mode
  if (!file.open(QIODevice::WriteOnly | QIODevice::NewOnly, QFile::ReadOwner | QFile::WriteOwner))
    return fail(Fault::Unusable, tr("The backup %1 can't be written (%2).").arg(backup, file.errorString()));
  file.close();
  return run(QStringLiteral("VACUUM INTO ?"), {backup}).has_value();
}

std::optional<QVariant> SqliteFile::value(const QString& sql) {
  std::optional<QSqlQuery> query = run(sql);
  if (!query) return std::nullopt;
  if (query->next()) return query->value(0);
  fail(query->lastError());
  return std::nullopt;
}

std::optional<QSqlQuery> SqliteFile::run(const QString& sql, const QVariantList& values) {
  QSqlQuery query(QSqlDatabase::database(m_connection, false));
  query.setForwardOnly(true);
  if (!query.prepare(sql)) {
    fail(query.lastError());
    return std::nullopt;
  }
  for (const QVariant& value : values) query.addBindValue(value);
  if (query.exec()) return query;
  fail(query.lastError());
  return std::nullopt;
}

bool SqliteFile::atomically(const std::function<bool()>& work) {
  if (!run(QStringLiteral("BEGIN IMMEDIATE"))) return false;
  if (work() && run(QStringLiteral("COMMIT"))) return true;
  const Fault fault = m_fault;
  const QString error = m_error;
  run(QStringLiteral("ROLLBACK"));
  m_fault = fault;
  m_error = error;
  return false;
}

bool SqliteFile::fail(Fault fault, const QString& message) {
  m_fault = fault;
  m_error = message;
  return false;
}

bool SqliteFile::fail(const QSqlError& error) {
  switch (primaryCode(error)) {
    case kBusy:
    case kLocked:
      return fail(Fault::Locked,
                  tr("%1 is in use by another program, perhaps another Runnel; close it and try again.").arg(m_path));
    case kCorrupt:
    case kNotADatabase:
      return fail(Fault::Damaged, tr("The file with your conversations, %1, is damaged.").arg(m_path));
    case kReadOnly:
    case kCannotOpen:
      return fail(Fault::Unusable,
                  tr("%1 can't be written; check the permissions of the file and its folder.").arg(m_path));
    case kFull:
      return fail(Fault::Unusable, tr("The disk that holds %1 is full; free some space.").arg(m_path));
    default:
      return fail(Fault::Unusable, tr("%1 can't be used: %2").arg(m_path, error.text()));
  }
}

}  // namespace runnel::app
