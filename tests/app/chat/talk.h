#pragma once

#include <QSignalSpy>
#include <QTest>

#include "app/chat/local_backend.h"

namespace runnel::app {

/** Milliseconds that a test waits for what must come. */
constexpr int kPatience = 120'000;

inline ChatMessage user(qint64 id, const QString& text) {
  return {.id = id, .role = Role::User, .text = text};
}

/** A backend, everything that it says, and a conversation that is carried on as an application would. */
struct Talk {
  explicit Talk(SnapshotFolder* snapshots = nullptr)
      : backend(snapshots),
        loaded(&backend, &ChatBackend::loaded),
        loadFailed(&backend, &ChatBackend::loadFailed),
        tokens(&backend, &ChatBackend::tokens),
        finished(&backend, &ChatBackend::finished),
        cancelled(&backend, &ChatBackend::promptCancelled),
        failed(&backend, &ChatBackend::failed),
        progress(&backend, &ChatBackend::promptProgress),
        cache(&backend, &ChatBackend::cacheChanged),
        applied(&backend, &ChatBackend::cacheSettingsApplied),
        refused(&backend, &ChatBackend::cacheSettingsRefused),
        noticed(&backend, &ChatBackend::noticed),
        pinned(&backend, &ChatBackend::pinChanged),
        pinRefused(&backend, &ChatBackend::pinRefused),
        described(&backend, &ChatBackend::tokenDescribed) {}

  bool load(const QString& path) {
    backend.load({.path = path, .threads = 1});
    return loaded.wait(kPatience);
  }
  bool set(const runnel::CacheSettings& settings) {
    backend.setCacheSettings(settings);
    return applied.wait(kPatience);
  }
  /** Loads a model into a cache with these settings. */
  bool open(const QString& path, const runnel::CacheSettings& settings) { return set(settings) && load(path); }
  /** Whether the message is pinned afterwards. */
  bool pin(qint64 messageId, bool on = true, qint64 conversation = 1) {
    const qsizetype before = pinned.count();
    const qsizetype refusedBefore = pinRefused.count();
    backend.setPinned(conversation, messageId, on);
    (void)QTest::qWaitFor([&] { return pinned.count() > before || pinRefused.count() > refusedBefore; }, kPatience);
    return pinned.count() > before;
  }
  /** The label of the token at `position`; null when there is no answer. */
  QString tokenAt(qint64 position, qint64 conversation = 1) {
    described.clear();
    backend.describeToken(conversation, position);
    if (!described.wait(kPatience)) return {};
    const QList<QVariant> answer = described.takeFirst();
    const bool isMeant = answer.at(0).toLongLong() == conversation && answer.at(1).toLongLong() == position;
    return isMeant ? answer.at(2).toString() : QString();
  }
  void send(QList<ChatMessage> messages, qint64 answerId, int maxTokens = 8, qint64 conversation = 1) {
    TurnRequest request{.conversationId = conversation, .messages = std::move(messages), .answerId = answerId};
    request.sampling.temperature = 0;
    request.maxTokens = maxTokens;
    backend.send(request);
  }
  /** Sends, waits, and appends the exchange to `messages`. */
  bool exchange(QList<ChatMessage>& messages, const QString& text, int maxTokens = 8, qint64 conversation = 1) {
    const qint64 id = conversation * 1000 + messages.size() + 1;
    messages.append(user(id, text));
    tokens.clear();
    send(messages, id + 1, maxTokens, conversation);
    if (!finished.wait(kPatience)) return false;
    const TurnStats turn = stats();
    messages.last().ids = turn.promptIds;
    messages.last().prefix = turn.promptPrefix;
    messages.last().tokenizer = turn.tokenizer;
    messages.append({.id = id + 1,
                     .role = Role::Assistant,
                     .text = this->text(),
                     .ids = turn.answerIds,
                     .tokenizer = turn.tokenizer,
                     .stopReason = turn.stopReason});
    return true;
  }
  QString text() const {
    QString text;
    for (const QList<QVariant>& batch : tokens) text += batch.at(0).value<TokenBatch>().text;
    return text;
  }
  QList<qint32> ids() const {
    QList<qint32> ids;
    for (const QList<QVariant>& batch : tokens) ids += batch.at(0).value<TokenBatch>().ids;
    return ids;
  }
  TurnStats stats() const { return finished.last().at(0).value<TurnStats>(); }
  /** Drops what was said so far. */
  void forget() {
    for (QSignalSpy* spy : {&loaded, &loadFailed, &tokens, &finished, &cancelled, &progress, &cache, &applied})
      spy->clear();
  }
  CacheSnapshot snapshot() const { return cache.last().at(0).value<CacheSnapshot>(); }

  LocalBackend backend;
  QSignalSpy loaded, loadFailed, tokens, finished, cancelled, failed, progress, cache, applied, refused, noticed,
      pinned, pinRefused, described;
};

}  // namespace runnel::app
