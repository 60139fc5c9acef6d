#include <QtQml/qqmlextensionplugin.h>
#include <QDir>

#include "tests/app/tiny_model.h"
#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

namespace {

constexpr int kPatience = 60'000;

}  // namespace

/** Saving the model that answers, from the menu to the file. */
class ModelExportTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void only_models_with_all_their_bits_can_be_saved();
  void names_are_checked();
  void the_menu_leads_to_a_file_that_can_be_used();
  void a_file_is_replaced_only_when_the_user_says_so();
  void a_failure_is_told();

 private:
  /** Loads the folder of the tiny model. */
  void loadFolder(WindowFixture& fixture) const;

  QTemporaryDir m_folder;
  QString m_model;
};

void ModelExportTest::initTestCase() {
  m_model = app::writeTinyModel(m_folder.filePath(QStringLiteral("tiny")));
}

void ModelExportTest::loadFolder(WindowFixture& fixture) const {
  fixture.app->start(m_model);
  QTRY_VERIFY(fixture.app->models()->ready());
}

void ModelExportTest::only_models_with_all_their_bits_can_be_saved() {
  WindowFixture fixture;
  ModelExport& exporter = *fixture.app->exporter();
  QVERIFY(!exporter.possible());  // a Q4_1 file
  ModelFacts facts = *fixture.app->models()->facts();
  facts.quantization = "BF16";
  fixture.backend.setFacts(facts);
  fixture.app->models()->load(QStringLiteral("/models/float.gguf"));
  QTRY_VERIFY(exporter.possible());
  loadFolder(fixture);
  QTRY_COMPARE(fixture.app->models()->path(), m_model);
  QVERIFY(exporter.possible());
}

void ModelExportTest::names_are_checked() {
  WindowFixture fixture(false);
  loadFolder(fixture);
  ModelExport& exporter = *fixture.app->exporter();
  QCOMPARE(exporter.suggestedName(QStringLiteral("Q8_0")), QStringLiteral("tiny.Q8_0.gguf"));
  for (const char* good : {"a", "Ünïcode model.gguf", "x.GGUF"}) QCOMPARE(exporter.nameProblem(good), QString());
  for (const QString& bad : {QString(), QStringLiteral("  "), QStringLiteral("../up"), QStringLiteral("/etc/x"),
                             QStringLiteral(" .hidden"), QString(300, u'x')}) {
    QVERIFY2(!exporter.nameProblem(bad).isEmpty(), qPrintable(bad));
    exporter.save(bad, QStringLiteral("Q4_0"));
    QVERIFY(!exporter.saving());
  }
}

void ModelExportTest::the_menu_leads_to_a_file_that_can_be_used() {
  WindowFixture fixture(false);
  loadFolder(fixture);
  QQuickItem* card = fixture.item(QStringLiteral("ModelCard"));
  QVERIFY(card != nullptr);
  QTest::mouseClick(fixture.window, Qt::LeftButton, {}, card->mapToScene(card->boundingRect().center()).toPoint());
  QVERIFY(fixture.click(QStringLiteral("Save as GGUF …")));
  QVERIFY(fixture.click(QStringLiteral("8 bits")));
  QTRY_VERIFY(fixture.shown(QStringLiteral("tiny.Q8_0.gguf")) != nullptr);
  QVERIFY(fixture.click(QStringLiteral("Save")));
  ModelExport& exporter = *fixture.app->exporter();
  QTRY_VERIFY_WITH_TIMEOUT(!exporter.result().isEmpty(), kPatience);
  const QDir library(exporter.folder());
  QCOMPARE(library.entryList(QDir::Files | QDir::Hidden), QStringList{QStringLiteral("tiny.Q8_0.gguf")});
  const auto saved = Model::open_without_weights(library.filePath(QStringLiteral("tiny.Q8_0.gguf")).toStdString());
  QCOMPARE(saved->facts().quantization, std::string("Q8_0"));
  QCOMPARE(fixture.app->models()->rowCount(), 1);
  QVERIFY(fixture.click(QStringLiteral("Use it")));
  QTRY_COMPARE(fixture.app->models()->path(), library.filePath(QStringLiteral("tiny.Q8_0.gguf")));
  QVERIFY(exporter.result().isEmpty());
}

void ModelExportTest::a_file_is_replaced_only_when_the_user_says_so() {
  WindowFixture fixture(false);
  loadFolder(fixture);
  ModelExport& exporter = *fixture.app->exporter();
  QVERIFY(!exporter.isTaken(QStringLiteral("tiny.Q4_0")));
  QVERIFY(QDir().mkpath(exporter.folder()));
  QFile file(QDir(exporter.folder()).filePath(QStringLiteral("tiny.Q4_0.gguf")));
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.close();
  QVERIFY(exporter.isTaken(QStringLiteral("tiny.Q4_0")));
  QQuickItem* card = fixture.item(QStringLiteral("ModelCard"));
  QTest::mouseClick(fixture.window, Qt::LeftButton, {}, card->mapToScene(card->boundingRect().center()).toPoint());
  QVERIFY(fixture.click(QStringLiteral("Save as GGUF …")));
  QTRY_VERIFY(fixture.shown(QStringLiteral("Replace")) != nullptr);
  QVERIFY(fixture.shown(QStringLiteral("Save")) == nullptr);
  QVERIFY(fixture.click(QStringLiteral("Cancel")));
  QVERIFY(!exporter.saving());
  QCOMPARE(file.size(), 0);
}

void ModelExportTest::a_failure_is_told() {
  WindowFixture fixture(false);
  loadFolder(fixture);
  QFile inTheWay(fixture.app->exporter()->folder());
  QVERIFY(inTheWay.open(QIODevice::WriteOnly));
  fixture.app->exporter()->save(QStringLiteral("x"), QStringLiteral("Q4_0"));
  QTRY_VERIFY2(fixture.app->problem().contains(fixture.app->exporter()->folder()), qPrintable(fixture.app->problem()));
  QVERIFY(fixture.app->exporter()->possible());
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ModelExportTest)
#include "tst_model_export.moc"
