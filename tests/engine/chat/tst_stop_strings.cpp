#include <QtTest>

#include "engine/chat/byte_tokenizer.h"
#include "runnel/stop_strings.h"

using namespace runnel;

namespace {

const RenderOptions options{.bos_token = "<s>", .eos_token = "</s>"};

/// Beside those that end a generation, ByteTokenizer's control tokens are <|start|>, <|stop|> and the like.
StopMarks marks_of(const std::string& source) {
  return stop_marks(ChatTemplate(source), ByteTokenizer(), options);
}

using Strings = std::vector<std::string>;

}  // namespace

class StopStringsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void a_template_says_how_an_answer_ends_data();
  void a_template_says_how_an_answer_ends();
  void a_control_token_that_begins_the_next_turn_ends_an_answer();
  void fallback_templates_data();
  void fallback_templates();
  void lets_nothing_of_a_stop_string_out_data();
  void lets_nothing_of_a_stop_string_out();
  void what_was_held_back_comes_at_the_end();
  void without_stop_strings_nothing_is_held_back();
  void counts_what_it_takes_and_what_is_left();
};

void StopStringsTest::a_template_says_how_an_answer_ends_data() {
  QTest::addColumn<QString>("source");
  QTest::addColumn<QString>("stop");
  const auto each = [](const QString& body) {
    return QStringLiteral("{% for m in messages %}") + body + QStringLiteral("{% endfor %}");
  };
  QTest::newRow("a token") << each("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n") << "";
  QTest::newRow("a mark as text") << each("<|a|>{{ m.role }}\n{{ m.content }}<|b|>\n") << "<|b|>";
  QTest::newRow("marks in one line") << each("[A]{{ m.content }}[/A][B]") << "[/A]";
  QTest::newRow("a heading") << each("### {{ m.role }}:\n{{ m.content }}\n\n") << "\n### user:";
  QTest::newRow("a head in the line") << each("{{ m.role | upper }}: {{ m.content }} ") << " USER:";
  QTest::newRow("a head at once") << each("{{ m.role | upper }}: {{ m.content }}") << "\nUSER:";
  QTest::newRow("a head after the end") << each("{{ m.role }}: {{ m.content }}\n{{ eos_token }}") << "\nuser:";
  QTest::newRow("nothing between") << each("{{ m.content }}") << "";
  QTest::newRow("a rule, as in any answer") << each("{{ m.content }}\n---\n") << "";
  QTest::newRow("a word, as in any answer") << each("{{ m.content }}\nnext\n") << "";
  QTest::newRow("refuses") << "{{ raise_exception('no') }}" << "";
  QTest::newRow("hides answers") << each("{% if m.role == 'user' %}{{ m.content }}\nend:{% endif %}") << "";
}

void StopStringsTest::a_template_says_how_an_answer_ends() {
  QFETCH(QString, source);
  QFETCH(QString, stop);
  const StopMarks marks = marks_of(source.toStdString());
  QCOMPARE(marks.texts, stop.isEmpty() ? Strings() : Strings{stop.toStdString()});
  QVERIFY(!marks.token);
}

void StopStringsTest::a_control_token_that_begins_the_next_turn_ends_an_answer() {
  const StopMarks marks = marks_of("{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}{% endfor %}");
  QCOMPARE(marks.token, std::optional(ByteTokenizer::control("<|start|>")));
  QVERIFY(marks.texts.empty());
}

void StopStringsTest::fallback_templates_data() {
  QTest::addColumn<QString>("architecture");
  QTest::addColumn<QString>("stop");
  QTest::newRow("llama") << "llama" << "";
  QTest::newRow("gemma") << "gemma2" << "";
  QTest::newRow("mistral") << "mistral" << "";
  QTest::newRow("zephyr") << "stablelm" << "";
  QTest::newRow("falcon") << "falcon" << "\nUser:";
  // Of vocabularies without these tokens.
  QTest::newRow("phi3") << "phi3" << "<|end|>";
  QTest::newRow("granite") << "granite" << "<|end_of_text|>";
  QTest::newRow("command-r") << "command-r" << "<|END_OF_TURN_TOKEN|>";
}

void StopStringsTest::fallback_templates() {
  QFETCH(QString, architecture);
  QFETCH(QString, stop);
  const StopMarks marks = marks_of(std::string(fallback_template(architecture.toStdString())));
  QCOMPARE(marks.texts, stop.isEmpty() ? Strings() : Strings{stop.toStdString()});
  QVERIFY(!marks.token);
}

void StopStringsTest::lets_nothing_of_a_stop_string_out_data() {
  QTest::addColumn<QString>("whole");
  QTest::addColumn<QString>("shown");
  QTest::newRow("none") << "An answer.\n\n" << "An answer.\n\n";
  QTest::newRow("at the end") << "An answer.<|end|>" << "An answer.";
  QTest::newRow("blanks before it") << "An answer.\n\n <|end|>" << "An answer.";
  QTest::newRow("with more after it") << "An answer.<|end|>\nUser: and" << "An answer.";
  QTest::newRow("the other one") << "An answer.\n\nUser: and" << "An answer.";
  QTest::newRow("begun twice") << "a <|en<|end|>" << "a <|en";
  QTest::newRow("begun and broken off") << "a <|e, b\nUse it" << "a <|e, b\nUse it";
  QTest::newRow("in the middle of a line") << "The SUPERUser: and User: too" << "The SUPERUser: and User: too";
  QTest::newRow("alone") << "<|end|>" << "";
}

void StopStringsTest::lets_nothing_of_a_stop_string_out() {
  QFETCH(QString, whole);
  QFETCH(QString, shown);
  const std::string text = whole.toStdString();
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    StopMatcher matcher({"<|end|>", "", "\nUser:"});
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      out += matcher.push(std::string_view(text).substr(at, piece));
      QVERIFY(shown.toStdString().starts_with(out));
    }
    out += matcher.finish();
    QCOMPARE(QString::fromStdString(out), shown);
    QCOMPARE(matcher.found(), shown != whole);
    QCOMPARE(matcher.length(), out.size());
  }
}

void StopStringsTest::what_was_held_back_comes_at_the_end() {
  StopMatcher matcher({"<|end|>"});
  QCOMPARE(matcher.push("a <|en"), std::string("a"));
  QCOMPARE(matcher.finish(), std::string(" <|en"));
  QVERIFY(!matcher.found());
}

void StopStringsTest::without_stop_strings_nothing_is_held_back() {
  StopMatcher matcher({});
  QCOMPARE(matcher.push("a <|end|> \n"), std::string("a <|end|> \n"));
  QVERIFY(!matcher.found());
}

void StopStringsTest::counts_what_it_takes_and_what_is_left() {
  StopMatcher matcher({"<|end|>"});
  matcher.push("yes\n<|e");
  QCOMPARE(matcher.taken(), std::size_t{7});
  matcher.push("nd|>\n");
  QCOMPARE(matcher.taken(), std::size_t{12});
  QCOMPARE(matcher.length(), std::size_t{3});
}

QTEST_APPLESS_MAIN(StopStringsTest)
#include "tst_stop_strings.moc"
