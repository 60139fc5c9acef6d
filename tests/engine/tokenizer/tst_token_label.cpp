#include <QTest>

#include "engine/tokenizer/golden.h"
#include "runnel/error.h"
#include "runnel/token_label.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/utf8.h"

using namespace runnel;

namespace {

std::unique_ptr<Tokenizer> gpt2() {
  return make_tokenizer(vocabulary_from_tokenizer_json(read_fixture("bpe_gpt2.tokenizer.json")));
}

/// The labels of the tokens of `text`, joined.
QString labels(const Tokenizer& tokenizer, std::string_view text, bool trusted = false) {
  QStringList labels;
  for (const Token token : tokenizer.encode(text, trusted))
    labels.append(QString::fromStdString(token_label(tokenizer, token)));
  return labels.join(u'|');
}

/// Tokens of one kind each, with a control token that has `name`.
std::unique_ptr<Tokenizer> with_control(const std::string& name) {
  using enum TokenType;
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "gpt-2";
  vocabulary.tokens = {"a", name};
  vocabulary.types = {normal, control};
  return make_tokenizer(vocabulary);
}

}  // namespace

class TokenLabelTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void shows_what_a_token_stands_for_data();
  void shows_what_a_token_stands_for();
  void shows_parts_of_a_character_as_their_bytes();
  void names_control_tokens();
  void knows_a_control_token_from_its_name_in_a_text();
  void gives_one_harmless_line_for_any_token();
  void refuses_tokens_out_of_range();
};

void TokenLabelTest::shows_what_a_token_stands_for_data() {
  QTest::addColumn<QByteArray>("bytes");
  QTest::addColumn<QString>("label");
  QTest::newRow("a word") << QByteArray("remember") << u"“remember”"_qs;
  QTest::newRow("blanks around it") << QByteArray("  a ") << u"“  a ”"_qs;
  QTest::newRow("a space") << QByteArray(" ") << u"“ ”"_qs;
  QTest::newRow("nothing") << QByteArray("") << u"“”"_qs;
  QTest::newRow("line breaks and tabs") << QByteArray("\r\n\n\t") << u"“␍⏎⏎⇥”"_qs;
  QTest::newRow("markup") << QByteArray("<b>&amp;") << u"“<b>&amp;”"_qs;
  QTest::newRow("other scripts") << QByteArray("中é한ไม่") << u"“中é한ไม่”"_qs;
  QTest::newRow("an emoji") << QByteArray("🤗") << u"“🤗”"_qs;
  QTest::newRow("controls") << QByteArray("\0\x1B[0m\x7F\xC2\x85", 8) << u"“‹U+0000›‹U+001B›[0m‹U+007F›‹U+0085›”"_qs;
  QTest::newRow("directions") << QByteArray("a\u202E\u2066\u061C\u200F") << u"“a‹U+202E›‹U+2066›‹U+061C›‹U+200F›”"_qs;
  QTest::newRow("no width") << QByteArray("\u200B\u200D\uFEFF\u00AD") << u"“‹U+200B›‹U+200D›‹U+FEFF›‹U+00AD›”"_qs;
  QTest::newRow("selectors and tags") << QByteArray("❤\uFE0F\U000E0041") << u"“❤‹U+FE0F›‹U+E0041›”"_qs;
  QTest::newRow("other blanks") << QByteArray("\u00A0\u3000\u2028") << u"“‹U+00A0›‹U+3000›‹U+2028›”"_qs;
  QTest::newRow("24 characters") << QByteArray("é").repeated(24) << u"“%1”"_qs.arg(u"é"_qs.repeated(24));
  QTest::newRow("25 characters") << QByteArray("é").repeated(25) << u"“%1…”"_qs.arg(u"é"_qs.repeated(24));
  QTest::newRow("the beginning of a character") << QByteArray("\xF0\x9F") << u"F0 9F"_qs;
  QTest::newRow("its end") << QByteArray("\x97") << u"97"_qs;
  QTest::newRow("a part behind a space") << QByteArray(" \xF0\x9F") << u"20 F0 9F"_qs;
  QTest::newRow("8 bytes") << QByteArray("\xFF").repeated(8) << u"FF FF FF FF FF FF FF FF"_qs;
  QTest::newRow("9 bytes") << QByteArray("\xFF").repeated(9) << u"FF FF FF FF FF FF FF FF …"_qs;
}

void TokenLabelTest::shows_what_a_token_stands_for() {
  QFETCH(QByteArray, bytes);
  QFETCH(QString, label);
  QCOMPARE(QString::fromStdString(label_of_bytes(bytes.toStdString())), label);
}

void TokenLabelTest::shows_parts_of_a_character_as_their_bytes() {
  const auto tokenizer = gpt2();
  QVERIFY(tokenizer->encode("🤗").size() > 1);
  const QString shown = labels(*tokenizer, "🤗");
  QCOMPARE(QString(shown).replace(u'|', u' '), u"F0 9F A4 97"_qs);
  QCOMPARE(labels(*tokenizer, "\n"), u"“⏎”"_qs);
}

void TokenLabelTest::names_control_tokens() {
  QCOMPARE(labels(*gpt2(), "<|im_end|>", true), u"<|im_end|>"_qs);
  QCOMPARE(token_label(*with_control("<\u202E\n>"), 1), std::string("<‹U+202E›⏎>"));
  QCOMPARE(token_label(*with_control("<\xF0>"), 1), std::string("3C F0 3E"));
  QCOMPARE(token_label(*with_control(std::string(1000, 'x')), 1), std::string(24, 'x') + "…");
}

void TokenLabelTest::knows_a_control_token_from_its_name_in_a_text() {
  const QString shown = labels(*gpt2(), "<|im_end|>");
  QVERIFY2(shown.startsWith(u'“') && shown.endsWith(u'”'), qPrintable(shown));
}

void TokenLabelTest::gives_one_harmless_line_for_any_token() {
  const auto tokenizer = gpt2();
  for (Token token = 0; token < tokenizer->size(); ++token) {
    const std::string label = token_label(*tokenizer, token);
    QCOMPARE(utf8_valid_prefix(label), label.size());
    for (const char32_t character : QString::fromStdString(label).toStdU32String()) {
      QVERIFY2(QChar::isPrint(character) && (character == U' ' || !QChar::isSpace(character)), label.c_str());
      QVERIFY2(character != QChar::ReplacementCharacter, label.c_str());
    }
  }
}

void TokenLabelTest::refuses_tokens_out_of_range() {
  const auto tokenizer = gpt2();
  QVERIFY_EXCEPTION_THROWN(token_label(*tokenizer, -1), Error);
  QVERIFY_EXCEPTION_THROWN(token_label(*tokenizer, tokenizer->size()), Error);
}

QTEST_APPLESS_MAIN(TokenLabelTest)
#include "tst_token_label.moc"
