#include <QtQml/qqmlextensionplugin.h>
#include <QDir>
#include <QRegularExpression>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

/** The list of models, which opens from the card of the one that answers. */
class ModelMenuTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();
  void opens_again_and_again_without_a_warning();

 private:
  static QString good() { return QStringLiteral(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf"); }
  static void fillLibrary(const WindowFixture& fixture);
  static void openMenu(WindowFixture& fixture);
  static void closeMenu(WindowFixture& fixture);
  /** The entry of the menu that reads `name`. */
  static QQuickItem* entry(const WindowFixture& fixture, const QString& name);
};

void ModelMenuTest::init() {
  QTest::failOnWarning(QRegularExpression(QStringLiteral("qrc:")));
}

void ModelMenuTest::fillLibrary(const WindowFixture& fixture) {
  const QDir library(fixture.modelFolder());
  QVERIFY(library.mkpath(QStringLiteral(".")));
  QVERIFY(QFile::copy(good(), library.filePath(QStringLiteral("good.gguf"))));
}

QQuickItem* ModelMenuTest::entry(const WindowFixture& fixture, const QString& name) {
  for (QQuickItem* item : WindowFixture::allItems(fixture.window->contentItem()))
    if (item->inherits("QQuickMenuItem") && item->isVisible() && item->property("text").toString() == name) return item;
  return nullptr;
}

void ModelMenuTest::openMenu(WindowFixture& fixture) {
  QVERIFY(fixture.draw());
  const QQuickItem* card = fixture.item(QStringLiteral("ModelCard"));
  QTest::mouseClick(fixture.window, Qt::LeftButton, {}, card->mapToScene(card->boundingRect().center()).toPoint());
  QTRY_VERIFY(entry(fixture, QStringLiteral("good")) != nullptr);
  QVERIFY(fixture.draw());
}

void ModelMenuTest::closeMenu(WindowFixture& fixture) {
  QTest::keyClick(fixture.window, Qt::Key_Escape);
  QTRY_VERIFY(entry(fixture, QStringLiteral("good")) == nullptr);
}

void ModelMenuTest::opens_again_and_again_without_a_warning() {
  WindowFixture fixture(false);
  fillLibrary(fixture);
  for (int i = 0; i < 3; ++i) {
    openMenu(fixture);
    closeMenu(fixture);
    QVERIFY(QFile::copy(good(), QDir(fixture.modelFolder()).filePath(QStringLiteral("%1.gguf").arg(i))));
  }
  openMenu(fixture);
  QVERIFY(fixture.click(QStringLiteral("good")));
  QTRY_VERIFY(fixture.app->models()->ready());
  openMenu(fixture);
  QCOMPARE(entry(fixture, QStringLiteral("good"))->property("iconName").toString(), QStringLiteral("check"));
  QCOMPARE(entry(fixture, QStringLiteral("2"))->property("iconName").toString(), QStringLiteral("model"));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ModelMenuTest)
#include "tst_model_menu.moc"
