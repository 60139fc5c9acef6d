#include <QDir>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include "app/chat/scripted_backend.h"
#include "runnel/error.h"
#include "ui/conversations/conversation_list_model.h"
#include "ui/conversations/model_picker.h"
#include "ui/demo/cache_report.h"
#include "ui/demo/demo_script.h"
#include "ui/settings/settings_view_model.h"
#include "ui/window_place.h"

namespace runnel::ui {

namespace {

/** Store, settings and backend over temporary files. */
struct Bench {
  QTemporaryDir folder;
  app::Settings settings{folder.filePath(QStringLiteral("settings.ini"))};
  app::ConversationStore store;
  app::ScriptedBackend backend;
  app::ConversationSession session{backend, store, settings};

  Bench() {
    store.open(folder.filePath(QStringLiteral("c.db")));
    backend.setInterval(0);
  }
};

void touch(const QString& path, const QByteArray& content = "x") {
  QFile file(path);
  QVERIFY(file.open(QIODevice::WriteOnly));
  file.write(content);
}

}  // namespace

class ViewModelsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void sections_are_by_age_data();
  void sections_are_by_age();
  void the_list_filters_by_title_without_regard_to_case();
  void a_deletion_can_be_undone_and_is_done_at_the_end();
  void deleting_another_one_completes_the_first();
  void settings_drafts_are_checked_by_the_engine();
  void settings_warn_of_small_steps_with_learned_positions();
  void settings_are_applied_by_the_backend_first();
  void the_library_lists_models_and_nothing_else();
  void a_failed_load_keeps_the_model_before();
  void windows_are_put_on_a_screen_data();
  void windows_are_put_on_a_screen();
  void the_demonstration_has_at_least_eight_turns_and_the_images();
  void the_report_merges_consecutive_evictions();
};

void ViewModelsTest::sections_are_by_age_data() {
  QTest::addColumn<int>("days");
  QTest::addColumn<QString>("section");
  QTest::newRow("tomorrow (another clock)") << -1 << "Today";
  QTest::newRow("now") << 0 << "Today";
  QTest::newRow("yesterday") << 1 << "Yesterday";
  QTest::newRow("a week") << 7 << "Last week";
  QTest::newRow("a month") << 31 << "Last month";
  QTest::newRow("long ago") << 400 << "Earlier";
}

void ViewModelsTest::sections_are_by_age() {
  QFETCH(int, days);
  QFETCH(QString, section);
  const QDate today(2026, 3, 1);
  QCOMPARE(ConversationListModel::sectionOf(today.addDays(-days), today), section);
}

void ViewModelsTest::the_list_filters_by_title_without_regard_to_case() {
  Bench bench;
  ConversationListModel list(bench.store, bench.session);
  for (const char* title : {"Roman aqueducts", "<b>Bread</b>", "AQUA"}) bench.store.createConversation(title);
  QCOMPARE(list.count(), 3);
  list.setFilter(QStringLiteral("aqu"));
  QCOMPARE(list.count(), 2);
  list.setFilter(QStringLiteral("<b>"));
  QCOMPARE(list.count(), 1);
  QCOMPARE(list.index(0).data(ConversationListModel::TitleRole).toString(), QStringLiteral("<b>Bread</b>"));
}

void ViewModelsTest::a_deletion_can_be_undone_and_is_done_at_the_end() {
  Bench bench;
  const qint64 id = bench.store.createConversation(QStringLiteral("one"))->id;
  {
    ConversationListModel list(bench.store, bench.session);
    list.remove(id);
    QCOMPARE(list.count(), 0);
    QCOMPARE(list.removedTitle(), QStringLiteral("one"));
    list.undoRemove();
    QCOMPARE(list.count(), 1);
    list.remove(id);
    QCOMPARE(bench.store.conversations().size(), 1);
  }
  QCOMPARE(bench.store.conversations().size(), 0);
}

void ViewModelsTest::deleting_another_one_completes_the_first() {
  Bench bench;
  const qint64 first = bench.store.createConversation(QStringLiteral("one"))->id;
  const qint64 second = bench.store.createConversation(QStringLiteral("two"))->id;
  ConversationListModel list(bench.store, bench.session);
  list.remove(first);
  list.remove(second);
  QCOMPARE(bench.store.conversations().size(), 1);
  QCOMPARE(list.removedTitle(), QStringLiteral("two"));
}

void ViewModelsTest::settings_drafts_are_checked_by_the_engine() {
  Bench bench;
  SettingsViewModel view(bench.settings, bench.backend, 2);
  view.setCtxSize(3);
  QVERIFY(view.cacheProblem().contains(QStringLiteral("ctx_size")));
  view.applyCache();
  QVERIFY(!view.applying());
  QVERIFY(bench.settings.cache().ctx_size != 3);
  view.setCtxSize(64);
  view.setNKeep(63);
  QVERIFY(view.cacheProblem().contains(QStringLiteral("n_keep")));
  view.revertCache();
  QVERIFY(view.cacheProblem().isEmpty());
  QVERIFY(!view.cacheEdited());
}

void ViewModelsTest::settings_warn_of_small_steps_with_learned_positions() {
  Bench bench;
  SettingsViewModel view(bench.settings, bench.backend, 2);
  ModelFacts facts;
  facts.trained_context = 1024;
  view.setModel(facts);
  view.setCtxSize(1024);
  view.setNDiscard(1);
  QVERIFY(view.cacheWarning().isEmpty());
  facts.learned_positions = true;
  view.setModel(facts);
  QVERIFY2(view.cacheWarning().contains(QStringLiteral("256")), qPrintable(view.cacheWarning()));
  view.setNDiscard(255);
  QVERIFY(!view.cacheWarning().isEmpty());
  view.setNDiscard(256);
  QVERIFY(view.cacheWarning().isEmpty());
  view.setNDiscard(-1);
  QVERIFY(view.cacheWarning().isEmpty());
  view.setCtxSize(2048);
  QVERIFY2(view.cacheProblem().contains(QStringLiteral("1024")), qPrintable(view.cacheProblem()));
}

void ViewModelsTest::settings_are_applied_by_the_backend_first() {
  Bench bench;
  SettingsViewModel view(bench.settings, bench.backend, 2);
  view.setCtxSize(64);
  QVERIFY(view.cacheEdited());
  view.applyCache();
  QTRY_VERIFY(!view.applying());
  QCOMPARE(bench.settings.cache().ctx_size, 64);
  QVERIFY(!view.cacheEdited());
  view.setKvType(QStringLiteral("q3"));
  QVERIFY(!view.cacheEdited());
  view.setKvType(QStringLiteral("q8"));
  QVERIFY(view.cacheEdited());
  view.applyCache();
  QTRY_VERIFY(!view.applying());
  QCOMPARE(bench.settings.cache().kv_type, KvType::q8);
  view.setWholeMessages(true);
  QVERIFY(view.cacheEdited());
  view.applyCache();
  QTRY_VERIFY(!view.applying());
  QVERIFY(bench.settings.cache().whole_messages);
  view.setSeed(QStringLiteral("42"));
  QCOMPARE(bench.settings.sampling().seed.value_or(0), std::uint64_t{42});
  view.setSeed({});
  QVERIFY(!bench.settings.sampling().seed);
}

void ViewModelsTest::the_library_lists_models_and_nothing_else() {
  Bench bench;
  const QDir library(bench.folder.path() + QStringLiteral("/models"));
  QVERIFY(QDir().mkpath(library.filePath(QStringLiteral("hf-model"))));
  QVERIFY(QDir().mkpath(library.filePath(QStringLiteral("empty-folder"))));
  touch(library.filePath(QStringLiteral("hf-model/config.json")));
  touch(library.filePath(QStringLiteral("a.gguf")));
  touch(library.filePath(QStringLiteral("b-00001-of-00002.gguf")));
  touch(library.filePath(QStringLiteral("b-00002-of-00002.gguf")));
  touch(library.filePath(QStringLiteral("notes.txt")));
  ModelPicker picker(bench.backend, bench.settings, library.path());
  QStringList names;
  for (int row = 0; row < picker.rowCount(); ++row)
    names.append(picker.index(row).data(ModelPicker::NameRole).toString());
  QCOMPARE(names, (QStringList{"a", "b-00001-of-00002", "hf-model"}));
}

void ViewModelsTest::a_failed_load_keeps_the_model_before() {
  Bench bench;
  ModelPicker picker(bench.backend, bench.settings, bench.folder.path());
  picker.load(QStringLiteral("/models/first.gguf"));
  QTRY_VERIFY(picker.ready() && !picker.loading());
  bench.backend.failNextLoad(QStringLiteral("It ends early."));
  QSignalSpy failures(&picker, &ModelPicker::failed);
  picker.load(QStringLiteral("/models/second.gguf"));
  QTRY_COMPARE(failures.count(), 1);
  QVERIFY(picker.ready());
  QCOMPARE(picker.path(), QStringLiteral("/models/first.gguf"));
  QCOMPARE(bench.settings.modelPath(), QStringLiteral("/models/first.gguf"));
  picker.loadUrl(QUrl(QStringLiteral("https://example.org/x.gguf")));
  QCOMPARE(failures.count(), 2);
}

void ViewModelsTest::windows_are_put_on_a_screen_data() {
  QTest::addColumn<QRect>("saved");
  QTest::addColumn<QList<QRect>>("screens");
  const QRect small(0, 0, 1280, 720);
  QTest::newRow("from a larger screen") << QRect(2000, 1500, 1800, 1200) << QList<QRect>{small};
  QTest::newRow("title bar above the top") << QRect(100, -50, 800, 500) << QList<QRect>{small};
  QTest::newRow("on a screen that is gone") << QRect(2560, 100, 800, 500) << QList<QRect>{small};
  QTest::newRow("on the second screen") << QRect(1400, 100, 800, 500) << QList<QRect>{small, QRect(1280, 0, 1280, 720)};
  QTest::newRow("half over the edge") << QRect(900, 500, 800, 500) << QList<QRect>{small};
}

void ViewModelsTest::windows_are_put_on_a_screen() {
  QFETCH(QRect, saved);
  QFETCH(QList<QRect>, screens);
  const QRect place = placeOnScreen(saved, screens);
  bool inside = false;
  for (const QRect& screen : screens) inside = inside || screen.adjusted(0, 20, 0, 0).contains(place);
  QVERIFY(inside);
  QCOMPARE(placeOnScreen(place, screens), place);
}

void ViewModelsTest::the_demonstration_has_at_least_eight_turns_and_the_images() {
  const DemoScript script = DemoScript::builtIn();
  QVERIFY(script.turns.size() >= 8);
  const QString all = script.turns.join(QLatin1Char(' '));
  QVERIFY(all.contains(QStringLiteral("![x](http://127.0.0.1:9/x.png)")));
  QVERIFY(all.contains(QStringLiteral("<img src=http://127.0.0.1:9/y.png>")));
  QVERIFY_EXCEPTION_THROWN(DemoScript::parse("{}"), Error);
  QVERIFY_EXCEPTION_THROWN(DemoScript::parse("no JSON"), Error);
}

void ViewModelsTest::the_report_merges_consecutive_evictions() {
  CacheReport report;
  app::CacheSnapshot snapshot;
  snapshot.telemetry.events = {{.at = 16, .first = 2, .last = 2, .tokens = 1, .evictions = 1, .time_s = 0.5}};
  report.add(snapshot);
  snapshot.telemetry.events = {{.at = 16, .first = 2, .last = 3, .tokens = 2, .evictions = 2, .time_s = 0.5}};
  report.add(snapshot);
  snapshot.telemetry.events = {{.at = 18, .first = 4, .last = 4, .tokens = 1, .evictions = 1, .time_s = 0.6},
                               {.at = 30, .first = 5, .last = 9, .tokens = 5, .evictions = 1, .time_s = 0.7}};
  snapshot.telemetry.evicted = 8;
  report.add(snapshot);
  QCOMPARE(report.takeLines(),
           (QStringList{R"({"event":"evict","at":16,"first":2,"last":4,"tokens":3,"evictions":3,"time_s":0.500})",
                        R"({"event":"evict","at":30,"first":5,"last":9,"tokens":5,"evictions":1,"time_s":0.700})"}));
  QCOMPARE(report.evicted(), 8);
  QCOMPARE(report.largestEviction(), 5);
  QVERIFY(report.takeLines().isEmpty());
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ViewModelsTest)
#include "tst_view_models.moc"
