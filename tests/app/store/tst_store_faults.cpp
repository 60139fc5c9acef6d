#include <QDir>
#include <QSignalSpy>
#include <QSqlDatabase>
#include <QSqlQuery>
#include <QTemporaryDir>
#include <QTest>

#include "app/store/conversation_store.h"
#include "app/store/sqlite_file.h"

using namespace runnel::app;

class StoreFaultsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void tells_a_damaged_file_from_other_faults_data();
  void tells_a_damaged_file_from_other_faults();
  void moves_a_damaged_file_aside_only_when_asked();
  void says_when_another_connection_holds_the_file();
  void says_when_the_folder_cannot_be_written();
  void refuses_a_file_of_another_program();
  void refuses_a_file_of_a_newer_version();
  void backs_up_before_it_migrates();
  void leaves_the_file_as_it_was_when_a_migration_fails();

 private:
  QString path() const {
    const QString folder = m_folder.filePath(QString::fromLatin1(QTest::currentTestFunction()) + u'/' +
                                             QString::fromLatin1(QTest::currentDataTag()));
    QDir().mkpath(folder);
    return folder + QStringLiteral("/runnel.db");
  }
  static QByteArray contents(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
  }
  static void overwrite(const QString& path, const QByteArray& bytes) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
    QCOMPARE(file.write(bytes), bytes.size());
  }
  static void execute(const QString& path, const QStringList& statements) {
    {
      QSqlDatabase raw = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), QStringLiteral("raw"));
      raw.setDatabaseName(path);
      QVERIFY(raw.open());
      for (const QString& statement : statements) QVERIFY(QSqlQuery(raw).exec(statement));
    }
    QSqlDatabase::removeDatabase(QStringLiteral("raw"));
  }
  /** A database with a conversation of some 200 kB. */
  static void fill(const QString& path) {
    ConversationStore store;
    QVERIFY(store.open(path));
    const qint64 conversation = store.createConversation(QStringLiteral("x")).value().id;
    for (int i = 0; i < 20; ++i)
      QVERIFY(store.appendMessage({.conversationId = conversation, .text = QString(10'000, u'a')}));
  }

  QTemporaryDir m_folder;
};

void StoreFaultsTest::tells_a_damaged_file_from_other_faults_data() {
  QTest::addColumn<QByteArray>("kind");
  QTest::newRow("garbage") << QByteArray("garbage");
  QTest::newRow("short garbage") << QByteArray("short");
  QTest::newRow("truncated") << QByteArray("truncated");
  QTest::newRow("truncated inside the header") << QByteArray("header");
  QTest::newRow("overwritten in the middle") << QByteArray("middle");
}

void StoreFaultsTest::tells_a_damaged_file_from_other_faults() {
  QFETCH(QByteArray, kind);
  fill(path());
  QByteArray bytes = contents(path());
  QVERIFY(bytes.size() > 150'000);
  if (kind == "garbage") bytes = QByteArray(50'000, '\x5a');
  if (kind == "short") bytes = "hello";
  if (kind == "truncated") bytes.truncate(bytes.size() / 2 + 17);
  if (kind == "header") bytes.truncate(60);
  if (kind == "middle") bytes.replace(4096, 16 * 4096, QByteArray(16 * 4096, '\xff'));
  overwrite(path(), bytes);

  ConversationStore store;
  QVERIFY(!store.open(path()));
  QVERIFY(store.isDamaged());
  QVERIFY2(store.error().contains(path()) && store.error().contains(QStringLiteral("damaged")),
           qPrintable(store.error()));
  QCOMPARE(contents(path()), bytes);
  QVERIFY(store.conversations().isEmpty());
}

void StoreFaultsTest::moves_a_damaged_file_aside_only_when_asked() {
  overwrite(path(), QByteArray(5000, 'x'));
  ConversationStore store;
  QVERIFY(!store.open(path()));
  const std::optional<QString> aside = store.replaceDamaged();
  QVERIFY(aside);
  QCOMPARE(contents(*aside), QByteArray(5000, 'x'));
  QVERIFY(store.createConversation(QStringLiteral("new")));
  QVERIFY2(!store.replaceDamaged(), "an open, sound file must stay where it is");
  QCOMPARE(store.conversations().size(), 1);
}

void StoreFaultsTest::says_when_another_connection_holds_the_file() {
  auto first = std::make_unique<ConversationStore>();
  QVERIFY(first->open(path()));
  QVERIFY(first->createConversation(QStringLiteral("mine")));
  ConversationStore second;
  QVERIFY(!second.open(path()));
  QVERIFY2(second.error().contains(QStringLiteral("in use by another program")), qPrintable(second.error()));
  QVERIFY(!second.isDamaged());
  QVERIFY2(!second.replaceDamaged(), "a file in use must not be moved");
  QVERIFY(first->createConversation(QStringLiteral("still mine")));
  first.reset();
  QVERIFY2(second.open(path()), qPrintable(second.error()));
  QCOMPARE(second.conversations().size(), 2);
}

void StoreFaultsTest::says_when_the_folder_cannot_be_written() {
  // /proc refuses new files even to root, whom permissions don't stop.
  for (const char* where : {"/proc/runnel.db", "/proc/runnel/runnel.db", "/dev/null/runnel.db", "/"}) {
    const QString place = QString::fromLatin1(where);
    ConversationStore store;
    QVERIFY2(!store.open(place), where);
    QVERIFY2(store.error().contains(QStringLiteral("permissions")) || store.error().contains(QStringLiteral("file")),
             qPrintable(store.error()));
    QVERIFY(!store.isDamaged());
  }
}

void StoreFaultsTest::refuses_a_file_of_another_program() {
  execute(path(), {QStringLiteral("CREATE TABLE recipes (name TEXT)")});
  const QByteArray before = contents(path());
  ConversationStore store;
  QVERIFY(!store.open(path()));
  QVERIFY2(store.error().contains(QStringLiteral("another program")), qPrintable(store.error()));
  QVERIFY(!store.isDamaged());
  SqliteFile file;
  QVERIFY(!file.open(path(), {{QStringLiteral("CREATE TABLE more (name TEXT)")}}));
}

void StoreFaultsTest::refuses_a_file_of_a_newer_version() {
  fill(path());
  execute(path(), {QStringLiteral("PRAGMA user_version = 1000")});
  ConversationStore store;
  QVERIFY(!store.open(path()));
  QVERIFY2(store.error().contains(QStringLiteral("newer version")), qPrintable(store.error()));
  QVERIFY(!store.isDamaged());
}

void StoreFaultsTest::backs_up_before_it_migrates() {
  fill(path());
  std::vector<Migration> migrations = conversationMigrations();
  const int version = static_cast<int>(migrations.size());
  migrations.push_back({QStringLiteral("ALTER TABLE conversation ADD COLUMN colour TEXT NOT NULL DEFAULT 'teal'"),
                        QStringLiteral("UPDATE conversation SET title = 'migrated'")});
  const QString backup = QStringLiteral("%1.v%2.backup").arg(path()).arg(version);
  overwrite(backup, "an older backup in the way");
  {
    SqliteFile file;
    QVERIFY2(file.open(path(), migrations), qPrintable(file.error()));
    std::optional<QSqlQuery> row = file.run(QStringLiteral("SELECT title, colour FROM conversation"));
    QVERIFY(row && row->next());
    QCOMPARE(row->value(0).toString(), QStringLiteral("migrated"));
    QCOMPARE(row->value(1).toString(), QStringLiteral("teal"));
  }
  QVERIFY(!(QFileInfo(backup).permissions() & (QFile::ReadGroup | QFile::ReadOther)));
  ConversationStore old;
  QVERIFY2(old.open(backup), qPrintable(old.error()));
  QCOMPARE(old.conversations().at(0).title, QStringLiteral("x"));
  QCOMPARE(old.messages(old.conversations().at(0).id).size(), 20);
}

void StoreFaultsTest::leaves_the_file_as_it_was_when_a_migration_fails() {
  fill(path());
  std::vector<Migration> migrations = conversationMigrations();
  migrations.push_back({QStringLiteral("UPDATE conversation SET title = 'half'"), QStringLiteral("THIS IS NOT SQL")});
  {
    SqliteFile file;
    QVERIFY(!file.open(path(), migrations));
    QVERIFY(!file.error().isEmpty());
  }
  ConversationStore store;
  QVERIFY2(store.open(path()), qPrintable(store.error()));
  QCOMPARE(store.conversations().at(0).title, QStringLiteral("x"));
}

QTEST_GUILESS_MAIN(StoreFaultsTest)
#include "tst_store_faults.moc"
