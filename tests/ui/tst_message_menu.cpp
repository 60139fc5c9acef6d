#include <QtQml/qqmlextensionplugin.h>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

/** What can be done with one message. */
class MessageMenuTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void pins_and_unpins_a_message();
  void a_pinned_message_outlives_the_window();
  void offers_to_write_a_forgotten_message_again();
  void has_the_last_answer_written_again();
  void a_message_is_edited_in_the_composer();
  void the_arrow_keys_pass_over_what_is_not_offered();
  void an_edit_can_be_left();
  void a_stopped_edit_comes_back_to_the_composer();
  void branches_into_a_conversation_of_its_own();
  void deletes_from_a_message_on_when_asked_twice();
  void a_pin_comes_back_with_its_conversation();

 private:
  static QString question() { return QStringLiteral("My dog is called Waldo"); }
  /** Opens the menu of the message that reads `text`, by the button beside it. */
  static bool openMenu(WindowFixture& fixture, const QString& text) {
    if (!fixture.draw()) return false;
    for (QQuickItem* row : WindowFixture::allItems(fixture.window->contentItem())) {
      if (!QByteArray(row->metaObject()->className()).startsWith("MessageRow_QML")) continue;
      if (row->property("text").toString() != text) continue;
      for (QQuickItem* button : WindowFixture::allItems(row)) {
        if (button->property("iconName").toString() != QStringLiteral("more")) continue;
        const QPoint place = button->mapToScene(button->boundingRect().center()).toPoint();
        QTest::mouseMove(fixture.window, place);
        QTest::mouseClick(fixture.window, Qt::LeftButton, {}, place);
        return true;
      }
    }
    return false;
  }
  static void forget(WindowFixture& fixture) {
    for (int turn = 0; turn < 3; ++turn) fixture.converse(QStringLiteral("word ").repeated(100));
  }
};

void MessageMenuTest::pins_and_unpins_a_message() {
  WindowFixture fixture;
  fixture.converse(question());
  QVERIFY(fixture.shown(QStringLiteral("pinned")) == nullptr || fixture.app->cache()->pinned() == 0);
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Pin in memory")));
  QTRY_VERIFY(fixture.app->cache()->pinned() > 0);
  QVERIFY(fixture.app->transcript()->index(0).data(TranscriptModel::PinnedRole).toBool());
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Unpin")));
  QTRY_COMPARE(fixture.app->cache()->pinned(), 0);
  QVERIFY(!fixture.app->transcript()->index(0).data(TranscriptModel::PinnedRole).toBool());
}

void MessageMenuTest::a_pinned_message_outlives_the_window() {
  WindowFixture fixture;
  fixture.converse(question());
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Pin in memory")));
  QTRY_VERIFY(fixture.app->cache()->pinned() > 0);
  forget(fixture);
  const TranscriptModel* transcript = fixture.app->transcript();
  QTRY_COMPARE(transcript->index(1).data(TranscriptModel::RememberedRole).toDouble(), 0.0);
  QCOMPARE(transcript->index(0).data(TranscriptModel::RememberedRole).toDouble(), 1.0);
}

void MessageMenuTest::offers_to_write_a_forgotten_message_again() {
  WindowFixture fixture;
  fixture.converse(question());
  forget(fixture);
  QTRY_COMPARE(fixture.app->transcript()->index(0).data(TranscriptModel::RememberedRole).toDouble(), 0.0);
  fixture.item(QStringLiteral("TranscriptView"))
      ->metaObject()
      ->invokeMethod(
          fixture.item(QStringLiteral("TranscriptView")), "showMessage",
          Q_ARG(double,
                static_cast<double>(fixture.app->transcript()->index(0).data(TranscriptModel::IdRole).toLongLong())));
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Write it again …")));
  QTRY_COMPARE(fixture.typed(), question());
}

void MessageMenuTest::has_the_last_answer_written_again() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("Yes."), QStringLiteral("No."), QStringLiteral("Perhaps.")});
  fixture.converse(question());
  fixture.converse(QStringLiteral("Is it?"));
  QVERIFY(openMenu(fixture, QStringLiteral("Yes.")));
  QVERIFY(fixture.draw());
  QVERIFY(fixture.shown(QStringLiteral("Answer again")) == nullptr);  // only the last one can be
  QTest::keyClick(fixture.window, Qt::Key_Escape);
  QVERIFY(openMenu(fixture, QStringLiteral("No.")));
  QVERIFY(fixture.click(QStringLiteral("Answer again")));
  QTRY_COMPARE(fixture.app->transcript()->textOf(3), QStringLiteral("Perhaps."));
  QCOMPARE(fixture.app->transcript()->count(), 4);
}

void MessageMenuTest::a_message_is_edited_in_the_composer() {
  WindowFixture fixture;
  fixture.converse(question());
  fixture.converse(QStringLiteral("And yours?"));
  fixture.app->chat()->suggest(QStringLiteral("half a thought"));
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Edit …")));
  QTRY_COMPARE(fixture.typed(), question());
  QVERIFY(fixture.draw());
  QVERIFY(fixture.shown(QStringLiteral("Edits a message: it and the 3 after it are replaced")) != nullptr);
  fixture.app->chat()->suggest(QStringLiteral("My cat is called Waldo"));
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QTRY_VERIFY(!fixture.app->chat()->busy());
  QCOMPARE(fixture.app->transcript()->count(), 2);
  QCOMPARE(fixture.app->transcript()->textOf(0), QStringLiteral("My cat is called Waldo"));
  QCOMPARE(fixture.typed(), QStringLiteral("half a thought"));
  QVERIFY(!fixture.app->chat()->editing());
}

void MessageMenuTest::the_arrow_keys_pass_over_what_is_not_offered() {
  WindowFixture fixture;
  fixture.converse(question());
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.draw());
  for (const Qt::Key key : {Qt::Key_Down, Qt::Key_Down, Qt::Key_Return}) QTest::keyClick(fixture.window, key);
  QTRY_VERIFY(fixture.app->chat()->editing());  // after "Pin in memory"
}

void MessageMenuTest::a_stopped_edit_comes_back_to_the_composer() {
  WindowFixture fixture;
  for (int turn = 0; turn < 2; ++turn) fixture.converse(question());
  fixture.app->chat()->suggest(QStringLiteral("half a thought"));
  fixture.app->chat()->edit(fixture.app->transcript()->index(0).data(TranscriptModel::IdRole).toLongLong());
  fixture.app->chat()->suggest(QStringLiteral("word ").repeated(200));
  fixture.backend.setPromptBatch(1);
  fixture.app->chat()->send(fixture.typed());
  QTRY_VERIFY(fixture.app->chat()->reading());
  fixture.app->chat()->stop();
  QTRY_VERIFY(!fixture.app->chat()->busy());
  QVERIFY(fixture.app->chat()->editing());
  QCOMPARE(fixture.typed(), QStringLiteral("word ").repeated(200).trimmed());
  QCOMPARE(fixture.app->transcript()->count(), 4);
  for (int row = 0; row < 4; ++row)
    QVERIFY(!fixture.app->transcript()->index(row).data(TranscriptModel::StreamingRole).toBool());
  fixture.app->chat()->cancelEdit();
  QTRY_COMPARE(fixture.typed(), QStringLiteral("half a thought"));
}

void MessageMenuTest::an_edit_can_be_left() {
  WindowFixture fixture;
  fixture.converse(question());
  fixture.app->chat()->suggest(QStringLiteral("half a thought"));
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Edit …")));
  QTRY_COMPARE(fixture.typed(), question());
  QTest::keyClick(fixture.window, Qt::Key_Escape);
  QTRY_COMPARE(fixture.typed(), QStringLiteral("half a thought"));
  QVERIFY(!fixture.app->chat()->editing());
  QCOMPARE(fixture.app->transcript()->count(), 2);
}

void MessageMenuTest::branches_into_a_conversation_of_its_own() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("Yes."), QStringLiteral("No.")});
  fixture.converse(question());
  fixture.converse(QStringLiteral("And yours?"));
  const double origin = fixture.app->currentId();
  QVERIFY(openMenu(fixture, QStringLiteral("Yes.")));
  QVERIFY(fixture.click(QStringLiteral("Branch from here")));
  QTRY_VERIFY(fixture.app->currentId() != origin);
  QCOMPARE(fixture.app->transcript()->count(), 2);
  const app::CacheSnapshot& cache = fixture.app->cache()->shown();
  QTRY_COMPARE(static_cast<double>(cache.conversationId), fixture.app->currentId());
  QCOMPARE(cache.spans.last().messageId,
           fixture.app->transcript()->index(1).data(TranscriptModel::IdRole).toLongLong());
  fixture.app->openConversation(static_cast<qint64>(origin));
  QCOMPARE(fixture.app->transcript()->count(), 4);
}

void MessageMenuTest::deletes_from_a_message_on_when_asked_twice() {
  WindowFixture fixture;
  fixture.converse(question());
  fixture.converse(QStringLiteral("And yours?"));
  QVERIFY(openMenu(fixture, QStringLiteral("And yours?")));
  QVERIFY(fixture.click(QStringLiteral("Delete from here …")));
  QVERIFY(fixture.draw());
  QCOMPARE(fixture.app->transcript()->count(), 4);
  QVERIFY(fixture.click(QStringLiteral("Delete")));
  QTRY_COMPARE(fixture.app->transcript()->count(), 2);
}

void MessageMenuTest::a_pin_comes_back_with_its_conversation() {
  WindowFixture fixture;
  fixture.converse(question());
  const auto id = static_cast<qint64>(fixture.app->currentId());
  QVERIFY(openMenu(fixture, question()));
  QVERIFY(fixture.click(QStringLiteral("Pin in memory")));
  QTRY_VERIFY(fixture.app->cache()->pinned() > 0);
  forget(fixture);
  fixture.app->newConversation();
  fixture.converse(QStringLiteral("Something else"));
  QCOMPARE(fixture.app->cache()->pinned(), 0);
  fixture.app->openConversation(id);
  QVERIFY(fixture.app->transcript()->index(0).data(TranscriptModel::PinnedRole).toBool());
  fixture.converse(QStringLiteral("What is my dog called?"));
  QTRY_VERIFY(fixture.app->cache()->pinned() > 0);
  QCOMPARE(fixture.app->transcript()->index(0).data(TranscriptModel::RememberedRole).toDouble(), 1.0);
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::MessageMenuTest)
#include "tst_message_menu.moc"
