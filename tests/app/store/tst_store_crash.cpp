#include <QCoreApplication>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <cstdio>

#include "app/store/conversation_store.h"

using namespace runnel::app;

/** What the program that will be killed does: it writes a question, then an answer in pieces, and says so. */
int writeUntilKilled(const QString& path) {
  ConversationStore store;
  if (!store.open(path)) return 1;
  const auto conversation = store.createConversation(QStringLiteral("killed"));
  if (!conversation) return 1;
  StoredMessage question{.conversationId = conversation->id, .text = QStringLiteral("How long?")};
  StoredMessage answer{.conversationId = conversation->id, .role = Role::Assistant};
  if (!store.appendMessage(question)) return 1;
  const auto id = store.appendMessage(answer);
  if (!id) return 1;
  answer.id = *id;
  for (int i = 0;; ++i) {
    answer.text += QStringLiteral("word%1 ").arg(i);
    answer.ids.append(i);
    if (!store.updateMessage(answer)) return 1;
    std::printf("%d\n", i);
    std::fflush(stdout);
  }
}

class StoreCrashTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void keeps_everything_that_was_written_when_the_program_is_killed();

 private:
  QTemporaryDir m_folder;
};

void StoreCrashTest::keeps_everything_that_was_written_when_the_program_is_killed() {
  const QString path = m_folder.filePath(QStringLiteral("runnel.db"));
  QProcess writer;
  writer.setProcessChannelMode(QProcess::SeparateChannels);
  writer.start(QCoreApplication::applicationFilePath(), {QStringLiteral("--write"), path});
  QByteArray said;
  while (said.count('\n') < 30) {
    QVERIFY2(writer.waitForReadyRead(60'000), qPrintable(writer.errorString()));
    said += writer.readAllStandardOutput();
  }
  writer.kill();
  QVERIFY(writer.waitForFinished(60'000));
  said += writer.readAllStandardOutput();
  const qsizetype whole = said.count('\n');

  ConversationStore store;
  QVERIFY2(store.open(path), qPrintable(store.error()));
  QCOMPARE(store.conversations().size(), 1);
  const QList<StoredMessage> messages = store.messages(store.conversations().at(0).id);
  QCOMPARE(messages.size(), 2);
  QCOMPARE(messages.at(0).text, QStringLiteral("How long?"));
  QCOMPARE(messages.at(0).stopReason, StopReason::None);
  QCOMPARE(messages.at(1).stopReason, StopReason::Failed);
  QVERIFY2(messages.at(1).ids.size() >= whole, "an update that had returned is missing");
  QVERIFY(messages.at(1).text.startsWith(QStringLiteral("word0 word1 word2 ")));
  QCOMPARE(messages.at(1).text.count(u' '), messages.at(1).ids.size());
}

int main(int argc, char** argv) {
  QCoreApplication app(argc, argv);
  const QStringList arguments = QCoreApplication::arguments();
  if (arguments.size() == 3 && arguments.at(1) == QLatin1String("--write")) return writeUntilKilled(arguments.at(2));
  StoreCrashTest test;
  return QTest::qExec(&test, argc, argv);
}

#include "tst_store_crash.moc"
