#include <QtQml/qqmlextensionplugin.h>
#include <QClipboard>
#include <QInputMethodEvent>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

class ComposerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void enter_sends_and_shift_enter_breaks_the_line();
  void enter_belongs_to_the_input_method_while_it_composes();
  void nothing_is_sent_without_a_model();
  void escape_stops_the_answer();
  void enter_while_answering_keeps_the_draft();
  void a_long_paste_is_kept_beside_the_text();
  void a_short_paste_is_typed();
  void tab_leads_out_and_back();
  void each_conversation_keeps_its_draft();
};

void ComposerTest::enter_sends_and_shift_enter_breaks_the_line() {
  WindowFixture fixture;
  QVERIFY(fixture.textArea()->hasActiveFocus());
  for (const char key : {'a', 'b'}) QTest::keyClick(fixture.window, key);
  QTest::keyClick(fixture.window, Qt::Key_Return, Qt::ShiftModifier);
  QTest::keyClick(fixture.window, 'c');
  QCOMPARE(fixture.typed(), QStringLiteral("ab\nc"));
  QCOMPARE(fixture.app->transcript()->count(), 0);
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.app->transcript()->textOf(0), QStringLiteral("ab\nc"));
  QCOMPARE(fixture.typed(), QString());
}

void ComposerTest::enter_belongs_to_the_input_method_while_it_composes() {
  WindowFixture fixture;
  QInputMethodEvent composing(QStringLiteral("PlusE"), {});
  QGuiApplication::sendEvent(fixture.textArea(), &composing);
  QCOMPARE(fixture.textArea()->property("preeditText").toString(), QStringLiteral("PlusE"));
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.app->transcript()->count(), 0);
  QInputMethodEvent commit;
  commit.setCommitString(QStringLiteral("PlusE"));
  QGuiApplication::sendEvent(fixture.textArea(), &commit);
  QCOMPARE(fixture.typed(), QStringLiteral("PlusE"));
  QCOMPARE(fixture.app->transcript()->count(), 0);
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.app->transcript()->textOf(0), QStringLiteral("PlusE"));
}

void ComposerTest::nothing_is_sent_without_a_model() {
  WindowFixture fixture(false);
  QTest::keyClick(fixture.window, 'a');
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.app->transcript()->count(), 0);
  QCOMPARE(fixture.typed(), QStringLiteral("a"));
}

void ComposerTest::escape_stops_the_answer() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("word ").repeated(5000)});
  QTest::keyClick(fixture.window, 'a');
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QVERIFY(QTest::qWaitFor([&] { return fixture.app->transcript()->textOf(1).size() > 20; }));
  QTest::keyClick(fixture.window, Qt::Key_Escape);
  QVERIFY(QTest::qWaitFor([&] { return !fixture.app->chat()->busy(); }));
  const QModelIndex answer = fixture.app->transcript()->index(1);
  QCOMPARE(answer.data(TranscriptModel::NoteRole).toString(), QStringLiteral("Stopped"));
  QVERIFY(answer.data(TranscriptModel::TextRole).toString().size() < 25'000);
}

void ComposerTest::enter_while_answering_keeps_the_draft() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("word ").repeated(5000)});
  fixture.app->chat()->send(QStringLiteral("first"));
  QTest::keyClick(fixture.window, 'n');
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.typed(), QStringLiteral("n"));
  QCOMPARE(fixture.app->transcript()->count(), 2);
  fixture.app->chat()->stop();
}

void ComposerTest::a_long_paste_is_kept_beside_the_text() {
  WindowFixture fixture;
  const QString pasted = QStringLiteral("a line of text\n").repeated(70'000);
  QGuiApplication::clipboard()->setText(pasted);
  QTest::keyClick(fixture.window, Qt::Key_V, Qt::ControlModifier);
  QCOMPARE(fixture.typed(), QString());
  QCOMPARE(fixture.app->chat()->pasted().size(), pasted.size());
  QTest::keyClick(fixture.window, 'q');
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QCOMPARE(fixture.app->transcript()->textOf(0).size(), pasted.size() + 3);
  QVERIFY(fixture.app->transcript()->textOf(0).endsWith(QStringLiteral("text\n\n\nq")));
  QCOMPARE(fixture.app->chat()->pasted(), QString());
}

void ComposerTest::a_short_paste_is_typed() {
  WindowFixture fixture;
  QGuiApplication::clipboard()->setText(QStringLiteral("<b>short</b>"));
  QTest::keyClick(fixture.window, Qt::Key_V, Qt::ControlModifier);
  QCOMPARE(fixture.typed(), QStringLiteral("<b>short</b>"));
}

void ComposerTest::tab_leads_out_and_back() {
  WindowFixture fixture;
  QTRY_VERIFY(fixture.textArea()->hasActiveFocus());
  QTest::keyClick(fixture.window, Qt::Key_Tab);
  QVERIFY(!fixture.textArea()->hasActiveFocus());
  QTest::keyClick(fixture.window, Qt::Key_Backtab, Qt::ShiftModifier);
  QVERIFY(fixture.textArea()->hasActiveFocus());
  QCOMPARE(fixture.typed(), QString());
}

void ComposerTest::each_conversation_keeps_its_draft() {
  WindowFixture fixture;
  const qint64 other = fixture.store.createConversation(QStringLiteral("other"))->id;
  QTest::keyClick(fixture.window, 'a');
  fixture.app->openConversation(other);
  QCOMPARE(fixture.typed(), QString());
  QTest::keyClick(fixture.window, 'b');
  fixture.app->newConversation();
  QCOMPARE(fixture.typed(), QStringLiteral("a"));
  fixture.app->openConversation(other);
  QCOMPARE(fixture.typed(), QStringLiteral("b"));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ComposerTest)
#include "tst_composer.moc"
