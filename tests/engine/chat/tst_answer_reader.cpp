#include <QtTest>

#include "engine/chat/byte_tokenizer.h"
#include "runnel/answer_reader.h"

using namespace runnel;

namespace {

/// What a reader made of some tokens.
struct Reading {
  std::string text;
  std::size_t read = 0;
  std::size_t kept = 0;
  bool ended = false;
};

/// Reads as a chat does: until the answer ends, or the tokens do.
Reading reading(const StopMarks& marks, const std::string& opening, const std::string& answer) {
  const ByteTokenizer tokenizer;
  AnswerReader reader(tokenizer, marks, opening);
  Reading result;
  for (const Token token : tokenizer.encode(answer, true)) {
    if (reader.ended()) break;
    result.text += reader.push(token);
    ++result.read;
  }
  result.ended = reader.ended();
  result.text += reader.finish();
  result.kept = reader.kept();
  return result;
}

const StopMarks none;
const StopMarks head{.texts = {"\nUser:"}, .token = std::nullopt};
const StopMarks start{.texts = {}, .token = ByteTokenizer::control("<|start|>")};

}  // namespace

class AnswerReaderTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void an_end_of_generation_is_part_of_the_answer();
  void a_token_of_the_next_turn_is_not();
  void a_stop_string_and_the_blanks_before_it_are_not();
  void tokens_that_no_end_follows_are_all_kept();
  void gives_the_opening_with_the_first_text();
  void an_answer_without_text_has_no_opening();
  void holds_back_half_a_character();
};

void AnswerReaderTest::an_end_of_generation_is_part_of_the_answer() {
  const Reading answer = reading(head, "", "yes<|im_end|>more");
  QCOMPARE(answer.text, std::string("yes"));
  QVERIFY(answer.ended);
  QCOMPARE(answer.read, std::size_t{4});
  QCOMPARE(answer.kept, std::size_t{4});
}

void AnswerReaderTest::a_token_of_the_next_turn_is_not() {
  const Reading answer = reading(start, "", "yes<|start|>user");
  QCOMPARE(answer.text, std::string("yes"));
  QVERIFY(answer.ended);
  QCOMPARE(answer.read, std::size_t{4});
  QCOMPARE(answer.kept, std::size_t{3});
}

void AnswerReaderTest::a_stop_string_and_the_blanks_before_it_are_not() {
  const Reading answer = reading(head, "", "yes\n\nUser: and");
  QCOMPARE(answer.text, std::string("yes"));
  QVERIFY(answer.ended);
  QCOMPARE(answer.read, std::size_t{10});
  QCOMPARE(answer.kept, std::size_t{3});
}

void AnswerReaderTest::tokens_that_no_end_follows_are_all_kept() {
  const Reading answer = reading(head, "", "yes\nUse");
  QCOMPARE(answer.text, std::string("yes\nUse"));
  QVERIFY(!answer.ended);
  QCOMPARE(answer.kept, std::size_t{7});
}

void AnswerReaderTest::gives_the_opening_with_the_first_text() {
  const ByteTokenizer tokenizer;
  AnswerReader reader(tokenizer, none, "<think>\n");
  QCOMPARE(reader.push('a'), std::string("<think>\na"));
  QCOMPARE(reader.push('b'), std::string("b"));
  QCOMPARE(reader.kept(), std::size_t{2});
}

void AnswerReaderTest::an_answer_without_text_has_no_opening() {
  const Reading answer = reading(none, "<think>\n", "<|im_end|>");
  QCOMPARE(answer.text, std::string());
  QCOMPARE(answer.kept, std::size_t{1});
}

void AnswerReaderTest::holds_back_half_a_character() {
  const ByteTokenizer tokenizer;
  AnswerReader reader(tokenizer, none, "");
  QCOMPARE(reader.push(0xC3), std::string());
  QCOMPARE(reader.push(0xA9), std::string("\xC3\xA9"));
  QCOMPARE(reader.push(0xC3), std::string());
  QCOMPARE(reader.finish(), std::string());  // nor is it shown when nothing completes it
}

QTEST_APPLESS_MAIN(AnswerReaderTest)
#include "tst_answer_reader.moc"
