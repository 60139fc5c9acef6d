#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <malloc.h>
#include <unistd.h>

#include "tests/app/chat/talk.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

namespace {

/** What this process holds. */
struct Resources {
  qsizetype threads = 0;
  qsizetype descriptors = 0;
  qint64 residentKilobytes = 0;
};

// AddressSanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool memoryIsMeasurable = false;
#else
constexpr bool memoryIsMeasurable = true;
#endif

Resources resources() {
  malloc_trim(0);
  QFile statm(QStringLiteral("/proc/self/statm"));
  const bool isOpen = statm.open(QIODevice::ReadOnly);
  const QList<QByteArray> pages = isOpen ? statm.readAll().split(' ') : QList<QByteArray>();
  return {.threads = QDir(QStringLiteral("/proc/self/task")).entryList(QDir::Dirs | QDir::NoDotAndDotDot).size(),
          .descriptors = QDir(QStringLiteral("/proc/self/fd"))
                             .entryList(QDir::NoDotAndDotDot | QDir::AllEntries | QDir::System)
                             .size(),
          .residentKilobytes = pages.value(1).toLongLong() * sysconf(_SC_PAGESIZE) / 1024};
}

}  // namespace

/** Loading, changing and leaving models. */
class ModelChangesTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();

  void loads_a_model_and_shows_its_empty_cache();
  void gives_a_smaller_model_less_than_was_asked_for();
  void failing_loads_keep_the_old_model();
  void changes_models_200_times_and_leaves_nothing_behind();
  void quits_at_any_moment_data();
  void quits_at_any_moment();

 private:
  QTemporaryDir m_folder;
  QString m_model;
};

void ModelChangesTest::initTestCase() {
  m_model = writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
}

void ModelChangesTest::loads_a_model_and_shows_its_empty_cache() {
  Talk talk;
  QSignalSpy progress(&talk.backend, &ChatBackend::loadProgress);
  QVERIFY(talk.open(m_model, {.ctx_size = 128}));
  QCOMPARE(talk.loaded.at(0).at(0).toString(), m_model);
  QCOMPARE(talk.loaded.at(0).at(1).value<runnel::ModelFacts>().n_vocab, 1000);
  QTRY_COMPARE(talk.cache.count(), 1);
  QCOMPARE(talk.snapshot().telemetry.settings.ctx_size, 128);
  QCOMPARE(talk.snapshot().telemetry.slots, 192);
  QVERIFY(talk.snapshot().telemetry.bytes > 0);
  QVERIFY(!progress.isEmpty());
  QCOMPARE(progress.last().at(0).toDouble(), 1.0);
}

void ModelChangesTest::gives_a_smaller_model_less_than_was_asked_for() {
  const QString small = writeTinyModel(m_folder.filePath(QStringLiteral("small")), {.trainedContext = 64});
  Talk talk;
  QVERIFY(talk.open(small, {.ctx_size = 4096, .n_keep = 100, .n_discard = 500}));
  QTRY_COMPARE(talk.applied.count(), 2);
  const auto fitted = talk.applied.last().at(0).value<runnel::CacheSettings>();
  QCOMPARE(fitted.ctx_size, 64);
  QCOMPARE(fitted.n_keep, 62);
  QCOMPARE(fitted.n_discard, 1);
  QVERIFY(talk.load(m_model));
  QTRY_COMPARE(talk.applied.count(), 3);
  QCOMPARE(talk.applied.last().at(0).value<runnel::CacheSettings>().ctx_size, 4096);
}

void ModelChangesTest::failing_loads_keep_the_old_model() {
  Talk talk;
  QVERIFY(talk.load(m_model));
  const QString garbage = m_folder.filePath(QStringLiteral("garbage.gguf"));
  QFile file(garbage);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(QByteArray(1000, 'x'));
  file.close();
  for (const QString& path : {garbage, m_folder.filePath(QStringLiteral("missing.gguf")), m_folder.path()}) {
    talk.backend.load({.path = path, .threads = 1});
    QVERIFY(talk.loadFailed.wait(kPatience));
    QVERIFY(!talk.loadFailed.last().at(0).toString().isEmpty());
  }
  talk.backend.load({.path = m_model, .threads = 1});
  talk.backend.cancelLoad();
  QVERIFY(talk.loadFailed.wait(kPatience));
  QCOMPARE(talk.loaded.count(), 1);
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("Are you still there?")));
}

// Every fifth model is replaced while it is still loading, every seventh while it answers, every ninth can't be loaded.
void ModelChangesTest::changes_models_200_times_and_leaves_nothing_behind() {
  const QStringList models = {m_model, writeTinyModel(m_folder.filePath(QStringLiteral("second")), {.seed = 5}),
                              writeTinyModel(m_folder.filePath(QStringLiteral("third")), {.layers = 3, .seed = 7})};
  Talk talk;
  Resources early;
  QList<ChatMessage> messages;
  for (int round = 1; round <= 200; ++round) {
    if (round % 9 == 0) talk.backend.load({.path = QStringLiteral("/nowhere"), .threads = 1});
    if (round % 5 == 0) talk.backend.load({.path = models[(round + 1) % 3], .threads = 1});
    talk.backend.load({.path = models[round % 3], .threads = 1});
    QTRY_COMPARE_WITH_TIMEOUT(talk.loaded.isEmpty() ? QString() : talk.loaded.last().at(0).toString(),
                              models[round % 3], kPatience);
    if (round % 7 == 0) {
      talk.send({user(round, QStringLiteral("Talk for ever"))}, 1000 + round, 1'000'000, round);
      QVERIFY(talk.tokens.wait(kPatience));
      talk.backend.stop();
    } else {
      messages.clear();
      QVERIFY(talk.exchange(messages, QStringLiteral("Hello"), 4, round));
    }
    talk.forget();
    if (round == 3) early = resources();
  }
  QTRY_COMPARE(resources().threads, early.threads);
  QTRY_COMPARE(resources().descriptors, early.descriptors);
  const qint64 grown = resources().residentKilobytes - early.residentKilobytes;
  // The allocator takes up to 1.5 MB in the first twenty rounds and nothing from then on (measured: 800 rounds).
  if (memoryIsMeasurable) QVERIFY2(grown < 2000, qPrintable(QString::number(grown) + QStringLiteral(" kB")));
  QVERIFY(talk.failed.isEmpty());
}

void ModelChangesTest::quits_at_any_moment_data() {
  QTest::addColumn<QByteArray>("moment");
  for (const char* moment : {"idle", "loading", "waiting", "reading", "answering"})
    QTest::newRow(moment) << QByteArray(moment);
}

void ModelChangesTest::quits_at_any_moment() {
  QFETCH(QByteArray, moment);
  auto talk = std::make_unique<Talk>();
  QVERIFY(talk->set({.ctx_size = 64}));
  if (moment == "loading") {
    talk->backend.load({.path = m_model});
  } else if (moment != "idle") {
    QVERIFY(talk->load(m_model));
    const bool reads = moment == "reading";
    talk->send({user(1, QStringLiteral("word ").repeated(reads ? 200'000 : 1))}, 2, 1'000'000);
    if (reads) QVERIFY(talk->progress.wait(kPatience));
    if (moment == "answering") QVERIFY(talk->tokens.wait(kPatience));
  }
  const qsizetype threads = resources().threads;
  talk.reset();
  QTRY_VERIFY(resources().threads < threads);  // a joined thread stays in the list for a moment
}

QTEST_GUILESS_MAIN(ModelChangesTest)
#include "tst_model_changes.moc"
