#include <QSignalSpy>
#include <QtTest>

#include "ui/transcript/remembered.h"
#include "ui/transcript/transcript_model.h"

namespace runnel::ui {

namespace {

app::StoredMessage message(qint64 id, app::Role role, const QString& text) {
  app::StoredMessage result;
  result.id = id;
  result.role = role;
  result.text = text;
  return result;
}

/** A conversation of 40 tokens: system 0–9, user 10–19, answer 20–29, user 30–39. */
app::CacheSnapshot snapshot(const std::vector<Run>& runs) {
  app::CacheSnapshot result;
  result.telemetry.fed = 40;
  result.telemetry.runs = runs;
  result.spans = {{1, app::Role::System, 0, 10},
                  {2, app::Role::User, 10, 20},
                  {3, app::Role::Assistant, 20, 30},
                  {4, app::Role::User, 30, 40}};
  return result;
}

Run run(std::int64_t first, std::int32_t length, Reason reason) {
  return {.first = first, .length = length, .rank = 0, .slot = 0, .reason = reason};
}

}  // namespace

class TranscriptModelTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void shares_count_the_tokens_in_the_cache();
  void what_has_not_been_read_yet_is_not_forgotten();
  void a_message_that_was_never_read_is_whole_at_the_end_and_forgotten_before();
  void an_answer_without_tokens_between_remembered_ones_is_not_forgotten();
  void a_pinned_system_prompt_does_not_vouch_for_what_follows_it();
  void the_line_stands_below_the_last_forgotten_message();
  void streaming_changes_only_its_own_row();
  void notes_say_why_an_answer_ended();
  void reasoning_is_told_apart_from_the_answer();
  void a_user_may_write_the_marks_of_reasoning();
};

void TranscriptModelTest::shares_count_the_tokens_in_the_cache() {
  const auto cache = snapshot({run(0, 4, Reason::sink), run(17, 23, Reason::window)});
  QCOMPARE(rememberedShares({1, 2, 3, 4}, cache), (QList<double>{0.4, 0.3, 1, 1}));
}

void TranscriptModelTest::what_has_not_been_read_yet_is_not_forgotten() {
  auto cache = snapshot({run(0, 4, Reason::sink), run(8, 17, Reason::window)});
  cache.telemetry.fed = 25;
  QCOMPARE(rememberedShares({1, 2, 3, 4}, cache), (QList<double>{0.6, 1, 1, 1}));
}

void TranscriptModelTest::a_message_that_was_never_read_is_whole_at_the_end_and_forgotten_before() {
  auto cache = snapshot({run(30, 10, Reason::window)});
  cache.spans = {{4, app::Role::User, 30, 40}};
  QCOMPARE(rememberedShares({2, 3, 4, 5}, cache), (QList<double>{0, 0, 1, 1}));
}

void TranscriptModelTest::an_answer_without_tokens_between_remembered_ones_is_not_forgotten() {
  auto cache = snapshot({run(10, 10, Reason::window), run(30, 10, Reason::window)});
  cache.spans = {{2, app::Role::User, 10, 20}, {4, app::Role::User, 30, 40}};
  QCOMPARE(rememberedShares({2, 3, 4}, cache), (QList<double>{1, 1, 1}));
}

void TranscriptModelTest::a_pinned_system_prompt_does_not_vouch_for_what_follows_it() {
  auto cache = snapshot({run(0, 10, Reason::system), run(30, 10, Reason::window)});
  cache.spans = {{1, app::Role::System, 0, 10}, {4, app::Role::User, 30, 40}};
  QCOMPARE(rememberedShares({1, 2, 3, 4}, cache), (QList<double>{1, 0, 0, 1}));
}

void TranscriptModelTest::the_line_stands_below_the_last_forgotten_message() {
  TranscriptModel model;
  model.reset({message(1, app::Role::System, "s"), message(2, app::Role::User, "u"),
               message(3, app::Role::Assistant, "a"), message(4, app::Role::User, "v")});
  QCOMPARE(model.firstRemembered(), -1);
  model.setRemembered(snapshot({run(0, 10, Reason::system), run(25, 15, Reason::window)}));
  QCOMPARE(model.firstRemembered(), 2);
  model.setRemembered(snapshot({run(0, 40, Reason::window)}));
  QCOMPARE(model.firstRemembered(), -1);
}

void TranscriptModelTest::streaming_changes_only_its_own_row() {
  TranscriptModel model;
  model.reset({message(1, app::Role::User, "u")});
  model.append(message(2, app::Role::Assistant, {}), true);
  QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);
  model.appendText(2, QStringLiteral("a"));
  model.appendText(2, QStringLiteral("b"));
  model.appendText(9, QStringLiteral("nobody's"));
  QCOMPARE(changes.count(), 2);
  QCOMPARE(changes[1][0].toModelIndex().row(), 1);
  QCOMPARE(model.textOf(1), QStringLiteral("ab"));
  QVERIFY(model.index(1).data(TranscriptModel::StreamingRole).toBool());
  model.finish(2, app::StopReason::EndOfTurn);
  QVERIFY(!model.index(1).data(TranscriptModel::StreamingRole).toBool());
}

void TranscriptModelTest::reasoning_is_told_apart_from_the_answer() {
  TranscriptModel model;
  model.append(message(1, app::Role::Assistant, {}), true);
  const auto shown = [&](TranscriptModel::Roles role) { return model.index(0).data(role); };
  model.appendText(1, QStringLiteral("<think>\nFirst this.\n"));
  QCOMPARE(shown(TranscriptModel::ReasoningRole).toString(), QStringLiteral("First this."));
  QVERIFY(shown(TranscriptModel::ThinkingRole).toBool());
  QCOMPARE(model.textOf(0), QString());
  model.appendText(1, QStringLiteral("Then that.\n</think>\n\nYes"));
  QVERIFY(!shown(TranscriptModel::ThinkingRole).toBool());
  model.appendText(1, QStringLiteral("."));
  model.finish(1, app::StopReason::EndOfTurn);
  QCOMPARE(shown(TranscriptModel::ReasoningRole).toString(), QStringLiteral("First this.\nThen that."));
  QCOMPARE(model.textOf(0), QStringLiteral("Yes."));
  QCOMPARE(model.wholeText(), QStringLiteral("**Assistant**\n\n> First this.\n> Then that.\n\nYes.\n"));

  QVERIFY(!shown(TranscriptModel::ReasoningShownRole).toBool());
  model.showReasoning(0, true);
  QVERIFY(shown(TranscriptModel::ReasoningShownRole).toBool());
  model.showReasoning(1, true);  // there is none

  auto stopped = message(2, app::Role::Assistant, "<think>Half a");
  stopped.stopReason = app::StopReason::Stopped;
  model.reset({stopped});
  QVERIFY(!shown(TranscriptModel::ThinkingRole).toBool());
  QCOMPARE(shown(TranscriptModel::ReasoningRole).toString(), QStringLiteral("Half a"));
  QVERIFY(shown(TranscriptModel::ReasoningShownRole).toBool());  // there is nothing else to be seen
  model.showReasoning(0, false);
  QVERIFY(!shown(TranscriptModel::ReasoningShownRole).toBool());
}

void TranscriptModelTest::a_user_may_write_the_marks_of_reasoning() {
  TranscriptModel model;
  model.reset({message(1, app::Role::User, "<think>x</think>y")});
  QCOMPARE(model.textOf(0), QStringLiteral("<think>x</think>y"));
  QVERIFY(model.index(0).data(TranscriptModel::ReasoningRole).toString().isEmpty());
}

void TranscriptModelTest::notes_say_why_an_answer_ended() {
  TranscriptModel model;
  auto stopped = message(1, app::Role::Assistant, "x");
  stopped.stopReason = app::StopReason::Stopped;
  auto cutOff = message(2, app::Role::Assistant, "y");
  cutOff.stopReason = app::StopReason::Failed;
  auto whole = message(3, app::Role::Assistant, "z");
  whole.stopReason = app::StopReason::EndOfTurn;
  model.reset({stopped, cutOff, whole});
  QCOMPARE(model.index(0).data(TranscriptModel::NoteRole).toString(), QStringLiteral("Stopped"));
  QVERIFY(model.index(1).data(TranscriptModel::FailedRole).toBool());
  QVERIFY(model.index(2).data(TranscriptModel::NoteRole).toString().isEmpty());
  model.finish(3, app::StopReason::Failed, QStringLiteral("Memory is short."));
  QCOMPARE(model.index(2).data(TranscriptModel::NoteRole).toString(), QStringLiteral("Memory is short."));
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::TranscriptModelTest)
#include "tst_transcript_model.moc"
