#include <QFileInfo>
#include <QSignalSpy>
#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QTemporaryDir>
#include <QTest>

#include <limits>

#include "app/store/conversation_store.h"
#include "app/store/schema.h"
#include "app/store/sqlite_file.h"

using namespace runnel::app;

class ConversationStoreTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void creates_renames_lists_and_deletes_conversations();
  void reads_back_every_field_of_a_message();
  void updates_a_message_in_place();
  void keeps_hostile_text_as_it_is_data();
  void keeps_hostile_text_as_it_is();
  void remembers_what_is_pinned();
  void takes_over_a_file_of_the_first_version();
  void counts_the_tokens_of_a_conversation();
  void never_uses_an_id_twice();
  void removes_the_text_of_a_deleted_conversation_from_the_disk();
  void removes_the_text_of_a_deleted_message_from_the_disk();
  void a_branch_is_a_copy_up_to_a_message();
  void refuses_what_does_not_exist();
  void is_readable_by_its_owner_alone();
  void reads_ten_thousand_messages();

 private:
  QByteArray onDisk() const {
    QByteArray bytes;
    for (const QFileInfo& info : QFileInfo(path()).dir().entryInfoList(QDir::Files)) {
      QFile file(info.filePath());
      if (file.open(QIODevice::ReadOnly)) bytes += file.readAll();
    }
    return bytes;
  }
  QString path() const {
    return m_folder.filePath(QString::fromLatin1(QTest::currentTestFunction()) + QStringLiteral("/a/b/runnel.db"));
  }

  QTemporaryDir m_folder;
};

void ConversationStoreTest::creates_renames_lists_and_deletes_conversations() {
  ConversationStore store;
  QSignalSpy changed(&store, &ConversationStore::conversationsChanged);
  QVERIFY2(store.open(path()), qPrintable(store.error()));
  const qint64 first = store.createConversation(QStringLiteral("first")).value().id;
  const qint64 second = store.createConversation(QStringLiteral("second")).value().id;
  QVERIFY(store.renameConversation(first, QStringLiteral("renamed")));
  QVERIFY(changed.count() >= 3);
  QCOMPARE(store.conversations().size(), 2);
  QCOMPARE(store.conversations().at(0).id, second);
  QVERIFY(store.appendMessage({.conversationId = second, .text = QStringLiteral("old")}));
  const QDateTime lastChange = store.conversations().at(0).updated;
  QTRY_VERIFY(QDateTime::currentDateTime() > lastChange);
  QVERIFY(store.appendMessage({.conversationId = first, .text = QStringLiteral("new")}));
  QCOMPARE(store.conversations().at(0).id, first);
  QCOMPARE(store.conversations().at(0).title, QStringLiteral("renamed"));
  QVERIFY(store.removeConversation(first));
  QCOMPARE(store.conversations().size(), 1);
  QVERIFY(store.messages(first).isEmpty());
  QCOMPARE(store.messages(second).size(), 1);
}

void ConversationStoreTest::reads_back_every_field_of_a_message() {
  const StoredMessage written{.role = Role::Assistant,
                              .text = QStringLiteral("Grüße, 世界 🦙"),
                              .ids = {0, 1, 127, 65536, std::numeric_limits<qint32>::max()},
                              .prefix = 3,
                              .tokenizer = QStringLiteral("bpe-smollm-49152"),
                              .model = QStringLiteral("SmolLM2"),
                              .settings = QStringLiteral("{\"seed\":42}"),
                              .stopReason = StopReason::Length,
                              .created = QDateTime::fromMSecsSinceEpoch(1764000000123)};
  qint64 conversation = 0;
  {
    ConversationStore store;
    QVERIFY(store.open(path()));
    conversation = store.createConversation(QStringLiteral("x")).value().id;
    StoredMessage message = written;
    message.conversationId = conversation;
    QVERIFY(store.appendMessage({.conversationId = conversation, .role = Role::System}));
    QVERIFY(store.appendMessage(message));
  }
  ConversationStore store;
  QVERIFY(store.open(path()));
  const QList<StoredMessage> messages = store.messages(conversation);
  QCOMPARE(messages.size(), 2);
  QCOMPARE(messages.at(0).role, Role::System);
  QVERIFY(messages.at(0).ids.isEmpty());
  const StoredMessage& read = messages.at(1);
  QCOMPARE(read.conversationId, conversation);
  QCOMPARE(read.role, written.role);
  QCOMPARE(read.text, written.text);
  QCOMPARE(read.ids, written.ids);
  QCOMPARE(read.prefix, written.prefix);
  QCOMPARE(read.tokenizer, written.tokenizer);
  QCOMPARE(read.model, written.model);
  QCOMPARE(read.settings, written.settings);
  QCOMPARE(read.stopReason, written.stopReason);
  QCOMPARE(read.created, written.created);
}

void ConversationStoreTest::updates_a_message_in_place() {
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
  StoredMessage answer{.conversationId = conversation, .role = Role::Assistant};
  answer.id = store.appendMessage(answer).value();
  answer.text = QStringLiteral("partial");
  answer.ids = {5, 6};
  QVERIFY(store.updateMessage(answer));
  QCOMPARE(store.messages(conversation).at(0).stopReason, StopReason::None);
  answer.text += QStringLiteral(" and whole");
  answer.ids.append(7);
  answer.stopReason = StopReason::EndOfTurn;
  QVERIFY(store.updateMessage(answer));
  const StoredMessage read = store.messages(conversation).at(0);
  QCOMPARE(read.text, QStringLiteral("partial and whole"));
  QCOMPARE(read.ids, (QList<qint32>{5, 6, 7}));
  QCOMPARE(read.stopReason, StopReason::EndOfTurn);
}

void ConversationStoreTest::keeps_hostile_text_as_it_is_data() {
  QTest::addColumn<QString>("text");
  QTest::newRow("quotes") << QStringLiteral("'; DROP TABLE message; -- \" ` ? :a @b $c");
  QTest::newRow("NUL bytes") << QString::fromUtf8("a\0b\0", 4);
  QTest::newRow("empty") << QStringLiteral("");
  QTest::newRow("null") << QString();
  QTest::newRow("one megabyte") << QString(1 << 20, QChar(0x754c));
  QTest::newRow("line ends and controls") << QStringLiteral("\r\n\t\x01\x1b[31m\u2028\ufeff");
  QTest::newRow("markup") << QStringLiteral("<img src=http://127.0.0.1:9/x> &lt; <|im_end|>");
}

void ConversationStoreTest::keeps_hostile_text_as_it_is() {
  QFETCH(QString, text);
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(text).value().id;
  QVERIFY(store.appendMessage(
      {.conversationId = conversation, .text = text, .tokenizer = text, .model = text, .settings = text}));
  const StoredMessage read = store.messages(conversation).at(0);
  QCOMPARE(read.text, text.isNull() ? QStringLiteral("") : text);
  QCOMPARE(read.model, read.text);
  QCOMPARE(store.conversations().at(0).title, read.text);
}

void ConversationStoreTest::remembers_what_is_pinned() {
  qint64 conversation = 0;
  qint64 pinned = 0;
  {
    ConversationStore store;
    QVERIFY(store.open(path()));
    conversation = store.createConversation(QStringLiteral("x")).value().id;
    pinned = store.appendMessage({.conversationId = conversation, .text = QStringLiteral("blue")}).value();
    QVERIFY(store.appendMessage({.conversationId = conversation, .text = QStringLiteral("green")}));
    QVERIFY(store.setPinned(pinned, true));
    QVERIFY(!store.setPinned(pinned + 100, true));
    StoredMessage changed = store.messages(conversation).at(0);
    changed.isPinned = false;  // is not what an update is for
    changed.text = QStringLiteral("blue, really");
    QVERIFY(store.updateMessage(changed));
  }
  ConversationStore store;
  QVERIFY(store.open(path()));
  QVERIFY(store.messages(conversation).at(0).isPinned);
  QVERIFY(!store.messages(conversation).at(1).isPinned);
  QVERIFY(store.setPinned(pinned, false));
  QVERIFY(!store.messages(conversation).at(0).isPinned);
}

void ConversationStoreTest::takes_over_a_file_of_the_first_version() {
  {
    SqliteFile file;
    QVERIFY(file.open(path(), {conversationMigrations().front()}));
    QVERIFY(file.run(QStringLiteral("INSERT INTO conversation (title, created_ms, updated_ms) VALUES ('x', 1, 2)")));
    QVERIFY(file.run(QStringLiteral(
        "INSERT INTO message (conversation, role, text, ids, prefix, tokenizer, model, settings, stop_reason,"
        " created_ms) VALUES (1, 'user', 'hello', x'', 0, '', '', '', 'none', 3)")));
  }
  ConversationStore store;
  QVERIFY2(store.open(path()), qPrintable(store.error()));
  QCOMPARE(store.messages(1).size(), 1);
  QCOMPARE(store.messages(1).at(0).text, QStringLiteral("hello"));
  QVERIFY(!store.messages(1).at(0).isPinned);
  QVERIFY(store.setPinned(1, true));
}

void ConversationStoreTest::counts_the_tokens_of_a_conversation() {
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
  QCOMPARE(store.conversations().at(0).tokens, 0);
  QVERIFY(store.appendMessage({.conversationId = conversation, .ids = {1, 2, 3}}));
  QVERIFY(store.appendMessage({.conversationId = conversation, .ids = {4}}));
  QCOMPARE(store.conversations().at(0).tokens, 4);
}

void ConversationStoreTest::never_uses_an_id_twice() {
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
  const qint64 message = store.appendMessage({.conversationId = conversation}).value();
  QVERIFY(store.removeMessages({message}));
  QVERIFY(store.appendMessage({.conversationId = conversation}).value() > message);
  QVERIFY(store.removeConversation(conversation));
  QVERIFY(store.createConversation(QStringLiteral("y")).value().id > conversation);
}

void ConversationStoreTest::removes_the_text_of_a_deleted_conversation_from_the_disk() {
  const QByteArray secret("xyzzy-plugh-secret");
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
  QVERIFY(store.appendMessage({.conversationId = conversation, .text = QString::fromLatin1(secret)}));
  QVERIFY(onDisk().contains(secret));
  QVERIFY(store.removeConversation(conversation));
  QVERIFY(!onDisk().contains(secret));
}

void ConversationStoreTest::removes_the_text_of_a_deleted_message_from_the_disk() {
  const QByteArray secret("xyzzy-plugh-secret");
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
  QVERIFY(store.appendMessage({.conversationId = conversation, .text = QStringLiteral("This stays.")}));
  const std::optional<qint64> message =
      store.appendMessage({.conversationId = conversation, .text = QString::fromLatin1(secret)});
  QVERIFY(message && onDisk().contains(secret));
  QVERIFY(store.removeMessages({*message}));
  QVERIFY(!onDisk().contains(secret) && onDisk().contains("This stays."));
}

void ConversationStoreTest::a_branch_is_a_copy_up_to_a_message() {
  ConversationStore store;
  QVERIFY(store.open(path()));
  const qint64 origin = store.createConversation(QStringLiteral("Trees")).value().id;
  QList<qint64> ids;
  for (const char* text : {"one", "two", "three"})
    ids.append(store
                   .appendMessage({.conversationId = origin,
                                   .role = Role::Assistant,
                                   .text = QString::fromLatin1(text),
                                   .ids = {1, 2},
                                   .tokenizer = QStringLiteral("t"),
                                   .stopReason = StopReason::Length})
                   .value());
  QVERIFY(store.setPinned(ids.at(1), true));
  const std::optional<Branch> branch = store.branch(origin, ids.at(1), QStringLiteral("Twigs"));
  QVERIFY(branch);
  QCOMPARE(store.title(branch->conversationId), QStringLiteral("Twigs"));
  const QList<StoredMessage> copies = store.messages(branch->conversationId);
  QCOMPARE(copies.size(), 2);
  QCOMPARE(copies.at(0).id, branch->messages.value(ids.at(0)));
  QCOMPARE(copies.at(1).id, branch->messages.value(ids.at(1)));
  QCOMPARE(copies.at(1).text, QStringLiteral("two"));
  QCOMPARE(copies.at(1).ids, (QList<qint32>{1, 2}));
  QCOMPARE(copies.at(1).stopReason, StopReason::Length);
  QVERIFY(copies.at(1).isPinned && !copies.at(0).isPinned);
  QCOMPARE(store.messages(origin).size(), 3);
  QVERIFY(store.removeConversation(origin));
  QCOMPARE(store.messages(branch->conversationId).size(), 2);
}

void ConversationStoreTest::refuses_what_does_not_exist() {
  ConversationStore store;
  QSignalSpy failed(&store, &ConversationStore::failed);
  QVERIFY(!store.createConversation(QStringLiteral("not open")));
  QCOMPARE(failed.count(), 1);
  QVERIFY(store.open(path()));
  QVERIFY(!store.renameConversation(99, QStringLiteral("x")));
  QVERIFY(!store.removeConversation(99));
  QVERIFY(!store.removeMessages({99}));
  QVERIFY(!store.updateMessage({.id = 99}));
  QVERIFY(!store.appendMessage({.conversationId = 99, .text = QStringLiteral("orphan")}));
  QCOMPARE(failed.count(), 2);
  QVERIFY(store.messages(99).isEmpty());
}

void ConversationStoreTest::is_readable_by_its_owner_alone() {
  ConversationStore store;
  QVERIFY(store.open(path()));
  QVERIFY(store.createConversation(QStringLiteral("x")));
  const QFileInfoList files = QFileInfo(path()).dir().entryInfoList(QDir::Files);
  QVERIFY(files.size() >= 2);  // the database and its log
  constexpr QFile::Permissions kOthers =
      QFile::ReadGroup | QFile::WriteGroup | QFile::ExeGroup | QFile::ReadOther | QFile::WriteOther | QFile::ExeOther;
  for (const QFileInfo& file : files) QVERIFY2(!(file.permissions() & kOthers), qPrintable(file.fileName()));
}

void ConversationStoreTest::reads_ten_thousand_messages() {
  constexpr int kMessages = 10'000;
  qint64 conversation = 0;
  {
    ConversationStore store;
    QVERIFY(store.open(path()));
    conversation = store.createConversation(QStringLiteral("long")).value().id;
  }
  {
    QSqlDatabase raw = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), QStringLiteral("raw"));
    raw.setDatabaseName(path());
    QVERIFY(raw.open());
    QVERIFY(raw.transaction());
    QSqlQuery insert(raw);
    QVERIFY(insert.prepare(
        QStringLiteral("INSERT INTO message VALUES (NULL, ?, 'user', ?, ?, 0, '', '', '', 'none', 0, 0)")));
    for (int i = 0; i < kMessages; ++i) {
      insert.addBindValue(conversation);
      insert.addBindValue(QStringLiteral("message %1 ").arg(i).repeated(20));
      insert.addBindValue(QByteArray(400, '\1'));
      QVERIFY2(insert.exec(), qPrintable(insert.lastError().text()));
    }
    QVERIFY(raw.commit());
  }
  QSqlDatabase::removeDatabase(QStringLiteral("raw"));
  ConversationStore store;
  QVERIFY(store.open(path()));
  QList<StoredMessage> messages;
  QBENCHMARK_ONCE {
    messages = store.messages(conversation);
  }
  QCOMPARE(messages.size(), kMessages);
  QVERIFY(messages.last().text.startsWith(QStringLiteral("message 9999 ")));
  QCOMPARE(messages.last().ids.size(), 100);
  QCOMPARE(store.conversations().at(0).tokens, 100 * kMessages);
}

QTEST_GUILESS_MAIN(ConversationStoreTest)
#include "tst_conversation_store.moc"
