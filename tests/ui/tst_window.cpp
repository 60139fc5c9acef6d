#include <QtQml/qqmlextensionplugin.h>

#include "tests/ui/contrast.h"
#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

namespace {

bool isText(const QQuickItem* item) {
  return item->inherits("QQuickText");
}

QString textOf(const QQuickItem* item) {
  return item->property("text").toString();
}

/** The part of an item that can be seen: within all ancestors that clip. */
QRectF visibleRect(const QQuickItem* item, QRectF rect) {
  rect = item->mapRectToScene(rect);
  for (const QQuickItem* ancestor = item->parentItem(); ancestor != nullptr; ancestor = ancestor->parentItem()) {
    if (!ancestor->isVisible() || ancestor->opacity() == 0) return {};
    if (ancestor->clip()) rect &= ancestor->mapRectToScene(ancestor->boundingRect());
  }
  return rect;
}

/** Where a text's letters are. */
QRectF lettersOf(const QQuickItem* text) {
  const auto number = [text](const char* name) { return text->property(name).toReal(); };
  const QRectF room(number("leftPadding"), number("topPadding"),
                    text->width() - number("leftPadding") - number("rightPadding"),
                    text->height() - number("topPadding") - number("bottomPadding"));
  const QSizeF size(std::min(room.width(), number("contentWidth")), std::min(room.height(), number("contentHeight")));
  const int across = text->property("effectiveHorizontalAlignment").toInt();
  const int down = text->property("verticalAlignment").toInt();
  QRectF letters(room.topLeft(), size);
  if (across == Qt::AlignRight) letters.moveRight(room.right());
  if (across == Qt::AlignHCenter) letters.moveLeft(room.center().x() - size.width() / 2);
  if (down == Qt::AlignBottom) letters.moveBottom(room.bottom());
  if (down == Qt::AlignVCenter) letters.moveTop(room.center().y() - size.height() / 2);
  return visibleRect(text, letters);
}

QList<QQuickItem*> shownTexts(const QQuickWindow& window) {
  QList<QQuickItem*> texts;
  for (QQuickItem* item : WindowFixture::allItems(window.contentItem())) {
    const bool shown = isText(item) && item->isVisible() && item->opacity() > 0 && !textOf(item).isEmpty();
    if (shown && !visibleRect(item, item->boundingRect()).isEmpty()) texts.append(item);
  }
  return texts;
}

/** Whether two texts may share a place: one is inside the other's own item. */
bool related(const QQuickItem* a, const QQuickItem* b) {
  return a->isAncestorOf(b) || b->isAncestorOf(a);
}

/** The strongest contrast within `rect`, between the commonest colour and any other. */
double strongestContrast(const QImage& image, const QRect& rect) {
  QHash<QRgb, int> counts;
  for (int y = rect.top(); y <= rect.bottom(); ++y)
    for (int x = rect.left(); x <= rect.right(); ++x) ++counts[image.pixel(x, y)];
  QRgb back = 0;
  for (auto it = counts.cbegin(); it != counts.cend(); ++it)
    if (it.value() > counts.value(back)) back = it.key();
  double strongest = 1;
  for (auto it = counts.cbegin(); it != counts.cend(); ++it)
    strongest = std::max(strongest, contrast(QColor(it.key()), QColor(back)));
  return strongest;
}

}  // namespace

class WindowTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void texts_are_whole_and_apart_data();
  void texts_are_whole_and_apart();
  void texts_can_be_read_in_the_picture_data();
  void texts_can_be_read_in_the_picture();
  void what_is_typed_is_shown_as_it_is_data();
  void what_is_typed_is_shown_as_it_is();
  void the_cache_panel_gives_way_in_a_narrow_window();
  void everything_has_a_name_for_screen_readers();
  void no_model_says_how_to_get_one();
  void a_failed_load_shows_its_sentence();
  void a_loaded_model_ends_the_problem_of_a_failed_load_alone();
  void the_model_used_last_is_named_when_it_is_gone();
  void a_template_that_can_not_be_used_is_told();
  void what_the_backend_notes_is_told_in_its_conversation();
  void keys_open_and_close_the_panels();

 private:
  void addThemesAndWidths(bool withSettings);
  void fill(WindowFixture& fixture);
};

void WindowTest::addThemesAndWidths(bool withSettings) {
  QTest::addColumn<QString>("theme");
  QTest::addColumn<int>("width");
  QTest::addColumn<bool>("settingsOpen");
  for (const char* theme : {"dark", "light"})
    for (const int width : {720, 900, 1440, 2560})
      for (const bool open : withSettings ? QList<bool>{false, true} : QList<bool>{false})
        QTest::addRow("%s, %d%s", theme, width, open ? ", settings" : "") << theme << width << open;
}

void WindowTest::fill(WindowFixture& fixture) {
  QFETCH(QString, theme);
  QFETCH(int, width);
  QFETCH(bool, settingsOpen);
  fixture.settings().setTheme(theme);
  fixture.window->resize(width, 900);
  fixture.backend.setAnswers(
      {QStringLiteral("A **first** answer with `code` and a list:\n\n* one\n* two\n\nAnd more. ") +
       QStringLiteral("Some words to fill the cache with. ").repeated(12)});
  for (int turn = 0; turn < 3; ++turn) fixture.converse(QStringLiteral("What about the number %1, then?").arg(turn));
  QCoreApplication::processEvents();
  if (settingsOpen) QMetaObject::invokeMethod(fixture.window, "openSettings");
  (void)fixture.window->grabWindow();
  QCoreApplication::processEvents();
  (void)fixture.window->grabWindow();
}

void WindowTest::texts_are_whole_and_apart_data() {
  addThemesAndWidths(true);
}

void WindowTest::texts_are_whole_and_apart() {
  WindowFixture fixture;
  fill(fixture);
  QFETCH(bool, settingsOpen);
  const QList<QQuickItem*> texts = shownTexts(*fixture.window);
  QVERIFY(texts.size() > 12);
  for (const QQuickItem* text : texts) {
    const bool mayBeCut = text->property("elide").toInt() != Qt::ElideNone;
    if (mayBeCut) continue;
    QVERIFY2(text->property("contentWidth").toReal() <= text->width() + 1, qPrintable(textOf(text)));
    QVERIFY2(text->property("contentHeight").toReal() <= text->height() + 1, qPrintable(textOf(text)));
    const QRectF letters = lettersOf(text);
    QVERIFY2(QRectF(0, 0, fixture.window->width(), fixture.window->height()).contains(letters),
             qPrintable(textOf(text)));
  }
  if (settingsOpen) return;  // the panel lies above the window's own texts
  for (qsizetype i = 0; i < texts.size(); ++i)
    for (qsizetype j = i + 1; j < texts.size(); ++j) {
      const QRectF shared = lettersOf(texts[i]) & lettersOf(texts[j]);
      const bool overlap = shared.width() > 1 && shared.height() > 1 && !related(texts[i], texts[j]);
      QVERIFY2(!overlap, qPrintable(textOf(texts[i]) + QStringLiteral(" | ") + textOf(texts[j])));
    }
}

void WindowTest::texts_can_be_read_in_the_picture_data() {
  addThemesAndWidths(false);
}

void WindowTest::texts_can_be_read_in_the_picture() {
  WindowFixture fixture;
  fill(fixture);
  const QImage image = fixture.window->grabWindow();
  for (const QQuickItem* text : shownTexts(*fixture.window)) {
    if (!text->isEnabled()) continue;
    const QRect rect = lettersOf(text).toAlignedRect() & image.rect();
    if (rect.height() < 8 || rect.width() < 6) continue;  // a sliver at the edge of a view
    const double ratio = strongestContrast(image, rect);
    QVERIFY2(ratio >= 4.5, qPrintable(QStringLiteral("%1: %2").arg(textOf(text)).arg(ratio)));
  }
}

void WindowTest::what_is_typed_is_shown_as_it_is_data() {
  QTest::addColumn<QString>("text");
  for (const char* text : {"<smirk> waffles! waffles!", "<b>x</b>", "a < b > c", "<script>alert(1)</script>",
                           "std::vector<int>", "<img src=http://127.0.0.1:9/x>", "&lt;",
                           "![x](http://127.0.0.1:9/x.png)", "I have $24000 and you have $40000"})
    QTest::newRow(text) << QString::fromLatin1(text);
}

void WindowTest::what_is_typed_is_shown_as_it_is() {
  QFETCH(QString, text);
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("fine")});
  fixture.converse(text);
  (void)fixture.window->grabWindow();
  bool inTranscript = false;
  bool inList = false;
  for (const QQuickItem* item : WindowFixture::allItems(fixture.window->contentItem())) {
    if (item->inherits("QQuickTextEdit") && textOf(item) == text) {
      inTranscript = true;
      QCOMPARE(item->property("textFormat").toInt(), static_cast<int>(Qt::PlainText));
    }
    if (isText(item) && textOf(item) == fixture.app->currentTitle()) {
      inList = true;
      QCOMPARE(item->property("textFormat").toInt(), static_cast<int>(Qt::PlainText));
    }
  }
  QVERIFY(inTranscript);
  QVERIFY(inList);
  QVERIFY(fixture.app->transcript()->wholeText().contains(text));
}

void WindowTest::the_cache_panel_gives_way_in_a_narrow_window() {
  WindowFixture fixture;
  QQuickItem* panel = fixture.item(QStringLiteral("CachePanel"));
  fixture.window->resize(1440, 900);
  QTRY_VERIFY(panel->isVisible());
  fixture.window->resize(900, 700);
  QTRY_VERIFY(!panel->isVisible());
  QTest::keyClick(fixture.window, Qt::Key_B, Qt::ControlModifier);
  QVERIFY(panel->isVisible());
  fixture.window->resize(1440, 900);
  QTRY_VERIFY(panel->isVisible());
}

void WindowTest::everything_has_a_name_for_screen_readers() {
  WindowFixture fixture;
  fixture.converse(QStringLiteral("hello"));
  QStringList nameless;
  for (const QQuickItem* item : WindowFixture::allItems(fixture.window->contentItem())) {
    const bool isControl = item->inherits("QQuickAbstractButton") || item->inherits("QQuickTextField") ||
                           item->inherits("QQuickTextArea") || item->inherits("QQuickSlider");
    QAccessibleInterface* accessible =
        isControl ? QAccessible::queryAccessibleInterface(const_cast<QQuickItem*>(item)) : nullptr;
    if (accessible != nullptr && accessible->text(QAccessible::Name).isEmpty())
      nameless.append(QString::fromLatin1(item->metaObject()->className()));
  }
  QCOMPARE(nameless, QStringList());
}

void WindowTest::no_model_says_how_to_get_one() {
  WindowFixture fixture(false);
  QVERIFY(fixture.item(QStringLiteral("NoModel")) != nullptr);
  QVERIFY(fixture.item(QStringLiteral("Greeting")) == nullptr);
}

void WindowTest::a_failed_load_shows_its_sentence() {
  WindowFixture fixture(false);
  fixture.backend.failNextLoad(QStringLiteral("The file <b>x</b>.gguf ends early."));
  fixture.app->start(QStringLiteral("/models/x.gguf"));
  QTRY_COMPARE(fixture.app->problem(), QStringLiteral("The file <b>x</b>.gguf ends early."));
  QQuickItem* banner = fixture.item(QStringLiteral("Banner"));
  QVERIFY(banner->isVisible());
  fixture.app->dismissProblem();
  QVERIFY(!banner->isVisible());
}

void WindowTest::a_loaded_model_ends_the_problem_of_a_failed_load_alone() {
  WindowFixture fixture(false);
  fixture.backend.failNextLoad(QStringLiteral("The file ends early."));
  fixture.app->start(QStringLiteral("/models/x.gguf"));
  QTRY_COMPARE(fixture.app->problem(), QStringLiteral("The file ends early."));
  fixture.app->start(QStringLiteral("/models/y.gguf"));
  QTRY_VERIFY(fixture.app->models()->ready());
  QCOMPARE(fixture.app->problem(), QString());

  fixture.app->showProblem(QStringLiteral("The disk is full."));
  QSignalSpy loaded(fixture.app->models(), &ModelPicker::loaded);
  fixture.app->start(QStringLiteral("/models/z.gguf"));
  QTRY_COMPARE(loaded.size(), 1);
  QCOMPARE(fixture.app->problem(), QStringLiteral("The disk is full."));
}

void WindowTest::the_model_used_last_is_named_when_it_is_gone() {
  WindowFixture fixture(false);
  fixture.settings().setModelPath(QStringLiteral("/models/gone.gguf"));
  fixture.app->start({});
  QVERIFY(fixture.app->problem().contains(QStringLiteral("/models/gone.gguf")));
  QVERIFY(fixture.item(QStringLiteral("NoModel"))->isVisible());
}

void WindowTest::a_template_that_can_not_be_used_is_told() {
  WindowFixture fixture(false);
  ModelFacts facts;
  facts.trained_context = 2048;
  facts.template_problem = "The chat template can't be used: line 2: unknown statement 'x'.";
  fixture.backend.setFacts(facts);
  fixture.app->start(QStringLiteral("/models/test.gguf"));
  QTRY_VERIFY(fixture.app->models()->ready());
  QVERIFY(fixture.app->problem().startsWith(QString::fromStdString(facts.template_problem)));
}

void WindowTest::what_the_backend_notes_is_told_in_its_conversation() {
  WindowFixture fixture;
  fixture.converse(QStringLiteral("Hello"));
  const auto current = static_cast<qint64>(fixture.app->currentId());
  Q_EMIT fixture.backend.noticed(current + 1, QStringLiteral("Of another conversation."));
  QCOMPARE(fixture.app->problem(), QString());
  Q_EMIT fixture.backend.noticed(current, QStringLiteral("It will be forgotten."));
  QCOMPARE(fixture.app->problem(), QStringLiteral("It will be forgotten."));
}

void WindowTest::keys_open_and_close_the_panels() {
  WindowFixture fixture;
  fixture.window->resize(1440, 900);
  QQuickItem* sidebar = fixture.item(QStringLiteral("Sidebar"));
  QTest::keyClick(fixture.window, Qt::Key_F9);
  QVERIFY(!sidebar->isVisible());
  QTest::keyClick(fixture.window, Qt::Key_K, Qt::ControlModifier);
  QVERIFY(sidebar->isVisible());
  QVERIFY(fixture.window->activeFocusItem()->inherits("QQuickTextField"));
  fixture.converse(QStringLiteral("hello"));
  QTest::keyClick(fixture.window, Qt::Key_N, Qt::ControlModifier);
  QCOMPARE(fixture.app->currentId(), 0.0);
  QVERIFY(fixture.textArea()->hasActiveFocus());
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::WindowTest)
#include "tst_window.moc"
