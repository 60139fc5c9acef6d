#include <QtTest>

#include "engine/chat/byte_tokenizer.h"
#include "runnel/reasoning.h"

using namespace runnel;

namespace {

QString shown(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

}  // namespace

class ReasoningTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void finds_the_sections_data();
  void finds_the_sections();
  void never_takes_back_what_it_gave_of_a_growing_text();
  void knows_what_the_prompt_opened_data();
  void knows_what_the_prompt_opened();
  void leaves_out_the_reasoning_of_another_model();
};

void ReasoningTest::finds_the_sections_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<QString>("reasoning");
  QTest::addColumn<QString>("answer");
  QTest::addColumn<bool>("open");
  QTest::newRow("none") << " Yes.\n" << "" << " Yes.\n" << false;
  QTest::newRow("empty text") << "" << "" << "" << false;
  QTest::newRow("whole") << "<think>\nHm, é🦙.\n</think>\n\nYes.\n" << "Hm, é🦙." << "Yes.\n" << false;
  QTest::newRow("blanks before") << "\n <think>a</think> b" << "a" << "b" << false;
  QTest::newRow("empty section") << "<think>\n\n</think>\n\nYes." << "" << "Yes." << false;
  QTest::newRow("open") << "<think>\nHm" << "Hm" << "" << true;
  QTest::newRow("just open") << "<think>" << "" << "" << true;
  QTest::newRow("no answer yet") << "<think>Hm</think>\n\n" << "Hm" << "" << false;
  QTest::newRow("only the first") << "<think>a</think>b<think>c</think>d" << "a" << "b<think>c</think>d" << false;
  QTest::newRow("opened twice") << "<think>a<think>b</think>c" << "a<think>b" << "c" << false;
  QTest::newRow("in the middle") << "Write <think>x</think>." << "" << "Write <think>x</think>." << false;
  QTest::newRow("only an end") << "a</think>b" << "" << "a</think>b" << false;
  QTest::newRow("other marks") << "[THINK]a[/THINK]b" << "a" << "b" << false;
  QTest::newRow("marks of two families") << "<think>a[/THINK]b" << "a[/THINK]b" << "" << true;
}

void ReasoningTest::finds_the_sections() {
  QFETCH(QString, text);
  const std::string utf8 = text.toStdString();
  const AnswerSections sections = answer_sections(utf8);
  QTEST(shown(sections.reasoning), "reasoning");
  QTEST(shown(sections.answer), "answer");
  QTEST(sections.reasoning_open, "open");
}

void ReasoningTest::never_takes_back_what_it_gave_of_a_growing_text() {
  const std::string whole = "<think>\nFirst <b> this.\n\nThen that.\n</think>\n\nThe answer, in <b> two </b>\nlines.";
  const AnswerSections last = answer_sections(whole);
  QVERIFY(answer_sections(whole, false).answer == last.answer);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const AnswerSections sections = answer_sections(std::string_view(whole).substr(0, length), false);
    QVERIFY2(last.reasoning.starts_with(sections.reasoning), qPrintable(shown(sections.reasoning)));
    QVERIFY2(last.answer.starts_with(sections.answer), qPrintable(shown(sections.answer)));
  }
  QCOMPARE(shown(answer_sections("<thi", true).answer), QStringLiteral("<thi"));
  QCOMPARE(shown(answer_sections("<thi", false).answer), QString());
  QCOMPARE(shown(answer_sections("<think>a</thi", true).reasoning), QStringLiteral("a</thi"));
  QCOMPARE(shown(answer_sections("<think>a</thi", false).reasoning), QStringLiteral("a"));
}

void ReasoningTest::knows_what_the_prompt_opened_data() {
  QTest::addColumn<QString>("fed");
  QTest::addColumn<QString>("opening");
  QTest::newRow("nothing fed") << "" << "";
  QTest::newRow("nothing opened") << "<|im_start|>assistant\n" << "";
  QTest::newRow("opened") << "<|im_start|>assistant\n<think>\n" << "<think>\n";
  QTest::newRow("without a line break") << "<|im_start|>assistant\n<think>" << "<think>";
  QTest::newRow("opened and ended") << "<|im_start|>assistant\n<think>\n\n</think>\n\n" << "";
  QTest::newRow("something after it") << "<think>\n a" << "";
  QTest::newRow("blanks without end") << "<think>\n" + QString(20, u'\n') << "";
}

void ReasoningTest::knows_what_the_prompt_opened() {
  QFETCH(QString, fed);
  const ByteTokenizer tokenizer;
  const std::vector<Token> tokens = tokenizer.encode(fed.toStdString(), true);
  QTEST(QString::fromStdString(reasoning_opening(tokenizer, tokens)), "opening");
}

void ReasoningTest::leaves_out_the_reasoning_of_another_model() {
  QCOMPARE(plain(foreign_answer("", "b")), std::string("b"));
  QCOMPARE(plain(foreign_answer("", "\n<think>\na</think>\n\nb")), std::string("b"));
  QCOMPARE(plain(foreign_answer("<think>\n", "b")), std::string("\n</think>\n\nb"));
  QCOMPARE(plain(foreign_answer("<think>\n", "[THINK]a[/THINK]b")), std::string("\n</think>\n\nb"));
  QCOMPARE(plain(foreign_answer("[THINK]", "<think>stopped here")), std::string("\n[/THINK]\n\n"));
  QVERIFY(foreign_answer("", "").empty());
  // The answer may hold marks that are control tokens: only the one that closes the section is.
  for (const Passage& passage : foreign_answer("[THINK]", "b[/THINK]"))
    QCOMPARE(passage.trusted, passage.text != "b[/THINK]");
}

QTEST_APPLESS_MAIN(ReasoningTest)
#include "tst_reasoning.moc"
