#include <QQuickWindow>
#include <QtTest>

#include <cmath>
#include <limits>

#include "ui/cache/cache_cells.h"
#include "ui/cache/cache_map.h"
#include "ui/cache/cache_view_model.h"
#include "ui/cache/cell_grid.h"

namespace runnel::ui {

namespace {

Run run(std::int64_t first, std::int32_t length, std::int32_t slot, Reason reason) {
  return {.first = first, .length = length, .rank = 0, .slot = slot, .reason = reason};
}

/** ctx_size 16, eight slots of headroom; the first `fed` tokens, none evicted. */
app::CacheSnapshot filled(int fed) {
  app::CacheSnapshot snapshot;
  snapshot.conversationId = 1;
  CacheTelemetry& telemetry = snapshot.telemetry;
  telemetry.settings = {.ctx_size = 16, .n_keep = 2, .n_discard = 1};
  telemetry.slots = 24;
  telemetry.fed = fed;
  telemetry.cached = fed;
  telemetry.head = fed;
  telemetry.bytes = 2400;
  telemetry.bytes_per_token = 100;
  telemetry.runs = {run(0, 2, 0, Reason::sink), run(2, fed - 2, 2, Reason::window)};
  snapshot.spans = {{5, app::Role::User, 3, 6}, {6, app::Role::Assistant, 6, 1000}};
  return snapshot;
}

/** As `filled(16)`, one token later. */
app::CacheSnapshot rolled() {
  app::CacheSnapshot snapshot = filled(16);
  snapshot.telemetry.fed = 17;
  snapshot.telemetry.evicted = 1;
  snapshot.telemetry.head = 17;
  snapshot.telemetry.runs = {run(0, 2, 0, Reason::sink), run(3, 14, 3, Reason::window)};
  return snapshot;
}

}  // namespace

class CacheViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void cells_show_whose_tokens_they_hold();
  void forgotten_tokens_stay_visible_until_overwritten();
  void what_was_cut_is_free_at_once();
  void grids_fit_every_size_data();
  void grids_fit_every_size();
  void counts_and_figures();
  void snapshots_are_shown_at_most_once_a_frame();
  void hints_name_token_owner_and_age();
  void hints_say_what_the_token_under_the_pointer_stands_for();
  void answers_that_come_too_late_are_ignored();
  void nothing_is_asked_while_nothing_is_hovered();
  void hints_follow_what_the_slot_holds();
  void attention_has_steps();
  void surprise_has_a_step_for_each_nat();
  void hints_tell_attention_while_it_is_watched();
  void hints_tell_how_expected_a_token_was();
  void the_map_shows_where_attention_goes();
  void the_map_paints_only_what_changed();
  void the_map_paints_huge_caches();
};

void CacheViewTest::cells_show_whose_tokens_they_hold() {
  const std::vector<Cell> cells = cellsOf(filled(10), {});
  QCOMPARE(cells.size(), std::size_t{24});
  const std::vector<CellKind> expected{CellKind::Sink,      CellKind::Sink,      CellKind::System,
                                       CellKind::User,      CellKind::User,      CellKind::User,
                                       CellKind::Assistant, CellKind::Assistant, CellKind::Assistant,
                                       CellKind::Assistant, CellKind::Free};
  for (std::size_t slot = 0; slot < expected.size(); ++slot) QVERIFY(cells[slot].kind == expected[slot]);
  QCOMPARE(cells[7].position, std::int64_t{7});
}

void CacheViewTest::forgotten_tokens_stay_visible_until_overwritten() {
  const std::vector<Cell> before = cellsOf(filled(16), {});
  std::vector<Cell> cells = cellsOf(rolled(), before);
  QVERIFY(cells[2].evicted);
  QVERIFY(cells[2].kind == CellKind::System);
  auto later = rolled();
  later.telemetry.fed = 25;
  later.telemetry.runs = {run(0, 2, 0, Reason::sink), run(11, 13, 11, Reason::window), run(24, 1, 2, Reason::window)};
  cells = cellsOf(later, cells);
  QVERIFY(!cells[2].evicted);
  QCOMPARE(cells[2].position, std::int64_t{24});
}

void CacheViewTest::what_was_cut_is_free_at_once() {
  const std::vector<Cell> cells = cellsOf(filled(10), cellsOf(filled(14), {}));
  QVERIFY(cells[12].kind == CellKind::Free);
  QVERIFY(cells[9].kind == CellKind::Assistant);
}

void CacheViewTest::grids_fit_every_size_data() {
  QTest::addColumn<int>("ctxSize");
  for (const int size : {32, 100, 512, 4096, 8192, 32768, 131072})
    QTest::newRow(qPrintable(QString::number(size))) << size;
}

void CacheViewTest::grids_fit_every_size() {
  QFETCH(int, ctxSize);
  const int slotCount = ctxSize + headroom(ctxSize);
  for (const int width : {200, 324, 648}) {
    const CellGrid grid = CellGrid::fit(slotCount, width, 260, 20);
    QVERIFY(grid.width() <= width);
    QVERIFY(grid.height() <= 260 || grid.pitch == 1);
    QVERIFY(grid.rows() * grid.columns >= slotCount);
    QVERIFY(grid.gap < grid.pitch);
    for (const int cell : {0, slotCount / 2, slotCount - 1}) {
      QVERIFY(QRect(0, 0, grid.width(), grid.height()).contains(grid.rectOf(cell)));
      QCOMPARE(grid.cellAt(grid.rectOf(cell).center()), cell);
    }
    QCOMPARE(grid.cellAt({-1, 0}), -1);
    QCOMPARE(grid.cellAt({0, grid.height()}), -1);
  }
}

void CacheViewTest::counts_and_figures() {
  CacheViewModel cache;
  cache.update(rolled());
  QCOMPARE(cache.cached(), 16);
  QCOMPARE(cache.sinks(), 2);
  QCOMPARE(cache.window(), 14);
  QCOMPARE(cache.forgotten(), 1.0);
  QCOMPARE(cache.bytes(), 2400.0);
  QCOMPARE(cache.unboundedBytes(), 1700.0);
  QCOMPARE(cache.settingsLine(), QStringLiteral("ctx_size 16  n_keep 2  n_discard 1"));
  cache.clear({.ctx_size = 32});
  QCOMPARE(cache.cached(), 0);
  QCOMPARE(cache.cells().size(), std::size_t{48});
}

void CacheViewTest::snapshots_are_shown_at_most_once_a_frame() {
  CacheViewModel cache;
  QSignalSpy changes(&cache, &CacheViewModel::changed);
  for (int fed = 3; fed < 16; ++fed) cache.update(filled(fed));
  QCOMPARE(changes.count(), 1);
  QCOMPARE(cache.cached(), 3);
  QTRY_COMPARE(cache.cached(), 15);
  QCOMPARE(changes.count(), 2);
}

void CacheViewTest::hints_name_token_owner_and_age() {
  CacheViewModel cache;
  cache.update(filled(10));
  QCOMPARE(cache.cellTitle(4), QStringLiteral("token 4"));
  QCOMPARE(cache.cellDetail(4), QStringLiteral("you · age 5"));
  QCOMPARE(cache.messageAt(4), 5);
  QCOMPARE(cache.messageAt(0), 0);
  QCOMPARE(cache.cellTitle(20), QStringLiteral("free"));
  QVERIFY(cache.cellTitle(-1).isEmpty());
  QVERIFY(cache.cellTitle(24).isEmpty());
}

void CacheViewTest::hints_say_what_the_token_under_the_pointer_stands_for() {
  CacheViewModel cache;
  cache.update(filled(10));
  QSignalSpy asked(&cache, &CacheViewModel::tokenAsked);
  QSignalSpy changes(&cache, &CacheViewModel::hoveredChanged);
  cache.setHoveredSlot(4);
  QCOMPARE(asked.count(), 1);
  QCOMPARE(asked.first(), QVariantList({1LL, 4LL}));
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 4"));
  QCOMPARE(cache.hoveredDetail(), QStringLiteral("you · age 5"));
  changes.clear();
  cache.takeTokenLabel(1, 4, QStringLiteral("“ remember”"));
  QCOMPARE(changes.count(), 1);
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 4  “ remember”"));
  QCOMPARE(cache.cellTitle(5), QStringLiteral("token 5"));
  cache.takeTokenLabel(1, 4, QStringLiteral("“ remember”"));
  QCOMPARE(changes.count(), 1);
  cache.setHoveredSlot(4);
  QCOMPARE(asked.count(), 1);
}

void CacheViewTest::answers_that_come_too_late_are_ignored() {
  CacheViewModel cache;
  cache.update(filled(10));
  cache.setHoveredSlot(4);
  cache.setHoveredSlot(5);
  cache.takeTokenLabel(1, 4, QStringLiteral("“late”"));
  cache.takeTokenLabel(2, 5, QStringLiteral("“elsewhere”"));
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 5"));
  cache.takeTokenLabel(1, 5, QStringLiteral("“now”"));
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 5  “now”"));
  app::CacheSnapshot other = filled(10);
  other.conversationId = 2;
  cache.update(other);
  cache.flush();
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 5"));
  cache.takeTokenLabel(1, 5, QStringLiteral("“late”"));
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 5"));
  cache.setHoveredSlot(-1);
  cache.takeTokenLabel(2, 5, QStringLiteral("“late”"));
  cache.setHoveredSlot(5);
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 5"));
}

void CacheViewTest::nothing_is_asked_while_nothing_is_hovered() {
  CacheViewModel cache;
  QSignalSpy asked(&cache, &CacheViewModel::tokenAsked);
  cache.update(filled(10));
  cache.setHoveredSlot(20);  // free
  cache.setHoveredSlot(99);  // beyond the map
  cache.setHoveredSlot(-1);
  cache.update(rolled());
  cache.flush();
  QCOMPARE(asked.count(), 0);
  QVERIFY(cache.hoveredTitle().isEmpty());
}

void CacheViewTest::hints_follow_what_the_slot_holds() {
  CacheViewModel cache;
  cache.update(filled(16));
  QSignalSpy asked(&cache, &CacheViewModel::tokenAsked);
  cache.setHoveredSlot(2);
  cache.takeTokenLabel(1, 2, QStringLiteral("“old”"));
  cache.update(rolled());
  cache.flush();
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 2, forgotten  “old”"));  // without a gap
  QCOMPARE(asked.count(), 2);
  QCOMPARE(asked.last(), QVariantList({1LL, 2LL}));
  app::CacheSnapshot later = rolled();
  later.telemetry.fed = 25;
  later.telemetry.runs = {run(0, 2, 0, Reason::sink), run(11, 13, 11, Reason::window), run(24, 1, 2, Reason::window)};
  cache.update(later);
  cache.flush();
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 24"));
  QCOMPARE(asked.last(), QVariantList({1LL, 24LL}));
  cache.takeTokenLabel(1, 24, QStringLiteral("“new”"));
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("token 24  “new”"));
  cache.clear({.ctx_size = 16});
  QCOMPARE(cache.hoveredTitle(), QStringLiteral("free"));
  QCOMPARE(asked.count(), 3);
}

void CacheViewTest::attention_has_steps() {
  QCOMPARE(int{heatOfAttention(0, 100)}, 0);
  QCOMPARE(int{heatOfAttention(0.01F, 100)}, 2);  // the average
  QCOMPARE(int{heatOfAttention(0.5F, 100)}, kMostHeat);
  QCOMPARE(int{heatOfAttention(1, 100)}, kMostHeat);
  app::CacheSnapshot snapshot = filled(10);
  QCOMPARE(int{cellsOf(snapshot, {})[0].heat}, 0);
  snapshot.telemetry.attention.assign(24, 0.0F);
  snapshot.telemetry.attention[0] = 0.9F;
  snapshot.telemetry.attention[7] = 0.1F;
  const std::vector<Cell> cells = cellsOf(snapshot, {});
  QVERIFY(cells[0].heat > cells[7].heat && cells[7].heat > cells[8].heat);
}

void CacheViewTest::hints_tell_attention_while_it_is_watched() {
  CacheViewModel model;
  app::CacheSnapshot snapshot = filled(10);
  snapshot.telemetry.attention.assign(24, 0.0F);
  snapshot.telemetry.attention[7] = 0.125F;
  model.update(snapshot);
  QVERIFY(!model.cellDetail(7).contains(QStringLiteral("attention")));
  model.setColouring(CacheViewModel::Attention);
  QVERIFY2(model.cellDetail(7).endsWith(QStringLiteral("12.5 % of attention")), qPrintable(model.cellDetail(7)));
}

void CacheViewTest::surprise_has_a_step_for_each_nat() {
  QCOMPARE(int{heatOfSurprise(0)}, 0);
  QCOMPARE(int{heatOfSurprise(2.9F)}, 3);
  QCOMPARE(int{heatOfSurprise(1e30F)}, kMostHeat);
  QCOMPARE(int{heatOfSurprise(std::numeric_limits<float>::infinity())}, kMostHeat);
  QCOMPARE(int{heatOfSurprise(std::numeric_limits<float>::quiet_NaN())}, kUnknownHeat);
  app::CacheSnapshot snapshot = filled(10);
  snapshot.telemetry.surprise.assign(24, std::numeric_limits<float>::quiet_NaN());
  snapshot.telemetry.surprise[7] = 5;
  const std::vector<Cell> cells = cellsOf(snapshot, {});
  QCOMPARE(int{cells[7].heat}, 5);
  QCOMPARE(int{cells[8].heat}, kUnknownHeat);
}

void CacheViewTest::hints_tell_how_expected_a_token_was() {
  CacheViewModel model;
  app::CacheSnapshot snapshot = filled(10);
  snapshot.telemetry.surprise.assign(24, std::numeric_limits<float>::quiet_NaN());
  snapshot.telemetry.surprise[7] = std::log(8.0F);
  snapshot.telemetry.surprise[8] = 12;
  model.update(snapshot);
  QVERIFY(!model.cellDetail(7).contains(QStringLiteral("expected")));
  model.setColouring(CacheViewModel::Surprise);
  QVERIFY2(model.cellDetail(7).endsWith(QStringLiteral("expected with 12.5 %")), qPrintable(model.cellDetail(7)));
  QVERIFY2(model.cellDetail(8).endsWith(QStringLiteral("hardly expected")), qPrintable(model.cellDetail(8)));
  QVERIFY2(model.cellDetail(9).endsWith(QStringLiteral("not known how expected")), qPrintable(model.cellDetail(9)));
}

void CacheViewTest::the_map_shows_where_attention_goes() {
  QQuickWindow window;
  CacheViewModel model;
  app::CacheSnapshot snapshot = filled(10);
  snapshot.telemetry.attention.assign(24, 0.0F);
  snapshot.telemetry.attention[7] = 1;
  snapshot.telemetry.cached = 1000;  // so that this is far above the average
  model.update(snapshot);
  CacheMap map(window.contentItem());
  map.setProperty("freeColor", QColor(Qt::black));
  map.setProperty("heatColor", QColor(Qt::red));
  map.setProperty("showsHeat", true);
  map.setWidth(324);
  map.setCache(&model);
  const auto colorAt = [&map](int slot) { return map.image().pixelColor(map.rectOf(slot).center().toPoint()); };
  QCOMPARE(colorAt(7), QColor(Qt::red));
  QCOMPARE(colorAt(20), QColor(Qt::black));  // free
  QVERIFY(colorAt(8) != QColor(Qt::red) && colorAt(8) != QColor(Qt::black));
  const qint64 painted = map.paintedCells();
  snapshot.telemetry.attention[7] = 0;
  snapshot.telemetry.attention[8] = 1;
  model.update(snapshot);
  model.flush();
  QCOMPARE(map.paintedCells() - painted, 2);
  QCOMPARE(colorAt(8), QColor(Qt::red));
}

void CacheViewTest::the_map_paints_only_what_changed() {
  CacheViewModel cache;
  cache.update(filled(16));
  QQuickWindow window;
  CacheMap map(window.contentItem());
  map.setWidth(320);
  map.setCache(&cache);
  const qint64 before = map.paintedCells();
  QVERIFY(before >= 24);
  cache.update(rolled());
  cache.flush();
  // The forgotten one, the new one, and the head's old and new place (the new one is beside the new token).
  QVERIFY(map.paintedCells() - before <= 4);
  QVERIFY(map.paintedCells() - before >= 2);
  const qint64 after = map.paintedCells();
  cache.update(rolled());
  cache.flush();
  QCOMPARE(map.paintedCells(), after);
}

void CacheViewTest::the_map_paints_huge_caches() {
  CacheViewModel cache;
  app::CacheSnapshot snapshot = filled(16);
  snapshot.telemetry.settings.ctx_size = 131072;
  snapshot.telemetry.slots = 131072 + 512;
  snapshot.telemetry.fed = snapshot.telemetry.cached = 131072;
  snapshot.telemetry.runs = {run(0, 4, 0, Reason::sink), run(4, 131068, 4, Reason::window)};
  QQuickWindow window;
  CacheMap map(window.contentItem());
  map.setProperty("systemColor", QColor(Qt::red));
  map.setWidth(320);
  map.setCache(&cache);
  cache.update(snapshot);
  QCOMPARE(map.image().width(), 320);
  QCOMPARE(map.image().pixelColor(100, 100), QColor(Qt::red));
  QVERIFY(map.implicitHeight() < 500);
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::CacheViewTest)
#include "tst_cache_view.moc"
