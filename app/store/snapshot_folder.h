#pragma once

#include <QList>
#include <QSet>
#include <QString>

#include <mutex>

namespace runnel::app {

/**
 * Where the caches of conversations are kept while they are not in memory: a file each, readable by the user alone,
 * together no more than a budget. May be called on any thread.
 */
class SnapshotFolder {
 public:
  /** `path` is made when something is kept for the first time. */
  explicit SnapshotFolder(const QString& path) : m_path(path) {}

  /** 0: nothing is kept, and what there is goes. */
  void setBudget(qint64 bytes);

  /** The file of a conversation; empty when there is none. */
  QString find(qint64 conversationId) const;

  /** Where to write the file of a conversation, of about `bytes`; empty when it is not to be kept. */
  QString place(qint64 conversationId, qint64 bytes) const;

  /** To be called when a file was written: the oldest go until the others are within the budget. */
  void tidy();

  /** Removes the file of a conversation, which may be written again. */
  void remove(qint64 conversationId);

  /** Removes the file of a conversation that is no more, for ever: one that is just being written goes too. */
  void forget(qint64 conversationId);

  /** Removes all files but those of these conversations. */
  void keepOnly(const QList<qint64>& conversationIds);

 private:
  QString pathOf(qint64 conversationId) const;
  void dropOldest();

  const QString m_path;
  mutable std::mutex m_mutex;  // guards what follows, and the folder
  qint64 m_budget = 0;
  QSet<qint64> m_forgotten;
};

}  // namespace runnel::app
