#include "tests/ui/window_fixture.h"

namespace runnel::ui {

/** What the map of the cache says of the cell under the pointer. */
class CellHintTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void says_which_token_is_under_the_pointer();
  void shows_what_looks_like_markup_as_it_is();
  void stays_within_the_map_data();
  void stays_within_the_map();
  void asks_nothing_once_the_pointer_is_gone();

 private:
  static QQuickItem* mapOf(const WindowFixture& fixture);
  static qint64 lastWord(const WindowFixture& fixture);
  static void hover(const WindowFixture& fixture, qint64 position);
};

QQuickItem* CellHintTest::mapOf(const WindowFixture& fixture) {
  for (QQuickItem* item : WindowFixture::allItems(fixture.window->contentItem()))
    if (item->inherits("runnel::ui::CacheMap")) return item;
  return nullptr;
}

/** The position of the answer's last word, which the token that closes it follows. */
qint64 CellHintTest::lastWord(const WindowFixture& fixture) {
  fixture.app->cache()->flush();
  return fixture.app->cache()->shown().telemetry.fed - 2;
}

/** Moves the pointer to the cell of the token at `position`. */
void CellHintTest::hover(const WindowFixture& fixture, qint64 position) {
  fixture.app->cache()->flush();
  QQuickItem* map = mapOf(fixture);
  QVERIFY(map != nullptr);
  const std::vector<Cell>& cells = fixture.app->cache()->cells();
  const auto cell = std::ranges::find(cells, position, &Cell::position);
  QVERIFY(cell != cells.end());
  QRectF place;
  QVERIFY(QMetaObject::invokeMethod(map, "rectOf", Q_RETURN_ARG(QRectF, place),
                                    Q_ARG(int, static_cast<int>(cell - cells.begin()))));
  QTest::mouseMove(fixture.window, QPoint(5, 5));  // where it is already it would not be noticed
  QTest::mouseMove(fixture.window, map->mapToScene(place.center()).toPoint());
}

void CellHintTest::says_which_token_is_under_the_pointer() {
  WindowFixture fixture;
  fixture.converse(QStringLiteral("Do you remember it?"));
  hover(fixture, 1);
  QTRY_VERIFY(fixture.shown(QStringLiteral("token 1  “You”")) != nullptr);
  hover(fixture, 0);
  QTRY_VERIFY(fixture.shown(QStringLiteral("token 0  <opening>")) != nullptr);
  QVERIFY(fixture.shown(QStringLiteral("token 1  “You”")) == nullptr);
}

void CellHintTest::shows_what_looks_like_markup_as_it_is() {
  WindowFixture fixture;
  const QString word = QStringLiteral("<b>&amp;</b>");
  fixture.backend.setAnswers({word});
  fixture.converse(QStringLiteral("Hello"));
  const qint64 position = lastWord(fixture);
  hover(fixture, position);
  const QString title = QStringLiteral("token %1  “%2”").arg(QLocale().toString(position), word);
  QTRY_VERIFY(fixture.shown(title) != nullptr);
  QCOMPARE(fixture.shown(title)->property("textFormat").toInt(), 0);  // Text.PlainText
}

void CellHintTest::stays_within_the_map_data() {
  QTest::addColumn<QString>("word");
  QTest::newRow("wide letters") << QStringLiteral("W").repeated(500);
  QTest::newRow("Chinese") << QStringLiteral("語").repeated(500);
  QTest::newRow("a narrow one") << QStringLiteral("i");
}

void CellHintTest::stays_within_the_map() {
  QFETCH(QString, word);
  WindowFixture fixture;
  fixture.backend.setAnswers({word});
  fixture.converse(QStringLiteral("Hello"));
  hover(fixture, lastWord(fixture));
  QTRY_VERIFY(fixture.app->cache()->hoveredTitle().contains(u'“'));
  const QQuickItem* title = fixture.shown(fixture.app->cache()->hoveredTitle());
  QVERIFY(title != nullptr);
  QVERIFY(fixture.draw());
  const QQuickItem* map = mapOf(fixture);
  const QRectF place = title->mapRectToItem(map, title->boundingRect());
  QVERIFY(place.left() >= 0 && place.right() <= map->width());
}

void CellHintTest::asks_nothing_once_the_pointer_is_gone() {
  WindowFixture fixture;
  fixture.converse(QStringLiteral("Hello"));
  QSignalSpy asked(fixture.app->cache(), &CacheViewModel::tokenAsked);
  hover(fixture, 0);
  QTRY_VERIFY(!asked.isEmpty());
  QTest::mouseMove(fixture.window, QPoint(5, 5));
  QTRY_COMPARE(fixture.app->cache()->hoveredSlot(), -1);
  asked.clear();
  fixture.converse(QStringLiteral("And on"));
  fixture.app->cache()->flush();
  QVERIFY(asked.isEmpty());
  hover(fixture, 0);
  QTRY_COMPARE(fixture.app->cache()->hoveredSlot(), 0);
  QTest::keyClick(fixture.window, Qt::Key_B, Qt::ControlModifier);  // hides the panel beneath the pointer
  QTRY_COMPARE(fixture.app->cache()->hoveredSlot(), -1);
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::CellHintTest)
#include "tst_cell_hint.moc"
