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
  void a_model_that_can_not_be_read_says_why();
  void choosing_it_shows_the_sentence_and_loads_nothing();
  void the_arrow_keys_reach_it();
  void a_repaired_model_is_like_the_others();

 private:
  static QString sentence() { return QStringLiteral("bad.gguf is not a GGUF file: it begins with \"<b>x\""); }
  static QString good() { return QStringLiteral(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf"); }
  static void fillLibrary(const WindowFixture& fixture);
  static void openMenu(WindowFixture& fixture);
  static void closeMenu(WindowFixture& fixture);
  /** The entry of the menu that reads `name`. */
  static QQuickItem* entry(const WindowFixture& fixture, const QString& name);
  static QString detailOf(const QQuickItem* entry) { return entry->property("detail").toString(); }
};

void ModelMenuTest::init() {
  QTest::failOnWarning(QRegularExpression(QStringLiteral("qrc:")));
}

void ModelMenuTest::fillLibrary(const WindowFixture& fixture) {
  const QDir library(fixture.modelFolder());
  QVERIFY(library.mkpath(QStringLiteral(".")));
  QVERIFY(QFile::copy(good(), library.filePath(QStringLiteral("good.gguf"))));
  QFile bad(library.filePath(QStringLiteral("bad.gguf")));
  QVERIFY(bad.open(QIODevice::WriteOnly));
  bad.write("<b>x</b>");
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

void ModelMenuTest::a_model_that_can_not_be_read_says_why() {
  WindowFixture fixture;
  fillLibrary(fixture);
  openMenu(fixture);
  const QQuickItem* bad = entry(fixture, QStringLiteral("bad"));
  QTRY_VERIFY2(detailOf(bad).startsWith(sentence()), qPrintable(detailOf(bad)));
  QVERIFY(bad->property("dimmed").toBool());
  QVERIFY(fixture.draw());
  const QQuickItem* reason = fixture.shown(detailOf(bad));
  QVERIFY(reason != nullptr);
  QCOMPARE(reason->property("textFormat").toInt(), static_cast<int>(Qt::PlainText));
  QVERIFY(!reason->property("truncated").toBool());
  const QQuickItem* other = entry(fixture, QStringLiteral("good"));
  QVERIFY(!other->property("dimmed").toBool());
  QVERIFY(!detailOf(other).contains(QStringLiteral("good")));
}

void ModelMenuTest::choosing_it_shows_the_sentence_and_loads_nothing() {
  WindowFixture fixture;
  fillLibrary(fixture);
  openMenu(fixture);
  QTRY_VERIFY(entry(fixture, QStringLiteral("bad"))->property("dimmed").toBool());
  QSignalSpy loaded(fixture.app->models(), &ModelPicker::loaded);
  QVERIFY(fixture.click(QStringLiteral("bad")));
  QTRY_VERIFY2(fixture.app->problem().contains(sentence()), qPrintable(fixture.app->problem()));
  QVERIFY(!fixture.app->models()->loading());
  QCOMPARE(fixture.app->models()->path(), QStringLiteral("/models/test.gguf"));
  QVERIFY(loaded.isEmpty());
}

void ModelMenuTest::the_arrow_keys_reach_it() {
  WindowFixture fixture;
  fillLibrary(fixture);
  openMenu(fixture);
  QTRY_VERIFY(entry(fixture, QStringLiteral("bad"))->property("dimmed").toBool());
  QTest::keyClick(fixture.window, Qt::Key_Down);
  QTRY_VERIFY(entry(fixture, QStringLiteral("bad"))->property("highlighted").toBool());
  QTest::keyClick(fixture.window, Qt::Key_Down);
  QTRY_VERIFY(entry(fixture, QStringLiteral("good"))->property("highlighted").toBool());
  QTest::keyClick(fixture.window, Qt::Key_Up);
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QTRY_VERIFY(fixture.app->problem().contains(sentence()));
}

void ModelMenuTest::a_repaired_model_is_like_the_others() {
  WindowFixture fixture;
  fillLibrary(fixture);
  openMenu(fixture);
  QTRY_VERIFY(entry(fixture, QStringLiteral("bad"))->property("dimmed").toBool());
  const QString path = QDir(fixture.modelFolder()).filePath(QStringLiteral("bad.gguf"));
  QVERIFY(QFile::remove(path));
  QVERIFY(QFile::copy(good(), path));
  QVERIFY(fixture.click(QStringLiteral("bad")));  // still dimmed, but no longer refused
  QTRY_COMPARE(fixture.app->models()->path(), path);
  openMenu(fixture);
  QTRY_VERIFY(!entry(fixture, QStringLiteral("bad"))->property("dimmed").toBool());
  QCOMPARE(entry(fixture, QStringLiteral("bad"))->property("iconName").toString(), QStringLiteral("check"));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ModelMenuTest)
#include "tst_model_menu.moc"
