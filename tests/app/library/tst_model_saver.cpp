#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

#include "app/library/model_saver.h"
#include "runnel/model.h"
#include "tests/app/tiny_model.h"

using namespace runnel::app;

namespace {

constexpr int kPatience = 60'000;

/** A saver and all that it says. */
struct Saving {
  ModelSaver saver;
  QSignalSpy progressed{&saver, &ModelSaver::progressed};
  QSignalSpy saved{&saver, &ModelSaver::saved};
  QSignalSpy stopped{&saver, &ModelSaver::stopped};
  QSignalSpy failed{&saver, &ModelSaver::failed};

  qsizetype ends() const { return saved.count() + stopped.count() + failed.count(); }
};

}  // namespace

class ModelSaverTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void init();
  void saves_what_other_loads_open_data();
  void saves_what_other_loads_open();
  void tells_why_it_can_not_save();
  void leaves_nothing_when_it_is_stopped();
  void leaves_a_whole_file_or_none_when_it_is_destroyed();

 private:
  QStringList files() const { return QDir(m_target->path()).entryList(QDir::Files | QDir::Hidden); }
  QString target() const { return m_target->filePath(QStringLiteral("naïve.gguf")); }

  QTemporaryDir m_folder;
  QString m_model;
  std::unique_ptr<QTemporaryDir> m_target;
};

void ModelSaverTest::initTestCase() {
  m_model = writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
}

void ModelSaverTest::init() {
  m_target = std::make_unique<QTemporaryDir>();
}

void ModelSaverTest::saves_what_other_loads_open_data() {
  QTest::addColumn<runnel::WeightType>("weights");
  QTest::addColumn<QByteArray>("named");
  QTest::newRow("4 bits") << runnel::WeightType::int4 << QByteArray("Q4_0");
  QTest::newRow("8 bits") << runnel::WeightType::int8 << QByteArray("Q8_0");
  QTest::newRow("16 bits") << runnel::WeightType::f16 << QByteArray("F16");
}

void ModelSaverTest::saves_what_other_loads_open() {
  QFETCH(runnel::WeightType, weights);
  QFETCH(QByteArray, named);
  Saving saving;
  saving.saver.save(m_model, target(), {.weight_dtype = weights, .threads = 1});
  QVERIFY(saving.saver.isSaving());
  QVERIFY(saving.saved.wait(kPatience));
  QVERIFY(!saving.saver.isSaving());
  QCOMPARE(saving.ends(), 1);
  QCOMPARE(saving.saved.at(0).at(0).toString(), target());
  QCOMPARE(saving.saved.at(0).at(1).toLongLong(), QFile(target()).size());
  QCOMPARE(saving.progressed.last().at(0).toDouble(), 1.0);
  const auto model = runnel::Model::open_without_weights(QFile::encodeName(target()).toStdString());
  QCOMPARE(model->facts().n_vocab, 1000);
  const auto& types = model->facts().tensor_types;
  QVERIFY(std::ranges::any_of(types, [&](const auto& type) { return type.first == named.toStdString(); }));
}

void ModelSaverTest::tells_why_it_can_not_save() {
  Saving saving;
  saving.saver.save(m_folder.filePath(QStringLiteral("nowhere")), target(), {});
  QVERIFY(saving.failed.wait(kPatience));
  QVERIFY2(saving.failed.at(0).at(0).toString().contains(QStringLiteral("nowhere")),
           qPrintable(saving.failed.at(0).at(0).toString()));
  QCOMPARE(saving.ends(), 1);
  saving.saver.save(m_model, target(), {.threads = 1});  // and the next one is not hindered
  QVERIFY(saving.saved.wait(kPatience));
}

void ModelSaverTest::leaves_nothing_when_it_is_stopped() {
  Saving saving;
  saving.saver.save(m_model, target(), {.threads = 1});
  saving.saver.stop();
  QVERIFY(saving.stopped.wait(kPatience));
  QCOMPARE(saving.ends(), 1);
  QCOMPARE(files(), QStringList());
}

void ModelSaverTest::leaves_a_whole_file_or_none_when_it_is_destroyed() {
  for (const int milliseconds : {0, 1, 3, 10}) {
    auto saver = std::make_unique<ModelSaver>();
    saver->save(m_model, target(), {.threads = 1});
    QTest::qSleep(milliseconds);
    saver.reset();
    QVERIFY(files().isEmpty() || files() == QStringList{QFileInfo(target()).fileName()});
    if (!files().isEmpty()) (void)runnel::Model::load(QFile::encodeName(target()).toStdString());
    QFile::remove(target());
  }
}

QTEST_GUILESS_MAIN(ModelSaverTest)
#include "tst_model_saver.moc"
