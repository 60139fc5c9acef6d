#include <QTest>

#include "engine/tokenizer/golden.h"
#include "runnel/error.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/pre_tokenizer_table.h"

using namespace runnel;

namespace {

std::vector<std::string> words_of(const PreTokenizer& pre_tokenizer, const std::string& text) {
  const auto words = pre_tokenizer.split(text);
  return {words.begin(), words.end()};
}

PreTokenizer with_patterns(std::vector<std::string> patterns) {
  return PreTokenizer(patterns);
}

}  // namespace

class PreTokenizerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void cuts_as_the_original_does_data();
  void cuts_as_the_original_does();
  void makes_what_is_not_utf8_a_word_for_itself();
  void leaves_a_piece_uncut_where_a_pattern_gets_lost();
  void cuts_at_empty_matches();
  void refuses_what_is_no_pattern();
  void knows_rows_by_their_patterns();
};

/// The file has, for each family, the words that Hugging Face's tokenizers library gives for twelve texts.
void PreTokenizerTest::cuts_as_the_original_does_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QJsonArray>("texts");
  const auto file =
      QJsonDocument::fromJson(QByteArray::fromStdString(read_fixture("pre_tokenizer_splits.json"))).object();
  QCOMPARE(file.size(), 17);
  for (const QString& name : file.keys()) QTest::newRow(qPrintable(name)) << name << file[name].toArray();
}

void PreTokenizerTest::cuts_as_the_original_does() {
  QFETCH(QString, name);
  QFETCH(QJsonArray, texts);
  const PreTokenizer pre_tokenizer(find_pre_tokenizer(name.toStdString()).patterns);
  QCOMPARE(texts.size(), 12);
  for (const QJsonValue words : texts) {
    std::string text;
    std::vector<std::string> expected;
    for (const QJsonValue word : words.toArray()) {
      expected.push_back(word.toString().toStdString());
      text += expected.back();
    }
    QVERIFY2(words_of(pre_tokenizer, text) == expected, text.c_str());
  }
}

void PreTokenizerTest::makes_what_is_not_utf8_a_word_for_itself() {
  const PreTokenizer pre_tokenizer(find_pre_tokenizer("gpt-2").patterns);
  QCOMPARE(words_of(pre_tokenizer, "a b\xFF\xFE c"), (std::vector<std::string>{"a", " b", "\xFF\xFE", " c"}));
  QCOMPARE(words_of(pre_tokenizer, "\xE4\xB8"), (std::vector<std::string>{"\xE4\xB8"}));
  QCOMPARE(words_of(pre_tokenizer, ""), std::vector<std::string>());
}

void PreTokenizerTest::leaves_a_piece_uncut_where_a_pattern_gets_lost() {
  const std::string text = "x" + std::string(40, 'a');
  QCOMPARE(words_of(with_patterns({"x", "(a*)*b"}), text), (std::vector<std::string>{"x", std::string(40, 'a')}));
}

void PreTokenizerTest::cuts_at_empty_matches() {
  QCOMPARE(words_of(with_patterns({"b*"}), "abbc\u00E9"), (std::vector<std::string>{"a", "bb", "c", "\u00E9"}));
}

void PreTokenizerTest::refuses_what_is_no_pattern() {
  QVERIFY_EXCEPTION_THROWN(with_patterns({"(a"}), Error);
}

void PreTokenizerTest::knows_rows_by_their_patterns() {
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o", "falcon", "deepseek-llm"}) {
    QCOMPARE(name_of_pre_tokenizer(find_pre_tokenizer(name).patterns), std::string_view(name));
  }
  QVERIFY(!name_of_pre_tokenizer({"x"}));
  QVERIFY(!name_of_pre_tokenizer({}));
  QCOMPARE(&find_pre_tokenizer(""), &find_pre_tokenizer("default"));
  QVERIFY(family_adds_bos("llama-bpe") && !family_adds_bos("qwen2") && !family_adds_bos("unheard of"));
}

QTEST_APPLESS_MAIN(PreTokenizerTest)
#include "tst_pre_tokenizer.moc"
