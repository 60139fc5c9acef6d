#include <QTest>
#include <random>

#include "runnel/tokenizer.h"
#include "tokenizer/utf8.h"

using namespace runnel;

namespace {

/// A token for each byte, and control tokens: 256, and the marks of reasoning, 257 and 258.
class ByteTokenizer final : public Tokenizer {
 public:
  using Tokenizer::encode;
  std::vector<Token> encode(const MarkedText& text) const override {
    std::vector<Token> ids;
    for (const char c : plain(text)) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string bytes(Token token) const override {
    if (token == 257) return "<think>";
    if (token == 258) return "</think>";
    return token == 256 ? "<control>" : std::string(1, static_cast<char>(token));
  }
  int size() const override { return 259; }
  bool is_control(Token token) const override { return token >= 256; }
  bool is_end_of_generation(Token) const override { return false; }
  std::optional<Token> bos() const override { return std::nullopt; }
  std::optional<Token> eos() const override { return std::nullopt; }
  bool adds_bos() const override { return false; }
  std::string fingerprint() const override { return "bytes"; }
};

const ByteTokenizer kTokenizer;

/// What comes out while the bytes of `text` go in one by one, and at the end.
std::string streamed(const std::string& text) {
  Detokenizer detokenizer(kTokenizer);
  std::string result;
  for (const Token token : kTokenizer.encode(text, false)) result += detokenizer.push(token);
  return result;
}

}  // namespace

class DetokenizerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void lets_a_character_out_when_it_is_whole();
  void replaces_each_maximal_invalid_part_once_data();
  void replaces_each_maximal_invalid_part_once();
  void leaves_control_tokens_out();
  void lets_the_marks_of_reasoning_through();
  void gives_valid_utf8_for_any_bytes();
};

void DetokenizerTest::lets_a_character_out_when_it_is_whole() {
  Detokenizer detokenizer(kTokenizer);
  const std::string emoji = "\xF0\x9F\xA4\x97";
  for (int i = 0; i < 3; ++i) QCOMPARE(detokenizer.push(static_cast<unsigned char>(emoji[i])), std::string());
  QCOMPARE(detokenizer.push(0x97), emoji);
  QCOMPARE(detokenizer.push('a'), std::string("a"));
}

void DetokenizerTest::replaces_each_maximal_invalid_part_once_data() {
  QTest::addColumn<QByteArray>("bytes");
  QTest::addColumn<QString>("text");
  // The examples of the Unicode standard 15, tables 3-8 to 3-11
  QTest::newRow("non-shortest forms") << QByteArray("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41")
                                      << u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"_qs;
  QTest::newRow("surrogates") << QByteArray("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41")
                              << u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"_qs;
  QTest::newRow("other") << QByteArray("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42")
                         << u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"_qs;
  QTest::newRow("truncated") << QByteArray("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") << u"\uFFFD\uFFFD\uFFFD\uFFFDA"_qs;
  QTest::newRow("unfinished at the end") << QByteArray("a\xF0\x9F\xA4") << u"a"_qs;
}

void DetokenizerTest::replaces_each_maximal_invalid_part_once() {
  QFETCH(QByteArray, bytes);
  QFETCH(QString, text);
  QCOMPARE(QString::fromStdString(streamed(bytes.toStdString())), text);
}

void DetokenizerTest::leaves_control_tokens_out() {
  Detokenizer detokenizer(kTokenizer);
  QCOMPARE(detokenizer.push(0xC3), std::string());
  QCOMPARE(detokenizer.push(256), std::string());
  QCOMPARE(detokenizer.push(0xA9), std::string("\xC3\xA9"));
}

void DetokenizerTest::lets_the_marks_of_reasoning_through() {
  Detokenizer detokenizer(kTokenizer);
  std::string text;
  for (const Token token : {257, static_cast<int>('a'), 258, 256, static_cast<int>('b')})
    text += detokenizer.push(token);
  QCOMPARE(text, std::string("<think>a</think>b"));
}

void DetokenizerTest::gives_valid_utf8_for_any_bytes() {
  std::mt19937 random(1);
  const std::string common = "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xED\xFF";
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += common[random() % common.size()];
    const std::string result = streamed(text);
    QCOMPARE(utf8_valid_prefix(result), result.size());
    if (utf8_valid_prefix(text) == text.size()) QCOMPARE(result, text);
  }
}

QTEST_APPLESS_MAIN(DetokenizerTest)
#include "tst_detokenizer.moc"
