#include <QTest>
#include <nlohmann/json.hpp>

#include "engine/tokenizer/golden.h"
#include "runnel/error.h"
#include "tokenizer/tokenizer_json.h"

using namespace runnel;
using Json = nlohmann::json;

namespace {

/// A small tokenizer.json.
Json small() {
  return Json::parse(R"({
    "added_tokens": [{"id": 4, "content": "<s>", "special": true}, {"id": 6, "content": "<tool>", "special": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3}, "merges": [["a", "b"]]}})");
}

Vocabulary read(const Json& json, std::string_view config = {}) {
  return vocabulary_from_tokenizer_json(json.dump(), config);
}

std::string refusal(const Json& json) {
  try {
    read(json);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

class TokenizerJsonTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void reads_tokens_and_types();
  void reads_merges_of_both_spellings();
  void reads_bos_and_eos();
  void reads_normalization_and_whole_words();
  void finds_the_family_by_its_patterns();
  void names_what_it_does_not_support();
  void refuses_damaged_files();
};

void TokenizerJsonTest::reads_tokens_and_types() {
  const Vocabulary vocabulary = read(small());
  QCOMPARE(vocabulary.tokens, (std::vector<std::string>{"a", "b", "ab", "c", "<s>", "", "<tool>"}));
  QVERIFY(vocabulary.types[0] == TokenType::normal && vocabulary.types[4] == TokenType::control);
  QVERIFY(vocabulary.types[5] == TokenType::unused && vocabulary.types[6] == TokenType::user_defined);
  QCOMPARE(make_tokenizer(vocabulary)->encode("abc<tool><s>", true), (std::vector<Token>{2, 3, 6, 4}));
}

void TokenizerJsonTest::reads_merges_of_both_spellings() {
  Json json = small();
  json["model"]["merges"] = Json::array({"a b"});
  QCOMPARE(read(json).merges, read(small()).merges);
  json["model"]["merges"] = Json::array({Json::array({"a"})});
  QVERIFY(contains(refusal(json), "merges"));
}

void TokenizerJsonTest::reads_bos_and_eos() {
  QVERIFY(!read(small()).bos && !read(small()).eos && !read(small()).adds_bos);
  const Vocabulary configured =
      read(small(), R"({"bos_token": {"content": "<s>"}, "eos_token": "<tool>", "unk_token": "c"})");
  QVERIFY(configured.bos == 4 && configured.eos == 6 && configured.unknown == 3 && !configured.adds_bos);
  Json json = small();
  json["post_processor"] = Json::parse(R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
    {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}]})");
  QVERIFY(read(json).bos == 4 && read(json).adds_bos);
}

void TokenizerJsonTest::reads_normalization_and_whole_words() {
  Json json = small();
  QVERIFY(read(json).nfc == false && read(json).whole_words_first == false);
  json["normalizer"] = Json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFC"}]})");
  json["model"]["ignore_merges"] = true;
  QVERIFY(read(json).nfc == true && read(json).whole_words_first == true);
}

void TokenizerJsonTest::finds_the_family_by_its_patterns() {
  Json json = small();
  QCOMPARE(read(json).pre, std::string("gpt-2"));
  json["pre_tokenizer"] = Json::parse(R"({"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": true}, {"type": "ByteLevel"}]})");
  QCOMPARE(read(json).pre, std::string("smollm"));
  for (const char* family : {"llama3", "qwen2"}) {
    const std::string text = read_fixture(QString("bpe_%1.tokenizer.json").arg(family));
    QVERIFY(contains(family, vocabulary_from_tokenizer_json(text).pre.substr(0, 5)));
  }
}

void TokenizerJsonTest::names_what_it_does_not_support() {
  const auto refused = [](const char* pointer, const char* value, std::string_view name) {
    Json json = small();
    json[Json::json_pointer(pointer)] = Json::parse(value);
    return contains(refusal(json), name);
  };
  QVERIFY(refused("/model/type", R"("WordPiece")", "WordPiece"));
  QVERIFY(refused("/model/byte_fallback", "true", "byte_fallback"));
  QVERIFY(refused("/model/end_of_word_suffix", R"("</w>")", "end_of_word_suffix"));
  QVERIFY(refused("/normalizer", R"({"type": "NFKC"})", "NFKC"));
  QVERIFY(refused("/pre_tokenizer", R"({"type": "Metaspace"})", "Metaspace"));
  QVERIFY(refused("/pre_tokenizer", R"({"type": "ByteLevel", "add_prefix_space": true})", "add_prefix_space"));
  QVERIFY(refused("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "(x*)*y"}, "behavior": "Isolated"})",
                  "(x*)*y"));
  QVERIFY(refused("/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "x"}, "behavior": "MergedWithNext"})",
                  "MergedWithNext"));
}

void TokenizerJsonTest::refuses_damaged_files() {
  for (const char* text :
       {"", "[]", "{", "\xFF", R"({"model": 1})", R"({"model": {"vocab": []}})", R"({"model": {"vocab": {"a": -1}}})",
        R"({"model": {"vocab": {"a": 4194304}}})", R"({"model": {"vocab": {"a": 18446744073709551615}}})",
        R"({"model": {"vocab": {"a": 1.5}}})", R"({"model": {"vocab": {"a": 0}}, "added_tokens": "x"})"}) {
    QVERIFY_EXCEPTION_THROWN(vocabulary_from_tokenizer_json(text), Error);
  }
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += R"({"type": "Sequence", "normalizers": [)";
  for (int i = 0; i < 100'000; ++i) nested += "]}";
  const std::string text = R"({"model": {"vocab": {"a": 0}}, "normalizer": )" + nested + "}";
  QVERIFY_EXCEPTION_THROWN(vocabulary_from_tokenizer_json(text), Error);
}

QTEST_APPLESS_MAIN(TokenizerJsonTest)
#include "tst_tokenizer_json.moc"
