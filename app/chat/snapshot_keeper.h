#pragma once

#include <QObject>
#include <QTimer>

#include "app/chat/turn_runner.h"
#include "app/store/snapshot_folder.h"

namespace runnel::app {

/**
 * Writes an engine's cache to the disk when it has been quiet for a while, and reads that of a conversation back. What
 * can't be written or read is no failure: such a conversation is made anew. Lives on the inference thread.
 */
class SnapshotKeeper : public QObject {
  Q_OBJECT

 public:
  /** `folder` outlives the keeper; null: nothing is ever kept. */
  explicit SnapshotKeeper(SnapshotFolder* folder, QObject* parent = nullptr);

  /** The cache is changing: what is on the disk is no longer that of the cache. */
  void noteChange() { m_isKept = false; }

  /** The cache has changed and rests: it is to be written if that lasts. */
  void noteRest();

  /** Writes the cache unless the disk has it. */
  void keep(Engine& engine);

  /** Removes what is kept of a conversation: something in it is to be forgotten. */
  void remove(qint64 conversationId);

  /** Makes the engine's cache that of another conversation whose newest message is `lastMessage`, as it was kept, in
   *  the settings of then. Whether that could be done; if not, nothing has changed. */
  bool bringBack(Engine& engine, qint64 conversationId, qint64 lastMessage);

 Q_SIGNALS:
  /** It is time to keep the cache. */
  void due();

 private:
  SnapshotFolder* const m_folder;
  QTimer m_timer;
  bool m_isKept = true;  // the snapshot on the disk is that of the cache
};

}  // namespace runnel::app
