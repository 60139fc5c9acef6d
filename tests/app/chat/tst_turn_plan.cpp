#include <QTest>

#include "app/chat/scripted_format.h"
#include "app/chat/turn_plan.h"
#include "runnel/error.h"

using namespace runnel::app;
using runnel::Token;

namespace {

constexpr Token O = ScriptedFormat::kOpening;
constexpr Token C = ScriptedFormat::kClosing;
constexpr int kRoomy = 1'000'000;

using Tokens = std::vector<Token>;

/** Ids of words, and of the marks themselves. */
Tokens ids(std::initializer_list<const char*> words) {
  Tokens result;
  for (const QString word : words) result.push_back(word == u"O" ? O : word == u"C" ? C : ScriptedFormat::idOf(word));
  return result;
}

ChatMessage systemText(qint64 id, const QString& text) {
  return {.id = id, .role = Role::System, .text = text};
}
ChatMessage user(qint64 id, const QString& text) {
  return {.id = id, .role = Role::User, .text = text};
}
ChatMessage answer(qint64 id, const QString& text, const Tokens& tokens = {}) {
  return {.id = id,
          .role = Role::Assistant,
          .text = text,
          .ids = QList<qint32>(tokens.begin(), tokens.end()),
          .tokenizer = QStringLiteral("scripted")};
}
ChatMessage stored(ChatMessage message, const Tokens& tokens, qint64 prefix = 0) {
  message.ids = QList<qint32>(tokens.begin(), tokens.end());
  message.prefix = prefix;
  message.tokenizer = QStringLiteral("scripted");
  return message;
}

/** What a backend does with a plan, and then with the answer it samples. */
void follow(CachedConversation& cached, const TurnPlan& plan, qint64 conversationId, qint64 answerId,
            const Tokens& said) {
  cached.conversationId = conversationId;
  cached.ids.resize(static_cast<std::size_t>(plan.backTo));
  cached.ids.insert(cached.ids.end(), plan.tokens.begin(), plan.tokens.end());
  cached.spans = plan.spans;
  cached.prefix = plan.prefix;
  const auto first = static_cast<qint64>(cached.ids.size());
  cached.ids.insert(cached.ids.end(), said.begin(), said.end());
  cached.spans.append(
      {.messageId = answerId, .role = Role::Assistant, .first = first, .end = static_cast<qint64>(cached.ids.size())});
}

/** Notes what an answer is encoded after. */
class NotingFormat : public ScriptedFormat {
 public:
  Tokens encodeAnswer(const std::string& text, std::span<const Token> before) const override {
    if (!before.empty()) questions.emplace_back(before.begin(), before.end());
    return ScriptedFormat::encodeAnswer(text, before);
  }

  mutable std::vector<Tokens> questions;
};

TurnRequest turn(const QList<ChatMessage>& messages) {
  return {.conversationId = 1, .messages = messages, .answerId = 0};
}

}  // namespace

class TurnPlanTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void a_first_turn_is_the_whole_rendering();
  void a_next_turn_feeds_only_what_is_new();
  void a_stopped_answer_is_closed_once();
  void an_answer_without_tokens_is_closed_too();
  void an_edited_message_goes_back_to_before_it();
  void an_edited_first_message_begins_anew();
  void answering_anew_feeds_the_last_token_again();
  void another_conversation_is_made_anew_from_stored_ids();
  void only_whole_exchanges_that_fit_are_fed_again();
  void a_conversation_made_anew_with_a_gap_goes_on();
  void pinned_messages_are_fed_again_before_the_newest_exchanges();
  void a_conversation_with_a_pin_and_a_gap_goes_on();
  void ids_of_another_model_are_not_used();
  void a_missing_answer_counts_as_an_empty_one();
  void an_answer_of_another_model_is_written_with_its_question_in_view();
  void a_changed_system_prompt_begins_anew();
  void nothing_to_answer_is_an_error();
  void the_cache_is_fed_again_from_what_it_held();
  void a_cut_forgets_the_messages_it_goes_through();

 private:
  ScriptedFormat m_format;
  TurnPlanner m_planner{m_format, kRoomy};
};

void TurnPlanTest::a_first_turn_is_the_whole_rendering() {
  const TurnPlan plan = m_planner.plan({}, turn({systemText(9, "be brief"), user(1, "hello you")}));
  QVERIFY(plan.anew);
  QCOMPARE(plan.tokens, ids({"O", "be", " brief", "C", "O", "hello", " you", "C", "O"}));
  QCOMPARE(plan.prefix, 5);
  QCOMPARE(plan.promptFirst, 0);
  QCOMPARE(plan.promptPrefix, 5);
  QCOMPARE(plan.spans.size(), 2);
  QCOMPARE(plan.spans.at(0).messageId, 9);
  QCOMPARE(plan.spans.at(0).end, 5);
  QCOMPARE(plan.spans.at(1).messageId, 1);
  QCOMPARE(plan.spans.at(1).first, 5);
  QCOMPARE(plan.spans.at(1).end, 9);

  const TurnPlan withDefault = m_planner.plan({}, turn({user(1, "hello")}));
  QCOMPARE(withDefault.spans.at(0).messageId, 0);
  QCOMPARE(withDefault.spans.at(0).role, Role::System);
  QVERIFY(withDefault.spans.at(0).end > 2);
}

void TurnPlanTest::a_next_turn_feeds_only_what_is_new() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const auto before = static_cast<qint64>(cached.ids.size());
  const TurnPlan plan = m_planner.plan(cached, turn({user(1, "a"), answer(2, "yes"), user(3, "b c")}));
  QVERIFY(!plan.anew);
  QCOMPARE(plan.backTo, before);
  QCOMPARE(plan.tokens, ids({"O", "b", " c", "C", "O"}));
  QCOMPARE(plan.promptFirst, before);
  QCOMPARE(plan.promptPrefix, 0);
  QCOMPARE(plan.spans.last().first, before);
  QCOMPARE(plan.spans.last().end, before + 5);
}

void TurnPlanTest::a_stopped_answer_is_closed_once() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"half"}));
  const TurnPlan plan = m_planner.plan(cached, turn({user(1, "a"), answer(2, "half"), user(3, "b")}));
  QCOMPARE(plan.tokens, ids({"C", "O", "b", "C", "O"}));
}

void TurnPlanTest::an_answer_without_tokens_is_closed_too() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, {});
  const TurnPlan plan = m_planner.plan(cached, turn({user(1, "a"), answer(2, ""), user(3, "b")}));
  QVERIFY(!plan.anew);
  QCOMPARE(plan.tokens, ids({"C", "O", "b", "C", "O"}));
}

void TurnPlanTest::an_edited_message_goes_back_to_before_it() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const auto branch = static_cast<qint64>(cached.ids.size());
  const QList<ChatMessage> first{user(1, "a"), answer(2, "yes")};
  follow(cached, m_planner.plan(cached, turn(first + QList{user(3, "b")})), 1, 4, ids({"no", "C"}));
  const TurnPlan plan = m_planner.plan(cached, turn(first + QList{user(5, "edited")}));
  QVERIFY(!plan.anew);
  QCOMPARE(plan.backTo, branch);
  QCOMPARE(plan.tokens, ids({"O", "edited", "C", "O"}));
  QCOMPARE(plan.spans.size(), 4);
}

void TurnPlanTest::an_edited_first_message_begins_anew() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const TurnPlan plan = m_planner.plan(cached, turn({user(3, "b")}));
  QVERIFY(plan.anew);
  QCOMPARE(plan.spans.size(), 2);
}

void TurnPlanTest::answering_anew_feeds_the_last_token_again() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const Tokens firstPrompt(cached.ids.begin(), cached.ids.end() - 2);
  const TurnPlan first = m_planner.plan(cached, turn({user(1, "a")}));
  QVERIFY(!first.anew);
  QCOMPARE(first.backTo, static_cast<qint64>(firstPrompt.size()) - 1);
  QCOMPARE(first.tokens, ids({"O"}));
  QCOMPARE(first.promptFirst, 0);
  QCOMPARE(first.promptPrefix, cached.prefix);

  const QList<ChatMessage> messages{user(1, "a"), answer(2, "yes"), user(3, "b")};
  const auto second = static_cast<qint64>(cached.ids.size());
  follow(cached, m_planner.plan(cached, turn(messages)), 1, 4, ids({"no", "C"}));
  const TurnPlan again = m_planner.plan(cached, turn(messages));
  QCOMPARE(again.backTo, second + 3);
  QCOMPARE(again.tokens, ids({"O"}));
  QCOMPARE(again.promptFirst, second);
  QCOMPARE(again.promptPrefix, 0);
  QCOMPARE(again.spans.size(), 4);
}

void TurnPlanTest::another_conversation_is_made_anew_from_stored_ids() {
  CachedConversation other;
  follow(other, m_planner.plan({}, turn({user(1, "a")})), 7, 2, ids({"yes", "C"}));
  // 1000 … stand for ids that rendering again would not give: a date that has changed since, say.
  const QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002, 1003}, 2), answer(2, "yes", {1004, C}),
                                    stored(user(3, "b"), {1005}), answer(4, "stopped", {1006}), user(5, "c")};
  const TurnPlan plan = m_planner.plan(other, turn(messages));
  QVERIFY(plan.anew);
  const Tokens expected{1000, 1001, 1002, 1003, 1004, C, 1005, 1006, C, O, ScriptedFormat::idOf("c"), C, O};
  QCOMPARE(plan.tokens, expected);
  QCOMPARE(plan.prefix, 2);
  QCOMPARE(plan.promptFirst, 8);
  QCOMPARE(plan.spans.size(), 6);
  QCOMPARE(plan.spans.at(0).end, 2);
  QCOMPARE(plan.spans.at(1).messageId, 1);
  QCOMPARE(plan.spans.last().messageId, 5);
}

void TurnPlanTest::only_whole_exchanges_that_fit_are_fed_again() {
  const QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002, 1003}, 2), answer(2, "yes", {1004, C}),
                                    stored(user(3, "b"), {1005, 1007}), answer(4, "no", {1006, C}), user(5, "c")};
  const Tokens newTurn = ids({"O", "c", "C", "O"});
  const auto tokens = [&](int ctxSize) { return TurnPlanner(m_format, ctxSize).planAnew(turn(messages)).tokens; };
  Tokens all{1000, 1001, 1002, 1003, 1004, C, 1005, 1007, 1006, C};
  Tokens one{1000, 1001, 1005, 1007, 1006, C};
  Tokens none{1000, 1001};
  for (Tokens* expected : {&all, &one, &none}) expected->insert(expected->end(), newTurn.begin(), newTurn.end());
  QCOMPARE(tokens(14), all);
  QCOMPARE(tokens(13), one);
  QCOMPARE(tokens(10), one);
  QCOMPARE(tokens(9), none);
  QCOMPARE(tokens(1), none);
}

void TurnPlanTest::a_conversation_made_anew_with_a_gap_goes_on() {
  QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002, 1003}, 2), answer(2, "yes", {1004, C}),
                              stored(user(3, "b"), {1005, 1007}), answer(4, "no", {1006, C}), user(5, "c")};
  CachedConversation cached;
  follow(cached, TurnPlanner(m_format, 10).planAnew(turn(messages)), 1, 6, ids({"ok", "C"}));
  messages.append({answer(6, "ok"), user(7, "d")});
  const TurnPlan plan = m_planner.plan(cached, turn(messages));
  QVERIFY(!plan.anew);
  QCOMPARE(plan.backTo, static_cast<qint64>(cached.ids.size()));
  QCOMPARE(plan.tokens, ids({"O", "d", "C", "O"}));
}

void TurnPlanTest::pinned_messages_are_fed_again_before_the_newest_exchanges() {
  QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002, 1003}, 2), answer(2, "yes", {1004, C}),
                              stored(user(3, "b"), {1005, 1007}), answer(4, "no", {1006, C}), user(5, "c")};
  messages[1].isPinned = true;
  const Tokens newTurn = ids({"O", "c", "C", "O"});
  const auto fed = [&](int ctxSize) { return TurnPlanner(m_format, ctxSize).planAnew(turn(messages)); };
  const auto expected = [&](Tokens tokens) {
    tokens.insert(tokens.end(), newTurn.begin(), newTurn.end());
    return tokens;
  };
  QCOMPARE(fed(14).tokens, expected({1000, 1001, 1002, 1003, 1004, C, 1005, 1007, 1006, C}));
  const TurnPlan one = fed(13);  // not enough for the first question too
  QCOMPARE(one.tokens, expected({1000, 1001, 1004, C, 1005, 1007, 1006, C}));
  QCOMPARE(one.spans.at(1).messageId, 2);
  QVERIFY(one.spans.at(1).isPinned && !one.spans.at(2).isPinned);
  QCOMPARE(fed(11).tokens, expected({1000, 1001, 1004, C}));
  QCOMPARE(fed(6).tokens, expected({1000, 1001, 1004, C}));  // read behind the message, which streams through
  QCOMPARE(fed(5).tokens, expected({1000, 1001}));           // less than a quarter would be left to roll
}

void TurnPlanTest::a_conversation_with_a_pin_and_a_gap_goes_on() {
  QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002, 1003}, 2),
                              answer(2, "yes", {1004, C}),
                              stored(user(3, "b"), {1005, 1007}),
                              answer(4, "no", {1006, C}),
                              stored(user(5, "c"), {1008, 1009}),
                              answer(6, "so", {1010, C}),
                              user(7, "d")};
  messages[1].isPinned = true;
  CachedConversation cached;
  const TurnPlan anew = TurnPlanner(m_format, 12).planAnew(turn(messages));
  QCOMPARE(anew.spans.size(), 5);  // prefix, pinned answer, newest exchange, new message
  follow(cached, anew, 1, 8, ids({"ok", "C"}));
  messages.append({answer(8, "ok"), user(9, "e")});
  const TurnPlan plan = m_planner.plan(cached, turn(messages));
  QVERIFY(!plan.anew);
  QCOMPARE(plan.backTo, static_cast<qint64>(cached.ids.size()));
  QVERIFY(plan.spans.at(1).isPinned);

  const auto room = static_cast<int>(cached.ids.size()) - 3;
  const TurnPlan again = TurnPlanner(m_format, room).planAgain(cached);
  QCOMPARE(again.spans.size(), 4);  // prefix, pinned answer, the last exchange
  QVERIFY(again.spans.at(1).isPinned);
  QCOMPARE(again.spans.at(1).messageId, 2);
  QCOMPARE(again.spans.at(2).messageId, 7);
}

void TurnPlanTest::ids_of_another_model_are_not_used() {
  QList<ChatMessage> messages{stored(user(1, "a"), {1000, 1001, 1002}, 2), answer(2, "yes", {1004}),
                              stored(user(3, "b"), {1005}), answer(4, "no", {1006}), user(5, "c")};
  for (ChatMessage& message : messages) message.tokenizer = QStringLiteral("another");
  const TurnPlan plan = m_planner.planAnew(turn(messages));
  const Tokens first = m_planner.planAnew(turn({user(1, "a")})).tokens;
  QCOMPARE(plan.prefix, static_cast<qint64>(first.size()) - 3);
  Tokens expected = first;
  const Tokens rest = ids({"yes", "C", "O", "b", "C", "O", "no", "C", "O", "c", "C", "O"});
  expected.insert(expected.end(), rest.begin(), rest.end());
  QCOMPARE(plan.tokens, expected);
}

void TurnPlanTest::an_answer_of_another_model_is_written_with_its_question_in_view() {
  QList<ChatMessage> messages{user(1, "a"), answer(2, "yes", {1004}), user(3, "b"), answer(4, "", {}), user(5, "c")};
  for (ChatMessage& message : messages) message.tokenizer = QStringLiteral("another");
  const NotingFormat format;
  (void)TurnPlanner(format, kRoomy).planAnew(turn(messages));
  QCOMPARE(format.questions, (std::vector<Tokens>{ids({"C", "O", "b", "C", "O"}), ids({"a", "C", "O"})}));
}

void TurnPlanTest::a_missing_answer_counts_as_an_empty_one() {
  const TurnPlan plan = m_planner.planAnew(turn({user(1, "a"), user(3, "b")}));
  Tokens expected = m_planner.planAnew(turn({user(1, "a")})).tokens;
  const Tokens rest = ids({"C", "O", "b", "C", "O"});
  expected.insert(expected.end(), rest.begin(), rest.end());
  QCOMPARE(plan.tokens, expected);

  CachedConversation cached;
  follow(cached, plan, 1, 4, ids({"yes", "C"}));
  const TurnPlan next = m_planner.plan(cached, turn({user(1, "a"), user(3, "b"), answer(4, "yes"), user(5, "c")}));
  QVERIFY(!next.anew);
  QCOMPARE(next.tokens, ids({"O", "c", "C", "O"}));
}

void TurnPlanTest::a_changed_system_prompt_begins_anew() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({systemText(8, "x"), user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const auto withSystem = [&](const QList<ChatMessage>& before) {
    return m_planner.plan(cached, turn(before + QList{user(1, "a"), answer(2, "yes"), user(3, "b")})).anew;
  };
  QVERIFY(!withSystem({systemText(8, "x")}));
  QVERIFY(withSystem({systemText(9, "y")}));
  QVERIFY(withSystem({}));
}

void TurnPlanTest::nothing_to_answer_is_an_error() {
  QVERIFY_EXCEPTION_THROWN(m_planner.plan({}, turn({})), runnel::Error);
  QVERIFY_EXCEPTION_THROWN(m_planner.plan({}, turn({systemText(1, "x")})), runnel::Error);
  QVERIFY_EXCEPTION_THROWN(m_planner.plan({}, turn({user(1, "a"), answer(2, "b")})), runnel::Error);
}

void TurnPlanTest::the_cache_is_fed_again_from_what_it_held() {
  CachedConversation cached;
  const QList<ChatMessage> first{user(1, "a"), answer(2, "yes")};
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  follow(cached, m_planner.plan(cached, turn(first + QList{user(3, "b")})), 1, 4, ids({"no", "C"}));

  QCOMPARE(m_planner.planAgain(cached).tokens, cached.ids);
  const auto all = static_cast<int>(cached.ids.size());
  const TurnPlan one = TurnPlanner(m_format, all - 1).planAgain(cached);
  Tokens expected(cached.ids.begin(), cached.ids.begin() + cached.prefix);
  const Tokens rest = ids({"O", "b", "C", "O", "no", "C"});
  expected.insert(expected.end(), rest.begin(), rest.end());
  QCOMPARE(one.tokens, expected);
  QCOMPARE(one.spans.size(), 3);
  QCOMPARE(one.spans.last().end, static_cast<qint64>(expected.size()));
  QVERIFY(m_planner.planAgain({}).tokens.empty());
}

void TurnPlanTest::a_cut_forgets_the_messages_it_goes_through() {
  CachedConversation cached;
  follow(cached, m_planner.plan({}, turn({user(1, "a")})), 1, 2, ids({"yes", "C"}));
  const auto whole = static_cast<qint64>(cached.ids.size());
  cutBack(cached, whole - 1);
  QCOMPARE(cached.spans.size(), 2);
  QCOMPARE(static_cast<qint64>(cached.ids.size()), whole - 1);
  cutBack(cached, 1);
  QCOMPARE(cached.conversationId, 0);
  QVERIFY(cached.ids.empty());
}

QTEST_GUILESS_MAIN(TurnPlanTest)
#include "tst_turn_plan.moc"
