#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

#include "app/chat/cached_conversation.h"
#include "app/store/snapshot_folder.h"
#include "tests/app/chat/talk.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

/** A conversation that is opened again finds its cache as it was. */
class SnapshotsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();

  void goes_on_after_the_program_was_closed();
  void shows_what_is_remembered_when_it_is_opened();
  void comes_back_after_another_conversation();
  void a_branch_and_its_origin_are_both_remembered();
  void keeps_pins_and_takes_over_new_settings();
  void is_made_anew_when_messages_were_added_since();
  void is_made_anew_when_the_file_is_damaged();
  void a_removed_conversation_leaves_nothing();
  void a_removed_message_leaves_nothing();
  void a_branch_has_what_is_cached_of_its_messages();
  void the_oldest_give_way_to_the_budget();
  void files_of_unknown_conversations_go();
  void what_is_packed_is_unpacked_whole_or_not_at_all();

 private:
  QString file(qint64 conversation) const {
    return m_folder->filePath(QStringLiteral("snapshots/%1.kv").arg(conversation));
  }
  /** A program that was started: backend and model. */
  std::unique_ptr<Talk> started(const runnel::CacheSettings& settings = {.ctx_size = 128}) const {
    auto talk = std::make_unique<Talk>(m_snapshots.get());
    if (!talk->set(settings) || !talk->load(m_model)) return nullptr;
    return talk;
  }

  std::unique_ptr<QTemporaryDir> m_folder;
  std::unique_ptr<SnapshotFolder> m_snapshots;
  QString m_model;
};

void SnapshotsTest::init() {
  m_folder = std::make_unique<QTemporaryDir>();
  m_model = writeTinyModel(m_folder->filePath(QStringLiteral("tiny")));
  m_snapshots = std::make_unique<SnapshotFolder>(m_folder->filePath(QStringLiteral("snapshots")));
  m_snapshots->setBudget(100'000'000);
}

void SnapshotsTest::goes_on_after_the_program_was_closed() {
  QList<ChatMessage> messages;
  runnel::CacheTelemetry before;
  {
    const auto talk = started();
    QVERIFY(talk);
    for (int turn = 0; turn < 4; ++turn)
      QVERIFY(talk->exchange(messages, QStringLiteral("All work and no play. ").repeated(4)));
    before = talk->snapshot().telemetry;
    QVERIFY(before.evicted > 0);
  }
  QVERIFY(QFileInfo::exists(file(1)));
  const auto talk = started();
  QVERIFY(talk);
  QVERIFY(talk->exchange(messages, QStringLiteral("Go on")));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());  // nothing was read again
  QCOMPARE(talk->snapshot().telemetry.fed, before.fed + talk->stats().promptIds.size() + talk->ids().size());

  Talk undisturbed;
  QVERIFY(undisturbed.open(m_model, {.ctx_size = 128}));
  QList<ChatMessage> expected;
  for (int turn = 0; turn < 4; ++turn)
    QVERIFY(undisturbed.exchange(expected, QStringLiteral("All work and no play. ").repeated(4)));
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("Go on")));
  QCOMPARE(messages.last().ids, expected.last().ids);
}

void SnapshotsTest::shows_what_is_remembered_when_it_is_opened() {
  QList<ChatMessage> messages;
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
  }
  const auto talk = started();
  QVERIFY(talk);
  talk->backend.open(1, messages);
  QTRY_VERIFY_WITH_TIMEOUT(!talk->cache.isEmpty() && talk->snapshot().conversationId == 1, kPatience);
  QCOMPARE(talk->snapshot().spans.size(), 3);
  QVERIFY(talk->snapshot().telemetry.cached > 0);
}

void SnapshotsTest::comes_back_after_another_conversation() {
  const auto talk = started();
  QVERIFY(talk);
  QList<ChatMessage> first;
  QList<ChatMessage> second;
  QVERIFY(talk->exchange(first, QStringLiteral("All work and no play. ").repeated(8)));
  QVERIFY(talk->exchange(second, QStringLiteral("Another"), 8, 2));
  QVERIFY(talk->exchange(first, QStringLiteral("Go on")));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());
  QVERIFY(talk->exchange(second, QStringLiteral("Go on"), 8, 2));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());
}

void SnapshotsTest::a_branch_and_its_origin_are_both_remembered() {
  const QString text = QStringLiteral("All work and no play. ").repeated(4);
  const auto talk = started();
  QVERIFY(talk);
  QList<ChatMessage> origin;
  for (int turn = 0; turn < 3; ++turn) QVERIFY(talk->exchange(origin, text));
  const qint64 last = origin.last().id;
  QVERIFY(talk->exchange(origin, QStringLiteral("Go on")));
  QList<ChatMessage> branch;
  QHash<qint64, qint64> ids;
  for (ChatMessage message : std::as_const(origin)) {
    if (message.id > last) break;
    ids.insert(message.id, 2000 + branch.size() + 1);
    message.id = 2000 + branch.size() + 1;
    branch.append(message);
  }
  talk->backend.branch(1, origin.last().id, 2, ids);
  QVERIFY(talk->exchange(branch, QStringLiteral("Elsewhere"), 8, 2));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());
  QCOMPARE(talk->snapshot().spans.last().messageId, branch.last().id);
  QVERIFY(talk->exchange(origin, QStringLiteral("And on")));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());

  Talk undisturbed;
  QVERIFY(undisturbed.open(m_model, {.ctx_size = 128}));
  QList<ChatMessage> expected;
  for (int turn = 0; turn < 3; ++turn) QVERIFY(undisturbed.exchange(expected, text));
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("Elsewhere")));
  QVERIFY(undisturbed.snapshot().telemetry.evicted > 0);
  QCOMPARE(branch.last().ids, expected.last().ids);
}

void SnapshotsTest::keeps_pins_and_takes_over_new_settings() {
  QList<ChatMessage> messages;
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Mine is blue")));
    QVERIFY(talk->pin(1001));
  }
  const auto talk = started({.ctx_size = 96, .n_keep = 2, .n_discard = 5, .kv_type = runnel::KvType::q8});
  QVERIFY(talk);
  for (int turn = 0; turn < 3; ++turn)
    QVERIFY(talk->exchange(messages, QStringLiteral("All work and no play. ").repeated(4)));
  const runnel::CacheTelemetry cache = talk->snapshot().telemetry;
  QCOMPARE(cache.settings.ctx_size, 96);
  QCOMPARE(cache.settings.n_keep, 2);
  QCOMPARE(cache.settings.n_discard, 5);
  QCOMPARE(cache.settings.kv_type, runnel::KvType::q8);
  QVERIFY(std::ranges::any_of(cache.runs, [](const runnel::Run& run) { return run.reason == runnel::Reason::pin; }));
  QVERIFY(talk->snapshot().spans.at(1).isPinned);
}

void SnapshotsTest::is_made_anew_when_messages_were_added_since() {
  QList<ChatMessage> messages;
  QByteArray early;
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
  }
  {
    QFile snapshot(file(1));
    QVERIFY(snapshot.open(QFile::ReadOnly));
    early = snapshot.readAll();
  }
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("And more")));
  }
  QFile snapshot(file(1));
  QVERIFY(snapshot.open(QFile::WriteOnly));
  snapshot.write(early);
  snapshot.close();
  const auto talk = started();
  QVERIFY(talk && talk->exchange(messages, QStringLiteral("Go on")));
  QVERIFY(talk->stats().promptEvaluated > talk->stats().promptIds.size());
  QCOMPARE(talk->snapshot().spans.size(), 7);
}

void SnapshotsTest::is_made_anew_when_the_file_is_damaged() {
  QList<ChatMessage> messages;
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
  }
  QFile snapshot(file(1));
  QVERIFY(snapshot.open(QFile::ReadWrite) && snapshot.seek(snapshot.size() / 2) && snapshot.putChar('x'));
  snapshot.close();
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Go on")));
    QVERIFY(talk->stats().promptEvaluated > talk->stats().promptIds.size());
  }
  const auto talk = started();  // and then there is a good one again
  QVERIFY(talk && talk->exchange(messages, QStringLiteral("And on")));
  QCOMPARE(talk->stats().promptEvaluated, talk->stats().promptIds.size());
}

void SnapshotsTest::a_removed_conversation_leaves_nothing() {
  QList<ChatMessage> messages;
  {
    const auto talk = started();
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
    m_snapshots->forget(1);
    QList<ChatMessage> other;
    QVERIFY(talk->exchange(other, QStringLiteral("Another"), 8, 2));
  }
  QVERIFY(!QFileInfo::exists(file(1)));
  QVERIFY(QFileInfo::exists(file(2)));
}

void SnapshotsTest::the_oldest_give_way_to_the_budget() {
  const auto talk = started();
  QVERIFY(talk);
  for (qint64 conversation = 1; conversation <= 3; ++conversation) {
    QList<ChatMessage> messages;
    QVERIFY(talk->exchange(messages, QStringLiteral("Hello there"), 8, conversation));
  }
  QVERIFY(QFileInfo::exists(file(1)) && QFileInfo::exists(file(2)));
  // Times are compared, so they are made to differ.
  QFile newer(file(2));
  QVERIFY(newer.open(QFile::ReadWrite) &&
          newer.setFileTime(QDateTime::currentDateTime().addSecs(60), QFile::FileModificationTime));
  m_snapshots->setBudget(QFileInfo(file(2)).size() + 10);
  QVERIFY(!QFileInfo::exists(file(1)));
  QVERIFY(QFileInfo::exists(file(2)));
  m_snapshots->setBudget(0);
  QVERIFY(!QFileInfo::exists(file(2)));
  QList<ChatMessage> messages;
  QVERIFY(talk->exchange(messages, QStringLiteral("Hello there"), 8, 4));
  QVERIFY(QDir(m_folder->filePath(QStringLiteral("snapshots"))).isEmpty());
}

void SnapshotsTest::files_of_unknown_conversations_go() {
  {
    const auto talk = started();
    QList<ChatMessage> messages;
    QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
    messages.clear();
    QVERIFY(talk->exchange(messages, QStringLiteral("Hello there"), 8, 2));
  }
  QVERIFY(QFileInfo::exists(file(1)) && QFileInfo::exists(file(2)));
  m_snapshots->keepOnly({2, 3});
  QVERIFY(!QFileInfo::exists(file(1)));
  QVERIFY(QFileInfo::exists(file(2)));
}

void SnapshotsTest::a_removed_message_leaves_nothing() {
  const auto talk = started();
  QList<ChatMessage> messages;
  QList<ChatMessage> other;
  QVERIFY(talk && talk->exchange(messages, QStringLiteral("Hello there")));
  QVERIFY(talk->exchange(messages, QStringLiteral("Take this back")));
  QVERIFY(talk->exchange(other, QStringLiteral("Another"), 8, 2));  // the first one is on the disk alone
  QVERIFY(QFileInfo::exists(file(1)));
  talk->backend.forgetAfter(1, messages.at(1).id);
  QTRY_VERIFY_WITH_TIMEOUT(!QFileInfo::exists(file(1)), kPatience);
}

void SnapshotsTest::a_branch_has_what_is_cached_of_its_messages() {
  CachedConversation cached;
  cached.conversationId = 7;
  cached.ids = {1, 2, 3, 4, 5, 6};
  cached.prefix = 2;
  // Made anew: messages 5 and 6 were left out.
  cached.spans = {{.messageId = 0, .role = Role::System, .first = 0, .end = 2},
                  {.messageId = 7, .role = Role::User, .first = 2, .end = 4, .isPinned = true},
                  {.messageId = 8, .role = Role::Assistant, .first = 4, .end = 6}};
  const QHash<qint64, qint64> copies = {{5, 15}, {6, 16}, {7, 17}};
  CachedConversation branch = cached;
  QVERIFY(becomeBranch(branch, 9, copies, [&](qint64 fed) {
    QCOMPARE(fed, 4);
    cutBack(branch, fed);
  }));
  QCOMPARE(branch.conversationId, 9);
  QCOMPARE(branch.ids, (std::vector<runnel::Token>{1, 2, 3, 4}));
  QCOMPARE(branch.spans.size(), 2);
  QCOMPARE(branch.spans.at(1).messageId, 17);
  QVERIFY(branch.spans.at(1).isPinned);

  CachedConversation emptied = cached;
  QVERIFY(becomeBranch(emptied, 9, copies, [&](qint64) { emptied = {}; }));
  QCOMPARE(emptied.conversationId, 0);
  QVERIFY(!becomeBranch(cached, 9, {{5, 15}}, [](qint64) { QFAIL("nothing of it is cached"); }));
  QCOMPARE(cached.conversationId, 7);
  QCOMPARE(endOf(cached, 8).value_or(0), 6);
  QVERIFY(!endOf(cached, 5));
}

void SnapshotsTest::what_is_packed_is_unpacked_whole_or_not_at_all() {
  CachedConversation cached;
  cached.conversationId = 7;
  cached.ids = {1, 2, 3, 4, 5, 6};
  cached.prefix = 2;
  cached.spans = {{.messageId = 0, .role = Role::System, .first = 0, .end = 2},
                  {.messageId = 5, .role = Role::User, .first = 2, .end = 4, .isPinned = true},
                  {.messageId = 6, .role = Role::Assistant, .first = 4, .end = 6}};
  const QByteArray bytes = packed(cached);
  const auto read = unpacked(bytes);
  QVERIFY(read);
  QCOMPARE(read->conversationId, 7);
  QCOMPARE(read->ids, cached.ids);
  QCOMPARE(read->prefix, 2);
  QCOMPARE(read->spans.size(), 3);
  QCOMPARE(read->spans.at(1).messageId, 5);
  QCOMPARE(read->spans.at(1).role, Role::User);
  QVERIFY(read->spans.at(1).isPinned && !read->spans.at(2).isPinned);
  for (qsizetype size = 0; size < bytes.size(); ++size) QVERIFY(!unpacked(bytes.first(size)));
  QVERIFY(!unpacked(bytes + 'x'));
  cached.spans[1].end = 7;  // beyond what was fed
  cached.spans[2].first = 7;
  QVERIFY(!unpacked(packed(cached)));
}

QTEST_GUILESS_MAIN(SnapshotsTest)
#include "tst_snapshots.moc"
