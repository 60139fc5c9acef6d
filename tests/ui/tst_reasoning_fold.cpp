#include <QtQml/qqmlextensionplugin.h>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

/** What a model writes before its answer, in the window. */
class ReasoningFoldTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void shows_the_answer_and_the_reasoning_when_asked();
  void says_that_the_model_thinks();
  void stays_in_place_when_it_opens_and_closes();
  void forgets_the_beginning_first();
  void shows_no_fold_for_an_empty_section();
  void comes_back_with_a_stored_conversation();
  void works_by_keyboard();

 private:
  static QString paragraphs(const QString& text, int count) { return (text + QStringLiteral("\n\n")).repeated(count); }
  /** Whether a paragraph that can be seen says `text`. */
  static bool reads(const WindowFixture& fixture, const QString& text) {
    const QList<QQuickItem*> items = WindowFixture::allItems(fixture.window->contentItem());
    return std::any_of(items.begin(), items.end(), [&](const QQuickItem* item) {
      return item->isVisible() && item->property("plain").toString() == text;
    });
  }
  static QString thinking(const QString& reasoning, const QString& answer) {
    return QStringLiteral("<think>\n") + reasoning + QStringLiteral("\n</think>\n\n") + answer;
  }
};

void ReasoningFoldTest::shows_the_answer_and_the_reasoning_when_asked() {
  WindowFixture fixture;
  fixture.backend.setAnswers({thinking(QStringLiteral("Is it a question?"), QStringLiteral("It is."))});
  fixture.converse(QStringLiteral("Is it?"));
  QTRY_VERIFY(reads(fixture, QStringLiteral("It is.")));
  QVERIFY(!reads(fixture, QStringLiteral("Is it a question?")));
  QVERIFY(fixture.click(QStringLiteral("Reasoning")));
  QTRY_VERIFY(reads(fixture, QStringLiteral("Is it a question?")));
  QVERIFY(fixture.click(QStringLiteral("Reasoning")));
  QTRY_VERIFY(!reads(fixture, QStringLiteral("Is it a question?")));
}

void ReasoningFoldTest::says_that_the_model_thinks() {
  WindowFixture fixture;
  fixture.backend.setInterval(50);
  fixture.backend.setAnswers({thinking(QStringLiteral("word ").repeated(400), QStringLiteral("Done."))});
  fixture.app->chat()->send(QStringLiteral("Think."));
  QTRY_VERIFY(fixture.shown(QStringLiteral("Thinking")) != nullptr);
  QVERIFY(fixture.click(QStringLiteral("Thinking")));
  fixture.backend.setInterval(0);
  QTRY_VERIFY_WITH_TIMEOUT(reads(fixture, QStringLiteral("Done.")), 20'000);
  QVERIFY(fixture.shown(QStringLiteral("Thinking")) == nullptr);
  // It was opened while it grew, and stays open.
  QTRY_VERIFY(reads(fixture, QStringLiteral("word ").repeated(400).trimmed()));
}

void ReasoningFoldTest::stays_in_place_when_it_opens_and_closes() {
  WindowFixture fixture;
  const QString reasoning = paragraphs(QStringLiteral("A thought in a paragraph."), 700);
  const qint64 id = fixture.store.createConversation(QStringLiteral("thoughtful"))->id;
  app::StoredMessage message{.conversationId = id, .role = app::Role::Assistant};
  message.text = thinking(reasoning, paragraphs(QStringLiteral("An answer in a paragraph."), 5));
  QVERIFY(fixture.store.appendMessage(message));
  fixture.app->openConversation(id);
  const auto place = [&] {
    const QQuickItem* header = fixture.shown(QStringLiteral("Reasoning"));
    return header == nullptr ? -1 : header->mapToScene({0, 0}).y();
  };
  QTRY_VERIFY(place() > 0 && fixture.draw());
  const double closed = place();
  QVERIFY(fixture.click(QStringLiteral("Reasoning")));
  // Long ones are laid out in portions.
  const auto open = [&] {
    for (QQuickItem* item : WindowFixture::allItems(fixture.item(QStringLiteral("ReasoningFold"))))
      if (QByteArray(item->metaObject()->className()).startsWith("MarkdownView_QML"))
        return item->property("complete").toBool();
    return false;
  };
  QTRY_VERIFY_WITH_TIMEOUT(reads(fixture, QStringLiteral("A thought in a paragraph.")) && open(), 30'000);
  QVERIFY(fixture.draw());
  QCOMPARE(place(), closed);
  QVERIFY(!fixture.item(QStringLiteral("TranscriptView"))->property("following").toBool());
  QVERIFY(fixture.click(QStringLiteral("Reasoning")));
  QTRY_VERIFY(!reads(fixture, QStringLiteral("A thought in a paragraph.")));
  QVERIFY(fixture.draw());
  QCOMPARE(place(), closed);
  // The end is in sight again, so that what comes is followed.
  QTRY_VERIFY(fixture.item(QStringLiteral("TranscriptView"))->property("following").toBool());
}

void ReasoningFoldTest::forgets_the_beginning_first() {
  WindowFixture fixture;
  fixture.backend.setAnswers({thinking(QStringLiteral("Half"), QStringLiteral("Rest"))});
  fixture.converse(QStringLiteral("first"));
  QTRY_VERIFY(fixture.item(QStringLiteral("ReasoningFold")) != nullptr);
  QQuickItem* message = fixture.item(QStringLiteral("AssistantMessage"));
  const auto dimmed = [&](double remembered) {
    message->setProperty("remembered", remembered);
    const QVariant reasoning = fixture.item(QStringLiteral("ReasoningFold"))->property("remembered");
    QVariant answer;
    for (QQuickItem* child : message->childItems())
      if (QByteArray(child->metaObject()->className()).startsWith("AnswerText_QML"))
        answer = child->property("remembered");
    return QList<double>{reasoning.toDouble(), answer.toDouble()};
  };
  QCOMPARE(dimmed(1), (QList<double>{1, 1}));
  QCOMPARE(dimmed(0.75), (QList<double>{0.5, 1}));
  QCOMPARE(dimmed(0.5), (QList<double>{0, 1}));
  QCOMPARE(dimmed(0.25), (QList<double>{0, 0.5}));
  QCOMPARE(dimmed(0), (QList<double>{0, 0}));
}

void ReasoningFoldTest::shows_no_fold_for_an_empty_section() {
  WindowFixture fixture;
  fixture.backend.setAnswers({QStringLiteral("<think>\n\n</think>\n\nAt once.")});
  fixture.converse(QStringLiteral("Quick!"));
  QTRY_VERIFY(reads(fixture, QStringLiteral("At once.")));
  QVERIFY(fixture.shown(QStringLiteral("Reasoning")) == nullptr);
}

void ReasoningFoldTest::comes_back_with_a_stored_conversation() {
  WindowFixture fixture;
  fixture.backend.setAnswers({thinking(QStringLiteral("Kept."), QStringLiteral("The answer."))});
  fixture.converse(QStringLiteral("Remember."));
  const qint64 id = static_cast<qint64>(fixture.app->currentId());
  fixture.app->openConversation(0);
  QTRY_VERIFY(!reads(fixture, QStringLiteral("The answer.")));
  fixture.app->openConversation(id);
  QTRY_VERIFY(reads(fixture, QStringLiteral("The answer.")));
  QVERIFY(fixture.click(QStringLiteral("Reasoning")));
  QTRY_VERIFY(reads(fixture, QStringLiteral("Kept.")));
}

void ReasoningFoldTest::works_by_keyboard() {
  WindowFixture fixture;
  fixture.backend.setAnswers({thinking(QStringLiteral("By keys."), QStringLiteral("The answer."))});
  fixture.converse(QStringLiteral("Keys?"));
  QTRY_VERIFY(fixture.shown(QStringLiteral("Reasoning")) != nullptr);
  const auto isReached = [&] {
    return fixture.window->activeFocusItem() == fixture.shown(QStringLiteral("Reasoning"));
  };
  for (int stops = 0; stops < 60 && !isReached(); ++stops) QTest::keyClick(fixture.window, Qt::Key_Tab);
  QVERIFY(isReached());
  QTest::keyClick(fixture.window, Qt::Key_Space);
  QTRY_VERIFY(reads(fixture, QStringLiteral("By keys.")));
  QTest::keyClick(fixture.window, Qt::Key_Return);
  QTRY_VERIFY(!reads(fixture, QStringLiteral("By keys.")));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ReasoningFoldTest)
#include "tst_reasoning_fold.moc"
