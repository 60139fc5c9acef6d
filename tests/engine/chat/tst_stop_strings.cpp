#include <QtTest>

#include "engine/chat/byte_tokenizer.h"
#include "runnel/stop_strings.h"

using namespace runnel;

namespace {

std::vector<std::string> stops_of(const char* source, std::string_view architecture = "llama") {
  return stop_strings(ChatTemplate(source), ByteTokenizer(), architecture, {.bos_token = "<s>", .eos_token = "</s>"});
}

using Strings = std::vector<std::string>;

}  // namespace

class StopStringsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void a_template_says_how_an_answer_ends_data();
  void a_template_says_how_an_answer_ends();
  void families_have_their_own();
  void lets_nothing_of_a_stop_string_out_data();
  void lets_nothing_of_a_stop_string_out();
  void what_was_held_back_comes_at_the_end();
  void counts_the_tokens_of_what_was_found();
};

void StopStringsTest::a_template_says_how_an_answer_ends_data() {
  QTest::addColumn<QString>("source");
  QTest::addColumn<QString>("stop");
  QTest::newRow("a token") << "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
                           << "";
  QTest::newRow("the same as text") << "{% for m in messages %}<|a|>{{ m.role }}\n{{ m.content }}<|b|>\n{% endfor %}"
                                    << "<|b|>";
  QTest::newRow("a heading") << "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}"
                             << "\n### user:";
  QTest::newRow("end of sequence")
      << "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{{ eos_token }}{% endfor %}" << "";
  QTest::newRow("nothing between") << "{% for m in messages %}{{ m.content }}{% endfor %}" << "";
  QTest::newRow("too short to tell") << "{% for m in messages %}{{ m.content }}--{% endfor %}" << "";
  QTest::newRow("refuses") << "{{ raise_exception('no') }}" << "";
  QTest::newRow("hides answers") << "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}\nend{% endif %}{% endfor %}"
                                 << "";
}

void StopStringsTest::a_template_says_how_an_answer_ends() {
  QFETCH(QString, source);
  QFETCH(QString, stop);
  const Strings expected = stop.isEmpty() ? Strings() : Strings{stop.toStdString()};
  QCOMPARE(stops_of(source.toUtf8().constData()), expected);
}

void StopStringsTest::families_have_their_own() {
  QCOMPARE(stops_of(std::string(fallback_template("falcon")).c_str(), "falcon"), (Strings{"\nUser:"}));
  QCOMPARE(stops_of(std::string(fallback_template("llama")).c_str(), "llama"), Strings());
}

void StopStringsTest::lets_nothing_of_a_stop_string_out_data() {
  QTest::addColumn<QString>("whole");
  QTest::addColumn<QString>("shown");
  QTest::newRow("none") << "An answer." << "An answer.";
  QTest::newRow("at the end") << "An answer.<|end|>" << "An answer.";
  QTest::newRow("with more after it") << "An answer.<|end|>\nUser: and" << "An answer.";
  QTest::newRow("the other one") << "An answer.\nUser: and" << "An answer.";
  QTest::newRow("begun twice") << "a <|en<|end|>" << "a <|en";
  QTest::newRow("begun and broken off") << "a <|e, b\nUse it" << "a <|e, b\nUse it";
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
  }
}

void StopStringsTest::what_was_held_back_comes_at_the_end() {
  StopMatcher matcher({"<|end|>"});
  QCOMPARE(matcher.push("a <|en"), std::string("a "));
  QCOMPARE(matcher.finish(), std::string("<|en"));
  QVERIFY(!matcher.found());
}

void StopStringsTest::counts_the_tokens_of_what_was_found() {
  StopMatcher matcher({"<|end|>"});
  matcher.push("yes<|e");
  matcher.push("nd|>\n");
  QCOMPARE(matcher.overshoot(), std::size_t{8});
  const ByteTokenizer tokenizer;
  const std::vector<Token> ids = tokenizer.encode("yes<|end|>\n", false);
  QCOMPARE(tokens_within(tokenizer, ids, 8), std::size_t{8});
  // A control token is one of many bytes; what stands only partly within is not counted.
  const std::vector<Token> with_control{'a', ByteTokenizer::control("<|im_end|>"), 'b'};
  QCOMPARE(tokens_within(tokenizer, with_control, 5), std::size_t{1});
  QCOMPARE(tokens_within(tokenizer, with_control, 11), std::size_t{2});
  QCOMPARE(tokens_within(tokenizer, with_control, 100), std::size_t{3});
}

QTEST_APPLESS_MAIN(StopStringsTest)
#include "tst_stop_strings.moc"
