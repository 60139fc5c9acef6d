#include <QTest>
#include <set>

#include "convert/gguf_tokenizer.h"
#include "engine/format/temporary_folder.h"
#include "engine/tokenizer/golden.h"
#include "tokenizer/gguf_vocabulary.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/tokenizer_json.h"

using namespace runnel;

namespace {

/// A vocabulary written to a file and read again.
Vocabulary through_gguf(const Vocabulary& vocabulary, int n_vocab) {
  const TemporaryFolder folder;
  GgufWriter writer;
  write_vocabulary(writer, vocabulary, n_vocab, "a model");
  writer.write(folder.path("vocabulary.gguf"));
  return vocabulary_from_gguf(GgufFile::open(folder.path("vocabulary.gguf")));
}

Vocabulary bpe(const char* name) {
  return vocabulary_from_tokenizer_json(read_fixture(QStringLiteral("bpe_%1.tokenizer.json").arg(name)),
                                        R"({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"})");
}

QString refused(const Vocabulary& vocabulary, int n_vocab = 100'000) {
  GgufWriter writer;
  return refusal([&] { write_vocabulary(writer, vocabulary, n_vocab, "a model"); });
}

}  // namespace

class GgufTokenizerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void byte_level_tokenizers_give_the_same_ids_data();
  void byte_level_tokenizers_give_the_same_ids();
  void sentencepiece_gives_the_same_ids();
  void special_tokens_and_flags_are_kept();
  void tokens_are_filled_up_to_the_embedding();
  void what_gguf_can_not_express_is_refused();
};

void GgufTokenizerTest::byte_level_tokenizers_give_the_same_ids_data() {
  QTest::addColumn<QString>("name");
  for (const char* name : {"gpt2", "llama3", "qwen2"}) QTest::newRow(name) << name;
}

void GgufTokenizerTest::byte_level_tokenizers_give_the_same_ids() {
  QFETCH(QString, name);
  Vocabulary vocabulary = bpe(name.toUtf8().constData());
  if (name == "llama3") vocabulary.whole_words_first = true;  // as in the family's own files
  const auto before = make_tokenizer(vocabulary);
  const auto after = make_tokenizer(through_gguf(vocabulary, before->size()));
  const std::vector<Golden> cases = read_golden("bpe_" + name + ".json");
  QVERIFY(!cases.empty());
  for (const Golden& golden : cases) {
    for (const bool trusted : {false, true})
      QCOMPARE(after->encode(golden.text, trusted), before->encode(golden.text, trusted));
  }
}

void GgufTokenizerTest::sentencepiece_gives_the_same_ids() {
  Vocabulary vocabulary = vocabulary_from_sentencepiece(read_fixture("spm_bpe.model"));
  vocabulary.removes_extra_spaces = false;
  vocabulary.charsmap.clear();
  const auto before = make_tokenizer(vocabulary);
  const auto after = make_tokenizer(through_gguf(vocabulary, before->size()));
  for (const Golden& golden : read_golden("spm_bpe.json"))
    QCOMPARE(after->encode(golden.text), before->encode(golden.text));
}

void GgufTokenizerTest::special_tokens_and_flags_are_kept() {
  Vocabulary vocabulary = bpe("gpt2");
  vocabulary.adds_bos = true;
  vocabulary.end_of_generation = {2};
  const Vocabulary read = through_gguf(vocabulary, 1000);
  QVERIFY(read.bos == vocabulary.bos && read.bos.has_value());
  QVERIFY(read.eos == vocabulary.eos && read.eos.has_value());
  QCOMPARE(read.end_of_generation, vocabulary.end_of_generation);
  QVERIFY(read.adds_bos);
  vocabulary.adds_bos = false;
  QVERIFY(!through_gguf(vocabulary, 1000).adds_bos);
}

void GgufTokenizerTest::tokens_are_filled_up_to_the_embedding() {
  Vocabulary vocabulary = bpe("gpt2");
  vocabulary.tokens.back().clear();  // a hole between the tokens that a file names
  const Vocabulary read = through_gguf(vocabulary, 1010);
  QCOMPARE(read.tokens.size(), 1010U);
  QCOMPARE(read.types.size(), 1010U);
  QCOMPARE(std::set<std::string>(read.tokens.begin(), read.tokens.end()).size(), 1010U);
  for (std::size_t id = 999; id < 1010; ++id) QCOMPARE(read.types[id], TokenType::unused);
  const QString sentence = refused(vocabulary, 999);
  QVERIFY2(sentence.contains("1000") && sentence.contains("999"), qPrintable(sentence));
}

void GgufTokenizerTest::what_gguf_can_not_express_is_refused() {
  QVERIFY(refused(vocabulary_from_sentencepiece(read_fixture("spm_unigram.model"))).contains("unigram"));
  Vocabulary pieces = vocabulary_from_sentencepiece(read_fixture("spm_bpe.model"));
  pieces.removes_extra_spaces = true;
  pieces.charsmap.clear();
  QVERIFY(refused(pieces).contains("spaces"));
  pieces.removes_extra_spaces = false;
  pieces.charsmap = "some";
  QVERIFY(refused(pieces).contains("normalization"));
  Vocabulary bytes = bpe("llama3");
  bytes.nfc = true;
  QVERIFY(refused(bytes).contains("NFC"));
  bytes = bpe("gpt2");
  bytes.whole_words_first = true;
  QVERIFY(refused(bytes).contains("whole words first"));
  bytes = bpe("gpt2");
  bytes.model = "wordpiece";
  const QString sentence = refused(bytes);
  QVERIFY2(sentence.contains("a model") && sentence.contains("wordpiece"), qPrintable(sentence));
}

QTEST_APPLESS_MAIN(GgufTokenizerTest)
#include "tst_gguf_tokenizer.moc"
