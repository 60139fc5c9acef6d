#include <QtQml/qqmlextensionplugin.h>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

class TranscriptViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void follows_the_end_while_the_reader_is_there();
  void stays_where_the_reader_put_it();
  void the_button_leads_back_to_the_end();
  void the_line_of_forgetting_stands_above_what_is_remembered();
  void forgotten_lines_of_a_long_question_are_dimmed();
  void a_question_of_one_long_line_is_dimmed_too_data();
  void a_question_of_one_long_line_is_dimmed_too();
  void a_long_question_unfolds_where_it_is();
  void streaming_touches_one_row_and_few_items_of_a_long_conversation();

 private:
  static QQuickItem* list(const WindowFixture& fixture) {
    for (QQuickItem* item : WindowFixture::allItems(fixture.item(QStringLiteral("TranscriptView"))))
      if (item->inherits("QQuickListView")) return item;
    return nullptr;
  }
  static void wheel(QQuickWindow* window, const QPointF& at, int notches) {
    QWheelEvent event(at, window->mapToGlobal(at), {}, {0, 120 * notches}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QGuiApplication::sendEvent(window, &event);
  }
};

void TranscriptViewTest::follows_the_end_while_the_reader_is_there() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("Some words in a paragraph.\n\n").repeated(60)});
  fixture.converse(QStringLiteral("first"));
  fixture.converse(QStringLiteral("second"));
  QTRY_VERIFY(list(fixture)->property("atYEnd").toBool());
}

void TranscriptViewTest::stays_where_the_reader_put_it() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("Some words in a paragraph.\n\n").repeated(60)});
  fixture.converse(QStringLiteral("first"));
  QQuickItem* view = list(fixture);
  QTRY_VERIFY(view->property("atYEnd").toBool());
  fixture.app->chat()->send(QStringLiteral("second"));
  QVERIFY(QTest::qWaitFor([&] { return fixture.app->transcript()->textOf(3).size() > 200; }));
  const QPointF middle = view->mapToScene({view->width() / 2, view->height() / 2});
  for (int notch = 0; notch < 6; ++notch) wheel(fixture.window, middle, 1);
  QTRY_VERIFY(!view->property("moving").toBool());
  QVERIFY(!view->property("following").toBool());
  const double y = view->property("contentY").toDouble();
  QVERIFY(QTest::qWaitFor([&] { return !fixture.app->chat()->busy(); }, 20'000));
  (void)fixture.window->grabWindow();
  QCOMPARE(view->property("contentY").toDouble(), y);
}

void TranscriptViewTest::the_button_leads_back_to_the_end() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("Some words in a paragraph.\n\n").repeated(60)});
  fixture.converse(QStringLiteral("first"));
  QQuickItem* view = list(fixture);
  QTRY_VERIFY(view->property("atYEnd").toBool());
  QTest::keyClick(fixture.window, Qt::Key_PageUp);
  QVERIFY(!view->property("following").toBool());
  QVERIFY(!view->property("atYEnd").toBool());
  QMetaObject::invokeMethod(fixture.item(QStringLiteral("TranscriptView")), "toEnd");
  QTRY_VERIFY(view->property("atYEnd").toBool());
  QVERIFY(view->property("following").toBool());
}

void TranscriptViewTest::the_line_of_forgetting_stands_above_what_is_remembered() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("word ").repeated(150)});
  for (int turn = 0; turn < 4; ++turn) fixture.converse(QStringLiteral("turn %1").arg(turn));
  fixture.app->cache()->flush();
  TranscriptModel& transcript = *fixture.app->transcript();
  QVERIFY(transcript.firstRemembered() > 0);
  for (int row = 0; row < transcript.count(); ++row) {
    const double remembered = transcript.index(row).data(TranscriptModel::RememberedRole).toDouble();
    if (row == transcript.firstRemembered() - 1) QCOMPARE(remembered, 0.0);
    if (row >= transcript.firstRemembered()) QVERIFY(remembered > 0);
  }
}

void TranscriptViewTest::forgotten_lines_of_a_long_question_are_dimmed() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("word ").repeated(180)});
  QString question;
  for (int line = 10; line < 30; ++line) question += QStringLiteral("In line %1 stand some seven words\n").arg(line);
  fixture.converse(question);
  fixture.app->cache()->flush();
  const double remembered = fixture.app->transcript()->index(0).data(TranscriptModel::RememberedRole).toDouble();
  QVERIFY2(remembered > 0.2 && remembered < 0.9, qPrintable(QString::number(remembered)));
  QMetaObject::invokeMethod(
      fixture.item(QStringLiteral("TranscriptView")), "showMessage",
      Q_ARG(double, fixture.app->transcript()->index(0).data(TranscriptModel::IdRole).toDouble()));

  QQuickItem* text = nullptr;
  QTRY_VERIFY((text = fixture.item(QStringLiteral("LongText"))) != nullptr);
  QString dimmed;
  QString bright;
  for (const QQuickItem* piece : text->childItems()) {
    const QVariant words = piece->property("text");
    const bool isDimmed = piece->property("color") == text->property("dimmedColor");
    if (words.isValid()) (isDimmed ? dimmed : bright) += words.toString() + QLatin1Char('\n');
  }
  QCOMPARE(dimmed + bright, question);
  const double share = static_cast<double>(bright.size()) / static_cast<double>(question.size());
  QVERIFY2(share >= remembered - 0.02 && share < remembered + 0.07, qPrintable(QString::number(share)));
}

void TranscriptViewTest::a_question_of_one_long_line_is_dimmed_too_data() {
  QTest::addColumn<QString>("unit");
  QTest::newRow("words") << QStringLiteral("seven words stand in each of these ");
  QTest::newRow("no blanks") << QString::fromUtf8("沒有空格的文字");
  QTest::newRow("surrogates") << QString::fromUtf8("🦙");
}

void TranscriptViewTest::a_question_of_one_long_line_is_dimmed_too() {
  QFETCH(QString, unit);
  WindowFixture fixture;
  const QString question = unit.repeated(2400 / unit.size()).trimmed();
  const qint64 id = fixture.store.createConversation(QStringLiteral("long line"))->id;
  app::StoredMessage message{.conversationId = id, .role = app::Role::User};
  message.text = question;
  QVERIFY(fixture.store.appendMessage(message));
  fixture.app->openConversation(id);
  QQuickItem* bubble = nullptr;
  QTRY_VERIFY((bubble = fixture.item(QStringLiteral("UserMessage"))) != nullptr);
  for (const double remembered : {0.3, 0.5, 0.501}) {
    bubble->setProperty("remembered", remembered);
    const int dimmed = fixture.item(QStringLiteral("LongText"))->property("dimmedEnd").toInt();
    const double border = (1 - remembered) * static_cast<double>(question.size());
    QVERIFY2(dimmed <= border && dimmed > border - 40, qPrintable(QString::number(dimmed)));
    QVERIFY(!question.at(dimmed).isLowSurrogate());
  }
}

void TranscriptViewTest::a_long_question_unfolds_where_it_is() {
  WindowFixture fixture;
  const QString question = QStringLiteral("one of four hundred lines\n").repeated(400);
  fixture.converse(question);
  QQuickItem* view = list(fixture);
  QTRY_VERIFY(view->property("atYEnd").toBool());
  QVERIFY(view->property("following").toBool());
  QVERIFY(
      fixture.click(QStringLiteral("Show more of %1 characters").arg(QLocale().toString(question.trimmed().size()))));
  QVERIFY(fixture.draw());
  const QQuickItem* text = fixture.item(QStringLiteral("LongText"));
  QVERIFY(text != nullptr);
  QVERIFY(text->property("shownLength").toInt() >= question.trimmed().size());
  QVERIFY(!view->property("following").toBool());

  // A row that is made anew, as after it was scrolled far away, is still unfolded.
  const QVariant model = view->property("model");
  view->setProperty("model", QVariant());
  QTRY_VERIFY(fixture.item(QStringLiteral("LongText")) == nullptr);
  view->setProperty("model", model);
  QTRY_VERIFY((text = fixture.item(QStringLiteral("LongText"))) != nullptr);
  QVERIFY(text->property("shownLength").toInt() >= question.trimmed().size());
  QVERIFY(QMetaObject::invokeMethod(view, "positionViewAtEnd"));
  QVERIFY(fixture.draw());
  QVERIFY(fixture.click(QStringLiteral("Show less")));
  QVERIFY(text->property("shownLength").toInt() < question.trimmed().size());
}

void TranscriptViewTest::streaming_touches_one_row_and_few_items_of_a_long_conversation() {
  WindowFixture fixture;
  fixture.openLongConversation();
  (void)fixture.window->grabWindow();
  QVERIFY(WindowFixture::allItems(fixture.window->contentItem()).size() < 4000);

  QString code = QStringLiteral("Prose first.\n\n```cpp\n");
  for (int line = 0; line < 200; ++line) code += QStringLiteral("int variable%1 = %1;\n").arg(line);
  fixture.settings().setMaxTokens(1'000'000);
  fixture.backend.setAnswers({code + QStringLiteral("```\n\nAnd prose again.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")});
  QSignalSpy changes(fixture.app->transcript(), &QAbstractItemModel::dataChanged);
  QSignalSpy resets(fixture.app->transcript(), &QAbstractItemModel::modelReset);
  fixture.app->chat()->send(QStringLiteral("Write code."));
  QVERIFY(QTest::qWaitFor([&] { return !fixture.app->chat()->busy(); }, 120'000));
  QCOMPARE(resets.count(), 0);
  qsizetype textChanges = 0;
  for (const QList<QVariant>& change : changes) {
    if (!change[2].value<QList<int>>().contains(static_cast<int>(TranscriptModel::TextRole))) continue;
    ++textChanges;
    QCOMPARE(change[0].toModelIndex().row(), 2001);
    QCOMPARE(change[1].toModelIndex().row(), 2001);
  }
  QVERIFY(textChanges > 1);
  QVERIFY(fixture.app->transcript()->textOf(2001).endsWith(QStringLiteral("| 1 | 2 |\n")));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::TranscriptViewTest)
#include "tst_transcript_view.moc"
