#include <QTest>

#include "ui/transcript/drafts.h"

namespace runnel::ui {

/** What is being written in each conversation. */
class DraftsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void each_conversation_has_its_own();
  void an_edit_stands_before_the_draft();
  void an_edit_that_was_left_is_offered_again();
  void a_text_that_was_sent_is_gone();
  void what_comes_back_goes_before_what_is_written();
  void an_edit_comes_back_as_an_edit();
  void long_texts_are_kept_beside();
};

void DraftsTest::each_conversation_has_its_own() {
  Drafts drafts;
  drafts.setTyped(QStringLiteral("new"));
  drafts.open(7);
  QVERIFY(drafts.current().isEmpty());
  drafts.setTyped(QStringLiteral("seventh"));
  drafts.setPasted(QStringLiteral("long"));
  drafts.open(0);
  QCOMPARE(drafts.current().typed, QStringLiteral("new"));
  drafts.open(7);
  QCOMPARE(drafts.current().whole(), QStringLiteral("long\n\nseventh"));
}

void DraftsTest::an_edit_stands_before_the_draft() {
  Drafts drafts;
  drafts.setTyped(QStringLiteral("half a thought"));
  drafts.beginEdit(3, QStringLiteral("third"));
  QCOMPARE(drafts.edited(), 3);
  QCOMPARE(drafts.current().typed, QStringLiteral("third"));
  drafts.open(7);
  QCOMPARE(drafts.edited(), 0);
  drafts.open(0);
  QCOMPARE(drafts.edited(), 3);
  drafts.drop();
  QCOMPARE(drafts.edited(), 0);
  QCOMPARE(drafts.current().typed, QStringLiteral("half a thought"));
}

void DraftsTest::an_edit_that_was_left_is_offered_again() {
  Drafts drafts;
  drafts.beginEdit(3, QStringLiteral("third"));
  drafts.setTyped(QStringLiteral("third, better"));
  drafts.beginEdit(5, QStringLiteral("fifth"));
  QCOMPARE(drafts.current().typed, QStringLiteral("fifth"));
  drafts.leaveEdit();
  QVERIFY(drafts.current().isEmpty());
  drafts.beginEdit(3, QStringLiteral("third"));
  QCOMPARE(drafts.current().typed, QStringLiteral("third, better"));
}

void DraftsTest::a_text_that_was_sent_is_gone() {
  Drafts drafts;
  drafts.setTyped(QStringLiteral("said"));
  QCOMPARE(drafts.take().typed, QStringLiteral("said"));
  QVERIFY(drafts.current().isEmpty());
  drafts.beginEdit(3, QStringLiteral("third"));
  drafts.drop();
  drafts.beginEdit(3, QStringLiteral("third"));
  QCOMPARE(drafts.current().typed, QStringLiteral("third"));
}

void DraftsTest::what_comes_back_goes_before_what_is_written() {
  Drafts drafts;
  drafts.giveBack(7, {.typed = QStringLiteral("said")});
  QVERIFY(drafts.current().isEmpty());
  drafts.open(7);
  QCOMPARE(drafts.current().typed, QStringLiteral("said"));
  drafts.giveBack(7, {.typed = QStringLiteral("before")});
  QCOMPARE(drafts.current().typed, QStringLiteral("before\n\nsaid"));
  drafts.giveBack(7, {.typed = QStringLiteral("end"), .pasted = QString(kLongPaste + 1, u'x')});
  QVERIFY(drafts.current().whole().startsWith(u'x'));
  QVERIFY(drafts.current().whole().endsWith(QStringLiteral("end\n\nbefore\n\nsaid")));
}

void DraftsTest::an_edit_comes_back_as_an_edit() {
  Drafts drafts;
  drafts.setTyped(QStringLiteral("half a thought"));
  drafts.beginEdit(5, QStringLiteral("fifth"));
  drafts.giveBackEdit(0, 3, {.typed = QStringLiteral("third, better")});
  QCOMPARE(drafts.edited(), 3);
  QCOMPARE(drafts.current().typed, QStringLiteral("third, better"));
  drafts.beginEdit(5, QStringLiteral("?"));
  QCOMPARE(drafts.current().typed, QStringLiteral("fifth"));
  drafts.leaveEdit();
  QCOMPARE(drafts.current().typed, QStringLiteral("half a thought"));
}

void DraftsTest::long_texts_are_kept_beside() {
  QCOMPARE(draftOf(QStringLiteral("short")).typed, QStringLiteral("short"));
  const QString text(kLongPaste + 1, u'x');
  QCOMPARE(draftOf(text).pasted, text);
  QVERIFY(draftOf(text).typed.isEmpty());
}

}  // namespace runnel::ui

QTEST_APPLESS_MAIN(runnel::ui::DraftsTest)
#include "tst_drafts.moc"
