#include "app/store/snapshot_folder.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>

namespace runnel::app {

namespace {

const QString kSuffix = QStringLiteral(".kv");

}  // namespace

void SnapshotFolder::setBudget(qint64 bytes) {
  const std::lock_guard lock(m_mutex);
  m_budget = bytes;
  dropOldest();
}

QString SnapshotFolder::pathOf(qint64 conversationId) const {
  return QDir(m_path).filePath(QString::number(conversationId) + kSuffix);
}

QString SnapshotFolder::find(qint64 conversationId) const {
  const std::lock_guard lock(m_mutex);
  const QString path = pathOf(conversationId);
  return QFileInfo::exists(path) ? path : QString();
}

QString SnapshotFolder::place(qint64 conversationId, qint64 bytes) const {
  const std::lock_guard lock(m_mutex);
  if (bytes > m_budget || m_forgotten.contains(conversationId) || !QDir().mkpath(m_path)) return {};
  constexpr auto ownerOnly = QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner;
  QFile::setPermissions(m_path, ownerOnly);
  return pathOf(conversationId);
}

void SnapshotFolder::tidy() {
  const std::lock_guard lock(m_mutex);
  for (const qint64 id : std::as_const(m_forgotten)) QFile::remove(pathOf(id));
  dropOldest();
}

void SnapshotFolder::dropOldest() {
  qint64 total = 0;
  const QFileInfoList files = QDir(m_path).entryInfoList({QLatin1Char('*') + kSuffix}, QDir::Files, QDir::Time);
  for (const QFileInfo& file : files) {
    total += file.size();
    if (total > m_budget) QFile::remove(file.filePath());
  }
}

void SnapshotFolder::remove(qint64 conversationId) {
  const std::lock_guard lock(m_mutex);
  QFile::remove(pathOf(conversationId));
}

void SnapshotFolder::forget(qint64 conversationId) {
  const std::lock_guard lock(m_mutex);
  m_forgotten.insert(conversationId);
  QFile::remove(pathOf(conversationId));
}

void SnapshotFolder::keepOnly(const QList<qint64>& conversationIds) {
  const std::lock_guard lock(m_mutex);
  const QSet<qint64> kept(conversationIds.begin(), conversationIds.end());
  const QFileInfoList files = QDir(m_path).entryInfoList({QLatin1Char('*') + kSuffix}, QDir::Files);
  for (const QFileInfo& file : files) {
    bool isNumber = false;
    const qint64 id = file.completeBaseName().toLongLong(&isNumber);
    if (!isNumber || !kept.contains(id)) QFile::remove(file.filePath());
  }
}

}  // namespace runnel::app
