#include "app/chat/snapshot_keeper.h"

#include <QLoggingCategory>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "app/chat/cached_conversation.h"
#include "runnel/error.h"

namespace runnel::app {

namespace {

Q_LOGGING_CATEGORY(logSnapshots, "runnel.snapshots")

// So that quitting has little left to write, and quick turns don't wait for the disk.
constexpr int kKeepAfterMs = 3000;

// What the attachment of a snapshot says; throws Error where that is not the conversation as it stands.
CachedConversation checked(const std::string& attachment, qint64 conversationId, qint64 lastMessage) {
  CachedConversation cached = unpacked(QByteArray::fromStdString(attachment)).value_or(CachedConversation());
  const bool isPresent = cached.conversationId == conversationId && !cached.spans.isEmpty() &&
                         cached.spans.last().messageId == lastMessage;
  if (!isPresent) throw runnel::Error("its snapshot is not of its last message");
  return cached;
}

}  // namespace

SnapshotKeeper::SnapshotKeeper(SnapshotFolder* folder, QObject* parent)
    : QObject(parent), m_folder(folder), m_timer(this) {
  m_timer.setSingleShot(true);
  m_timer.setInterval(kKeepAfterMs);
  connect(&m_timer, &QTimer::timeout, this, &SnapshotKeeper::due);
}

void SnapshotKeeper::noteRest() {
  noteChange();
  m_timer.start();
}

void SnapshotKeeper::keep(Engine& engine) {
  m_timer.stop();
  const qint64 conversationId = engine.cached.conversationId;
  if (!m_folder || m_isKept || conversationId == 0) return;
  const runnel::CacheTelemetry cache = engine.session->telemetry();
  const auto bytes = static_cast<qint64>(cache.bytes_per_token) * std::min<qint64>(cache.fed, cache.slots);
  const QString file = m_folder->place(conversationId, bytes);
  if (file.isEmpty()) return;
  try {
    const QByteArray conversation = packed(engine.cached);
    engine.session->save(std::filesystem::path(file.toStdString()), conversation.toStdString());
    m_isKept = true;
  } catch (const std::exception& error) {
    qCWarning(logSnapshots, "The memory of conversation %lld is not kept: %s", conversationId, error.what());
  }
  m_folder->tidy();
}

void SnapshotKeeper::remove(qint64 conversationId) {
  if (m_folder) m_folder->remove(conversationId);
}

bool SnapshotKeeper::bringBack(Engine& engine, qint64 conversationId, qint64 lastMessage) {
  if (!m_folder || conversationId == 0 || engine.cached.conversationId == conversationId) return false;
  const QString file = m_folder->find(conversationId);
  if (file.isEmpty()) return false;
  keep(engine);
  try {
    CachedConversation cached;
    engine.session->restore(std::filesystem::path(file.toStdString()), [&](const std::string& attachment) {
      cached = checked(attachment, conversationId, lastMessage);
    });
    engine.cached = std::move(cached);
    m_isKept = true;
    return true;
  } catch (const std::exception& error) {
    qCInfo(logSnapshots, "Conversation %lld is made anew: %s", conversationId, error.what());
    return false;
  }
}

}  // namespace runnel::app
