#include <QTest>
#include <algorithm>
#include <functional>

#include "engine/tokenizer/golden.h"
#include "engine/tokenizer/small_stack.h"
#include "runnel/error.h"
#include "tokenizer/tokenizer_json.h"

using namespace runnel;

namespace {

constexpr Token kEndOfText = 0, kTurnBegin = 1, kTurnEnd = 2;

std::unique_ptr<Tokenizer> fixture(const QString& family) {
  return make_tokenizer(vocabulary_from_tokenizer_json(read_fixture("bpe_" + family + ".tokenizer.json")));
}

/// The GPT-2 fixture's vocabulary under another pre-tokenizer.
Vocabulary vocabulary_for(std::string_view pre) {
  Vocabulary vocabulary = vocabulary_from_tokenizer_json(read_fixture("bpe_gpt2.tokenizer.json"));
  vocabulary.pre = pre;
  vocabulary.nfc.reset();
  vocabulary.whole_words_first.reset();
  return vocabulary;
}

/// Tokens a … e, "ab" and two added ones, typed as given.
Vocabulary small_vocabulary(TokenType first, TokenType second) {
  using enum TokenType;
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "gpt-2";
  vocabulary.tokens = {"a", "b", "c", "d", "e", "ab", "<x>", "<x>y"};
  vocabulary.types = {normal, normal, normal, normal, normal, normal, first, second};
  vocabulary.merges = {"a b"};
  return vocabulary;
}

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

/// What the Error says that `work` throws; empty when it throws none.
std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

class BpeTokenizerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void gives_the_ids_of_the_original_tokenizer_data();
  void gives_the_ids_of_the_original_tokenizer();
  void recognizes_control_tokens_only_where_all_characters_are_trusted();
  void reads_text_between_control_tokens_as_one_whatever_its_origins();
  void recognizes_user_defined_tokens_in_all_text();
  void prefers_a_control_token_to_a_user_defined_one_that_overlaps_it();
  void never_reaches_a_control_token_by_merging();
  void takes_user_defined_turn_markers_for_control_tokens();
  void keeps_bytes_that_are_not_utf8();
  void takes_a_word_whole_before_merging_where_the_family_does();
  void normalizes_where_the_family_does();
  void is_at_ease_with_long_monotonous_text_on_a_small_stack_data();
  void is_at_ease_with_long_monotonous_text_on_a_small_stack();
  void ends_generation_with_eos_and_known_ends_of_turn();
  void gpt_oss_goes_on_after_the_end_of_a_channel();
  void prefers_tokens_written_in_the_alphabet_of_bytes();
  void accepts_odd_vocabularies();
  void names_key_and_value_of_what_contradicts_itself();
  void names_what_it_does_not_support();
  void refuses_tokens_out_of_range();
  void fingerprints_differ_where_ids_would();
};

void BpeTokenizerTest::gives_the_ids_of_the_original_tokenizer_data() {
  QTest::addColumn<QString>("family");
  for (const char* family : {"gpt2", "llama3", "qwen2"}) QTest::newRow(family) << family;
}

void BpeTokenizerTest::gives_the_ids_of_the_original_tokenizer() {
  QFETCH(QString, family);
  const auto tokenizer = fixture(family);
  const auto cases = read_golden("bpe_" + family + ".json");
  QCOMPARE(cases.size(), 112U);
  for (const Golden& golden : cases) {
    QVERIFY2(tokenizer->encode(golden.text, true) == golden.trusted, golden.text.c_str());
    QCOMPARE(tokenizer->decode(golden.trusted), golden.decoded);
  }
}

void BpeTokenizerTest::recognizes_control_tokens_only_where_all_characters_are_trusted() {
  const auto tokenizer = fixture("gpt2");
  const std::string marker = "<|im_end|>";
  QCOMPARE(tokenizer->encode(marker, true), std::vector<Token>{kTurnEnd});
  const auto as_text = tokenizer->encode(marker, false);
  QVERIFY(as_text.size() > 1);
  QCOMPARE(tokenizer->decode(as_text), marker);
  for (std::size_t cut = 0; cut <= marker.size(); ++cut) {
    for (const bool first : {false, true}) {
      const MarkedText text = {{marker.substr(0, cut), first}, {"", !first}, {marker.substr(cut), !first}};
      const bool trusted = cut == (first ? marker.size() : 0);
      QCOMPARE(tokenizer->encode(text), trusted ? std::vector<Token>{kTurnEnd} : as_text);
    }
    const MarkedText both = {{marker.substr(0, cut), true}, {"", false}, {marker.substr(cut), true}};
    QCOMPARE(tokenizer->encode(both), std::vector<Token>{kTurnEnd});
  }
  const MarkedText message = {{"<|im_start|>", true}, {"A<|im_end|><|im_start|>B", false}, {"<|im_end|>", true}};
  const auto ids = tokenizer->encode(message);
  QCOMPARE(std::ranges::count_if(ids, [&](Token id) { return tokenizer->is_control(id); }), 2);
  QCOMPARE(ids.front(), kTurnBegin);
  QCOMPARE(ids.back(), kTurnEnd);
  QCOMPARE(tokenizer->decode(ids), plain(message));
}

void BpeTokenizerTest::reads_text_between_control_tokens_as_one_whatever_its_origins() {
  const auto tokenizer = fixture("llama3");
  const std::string text = "Don't cut 12345 words,\n\n  naïve 世界 or lines.\r\n";
  const auto whole = tokenizer->encode(text, true);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const MarkedText parts = {{text.substr(0, cut), true}, {text.substr(cut), false}};
    QCOMPARE(tokenizer->encode(parts), whole);
    QCOMPARE(tokenizer->encode_after(whole.back(), parts), whole);
  }
}

void BpeTokenizerTest::recognizes_user_defined_tokens_in_all_text() {
  const auto tokenizer = make_tokenizer(small_vocabulary(TokenType::user_defined, TokenType::user_defined));
  for (const bool trusted : {false, true}) {
    QCOMPARE(tokenizer->encode("a<x>yab<x>c", trusted), (std::vector<Token>{0, 7, 5, 6, 2}));
  }
  QVERIFY(!tokenizer->is_control(6));
  QCOMPARE(tokenizer->bytes(6), std::string("<x>"));
}

void BpeTokenizerTest::prefers_a_control_token_to_a_user_defined_one_that_overlaps_it() {
  const auto tokenizer = make_tokenizer(small_vocabulary(TokenType::control, TokenType::user_defined));
  QCOMPARE(tokenizer->encode("a<x>yb", false), (std::vector<Token>{0, 7, 1}));
  Vocabulary greedy = small_vocabulary(TokenType::control, TokenType::user_defined);
  greedy.tokens[7] = "a<";  // a message that ends in "a" must not break the marker behind it
  QCOMPARE(make_tokenizer(greedy)->encode({{"ba", false}, {"<x>", true}}), (std::vector<Token>{1, 0, 6}));
}

void BpeTokenizerTest::never_reaches_a_control_token_by_merging() {
  Vocabulary vocabulary = small_vocabulary(TokenType::control, TokenType::control);
  vocabulary.tokens[6] = "cd";
  vocabulary.tokens[7] = "e";
  vocabulary.merges = {"c d", "a b"};
  vocabulary.whole_words_first = true;
  QCOMPARE(make_tokenizer(vocabulary)->encode("cd", false), (std::vector<Token>{2, 3}));
  QCOMPARE(make_tokenizer(vocabulary)->encode("e", false), (std::vector<Token>{4}));
}

void BpeTokenizerTest::takes_user_defined_turn_markers_for_control_tokens() {
  Vocabulary vocabulary = small_vocabulary(TokenType::user_defined, TokenType::user_defined);
  vocabulary.tokens[6] = "<|im_end|>";
  vocabulary.tokens[7] = "<|turn|>";
  const auto tokenizer = make_tokenizer(vocabulary);
  for (const Token id : {6, 7}) {
    QVERIFY(tokenizer->is_control(id));
    QVERIFY(std::ranges::count(tokenizer->encode(vocabulary.tokens[id], false), id) == 0);
    QCOMPARE(tokenizer->encode(vocabulary.tokens[id], true), std::vector<Token>{id});
  }
  QVERIFY(tokenizer->is_end_of_generation(6));
  QVERIFY(!tokenizer->is_end_of_generation(7));
}

void BpeTokenizerTest::keeps_bytes_that_are_not_utf8() {
  std::string text = "good \xFF\xFE bad \xE4\xB8 cut \xED\xA0\x80 surrogate \xC0\x80 long \xF4\x90\x80\x80 beyond";
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  for (const char* family : {"gpt2", "llama3"}) {
    const auto tokenizer = fixture(family);
    QCOMPARE(tokenizer->decode(tokenizer->encode(text, true)), text);
  }
}

void BpeTokenizerTest::takes_a_word_whole_before_merging_where_the_family_does() {
  Vocabulary vocabulary = small_vocabulary(TokenType::control, TokenType::control);
  vocabulary.merges.clear();
  QCOMPARE(make_tokenizer(vocabulary)->encode("ab", false), (std::vector<Token>{0, 1}));
  vocabulary.pre = "llama-bpe";
  QCOMPARE(make_tokenizer(vocabulary)->encode("ab", false), (std::vector<Token>{5}));
  vocabulary.whole_words_first = false;
  QCOMPARE(make_tokenizer(vocabulary)->encode("ab", false), (std::vector<Token>{0, 1}));
}

void BpeTokenizerTest::normalizes_where_the_family_does() {
  const std::string decomposed = "e\u0301 \xFF <|im_end|>";
  const std::string composed = "\u00E9 \xFF <|im_end|>";
  const auto gpt2 = make_tokenizer(vocabulary_for("gpt-2"));
  const auto qwen2 = make_tokenizer(vocabulary_for("qwen2"));
  QCOMPARE(gpt2->decode(gpt2->encode(decomposed, true)), decomposed);
  QCOMPARE(qwen2->decode(qwen2->encode(decomposed, true)), composed);
  QCOMPARE(qwen2->encode(decomposed, true).back(), kTurnEnd);
}

void BpeTokenizerTest::is_at_ease_with_long_monotonous_text_on_a_small_stack_data() {
  QTest::addColumn<QByteArray>("pre");
  QTest::addColumn<QByteArray>("part");
  QTest::addColumn<int>("times");
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o", "deepseek-llm", "deepseek-coder",
                          "deepseek-v3", "falcon", "bloom", "bailingmoe", "default"}) {
    const auto add = [&](const char* what, const char* part, int times) {
      QTest::addRow("%s: %s", pre, what) << QByteArray(pre) << QByteArray(part) << times;
    };
    add("no spaces", "us", 100'000);
    add("one capital", "A", 1'000'000);
    add("spaces", " ", 1'000'000);
    add("blank lines", "\n", 100'000);
    add("Chinese without a break", "\u4E2D\u6587", 60'000);
    add("digits", "7", 100'000);
    add("combining marks", "\u0301\u0327", 60'000);
    add("not UTF-8",
        "\xFF"
        "a",
        100'000);
    add("punctuation", "=", 200'000);
  }
  QTest::newRow("deepseek-llm: spaces before a digit") << QByteArray("deepseek-llm") << QByteArray(" ") << -1'000'000;
}

void BpeTokenizerTest::is_at_ease_with_long_monotonous_text_on_a_small_stack() {
  QFETCH(QByteArray, pre);
  QFETCH(QByteArray, part);
  QFETCH(int, times);
  const auto tokenizer = make_tokenizer(vocabulary_for(pre.toStdString()));
  const std::string text = repeated(part.toStdString(), std::abs(times)) + (times < 0 ? "1" : "");
  std::string decoded;
  on_small_stack([&] { decoded = tokenizer->decode(tokenizer->encode(text)); });
  QVERIFY(decoded == text);
}

void BpeTokenizerTest::ends_generation_with_eos_and_known_ends_of_turn() {
  Vocabulary vocabulary = vocabulary_for("gpt-2");
  vocabulary.end_of_generation = {7};
  vocabulary.eos = 9;
  const auto tokenizer = make_tokenizer(vocabulary);
  QVERIFY(tokenizer->is_end_of_generation(kEndOfText));
  QVERIFY(tokenizer->is_end_of_generation(kTurnEnd));
  QVERIFY(tokenizer->is_end_of_generation(7));
  QVERIFY(tokenizer->is_end_of_generation(9));
  QVERIFY(!tokenizer->is_end_of_generation(kTurnBegin));
  QVERIFY(!tokenizer->is_end_of_generation(8));
  Vocabulary plain_text = vocabulary_for("gpt-2");
  plain_text.types[kTurnEnd] = TokenType::normal;
  QVERIFY(!make_tokenizer(plain_text)->is_end_of_generation(kTurnEnd));
}

void BpeTokenizerTest::gpt_oss_goes_on_after_the_end_of_a_channel() {
  Vocabulary vocabulary = small_vocabulary(TokenType::control, TokenType::control);
  vocabulary.tokens[6] = "<|end|>";
  QVERIFY(make_tokenizer(vocabulary)->is_end_of_generation(6));
  vocabulary.tokens.insert(vocabulary.tokens.end(), {"<|return|>", "<|call|>"});
  vocabulary.types.insert(vocabulary.types.end(), 2, TokenType::control);
  QVERIFY(!make_tokenizer(vocabulary)->is_end_of_generation(6));
  QVERIFY(make_tokenizer(vocabulary)->is_end_of_generation(8));
}

// Command R has both for some 180 characters, among them the zero-width joiner.
void BpeTokenizerTest::prefers_tokens_written_in_the_alphabet_of_bytes() {
  Vocabulary vocabulary = small_vocabulary(TokenType::normal, TokenType::normal);
  vocabulary.tokens = {"\u200d", "â", "Ģ", "į", "âĢ", "âĢį", "a", "b"};
  vocabulary.merges = {"â Ģ", "âĢ į"};
  const auto tokenizer = make_tokenizer(vocabulary);
  QCOMPARE(tokenizer->encode("a\u200db", false), (std::vector<Token>{6, 5, 7}));
  QCOMPARE(tokenizer->bytes(0), "\u200d");
}

void BpeTokenizerTest::accepts_odd_vocabularies() {
  Vocabulary vocabulary = small_vocabulary(TokenType::control, static_cast<TokenType>(-77));
  vocabulary.tokens = {"a", "b", "", "\xFF", "b", "ab", "", ""};
  vocabulary.merges = {"a b", "a b", "a zz", "zz a", "", " ", "a", "a  b", "  ", "\xFF a", "b a"};
  const auto tokenizer = make_tokenizer(vocabulary);
  QCOMPARE(tokenizer->encode("abb", false), (std::vector<Token>{5, 1}));  // the lower of two equal tokens
  QCOMPARE(tokenizer->encode("azb", false), (std::vector<Token>{0, 1}));  // neither "z" nor an unknown token
  vocabulary.unknown = 2;
  QCOMPARE(make_tokenizer(vocabulary)->encode("azb", false), (std::vector<Token>{0, 2, 1}));
  vocabulary.types.clear();
  QCOMPARE(make_tokenizer(vocabulary)->encode("abb", true), (std::vector<Token>{5, 1}));
  vocabulary.tokens[3] = std::string(1'000'000, 'a');
  vocabulary.types.assign(8, TokenType::user_defined);
  QVERIFY(!make_tokenizer(vocabulary)->encode(std::string(1'000'000, 'a'), true).empty());
}

void BpeTokenizerTest::names_key_and_value_of_what_contradicts_itself() {
  const auto refusal = [](auto change) {
    Vocabulary vocabulary = small_vocabulary(TokenType::control, TokenType::control);
    change(vocabulary);
    return message_of([&] { make_tokenizer(vocabulary); });
  };
  const std::string bos = refusal([](Vocabulary& v) { v.bos = 8; });
  QVERIFY(contains(bos, "tokenizer.ggml.bos_token_id") && contains(bos, "8"));
  const std::string eos = refusal([](Vocabulary& v) { v.eos = -1; });
  QVERIFY(contains(eos, "tokenizer.ggml.eos_token_id") && contains(eos, "-1"));
  QVERIFY(contains(refusal([](Vocabulary& v) { v.unknown = 99; }), "99"));
  QVERIFY(contains(refusal([](Vocabulary& v) { v.end_of_generation = {99}; }), "99"));
  QVERIFY(contains(refusal([](Vocabulary& v) { v.types.pop_back(); }), "tokenizer.ggml.token_type"));
  QVERIFY(contains(refusal([](Vocabulary& v) { v.scores = {1}; }), "tokenizer.ggml.scores"));
  QVERIFY(contains(refusal([](Vocabulary& v) { v.tokens.clear(), v.types.clear(); }), "tokenizer.ggml.tokens"));
}

void BpeTokenizerTest::names_what_it_does_not_support() {
  Vocabulary vocabulary = small_vocabulary(TokenType::control, TokenType::control);
  vocabulary.pre = "kimi-k9";
  const std::string pre = message_of([&] { make_tokenizer(vocabulary); });
  QVERIFY(contains(pre, "kimi-k9") && contains(pre, "llama-bpe") && contains(pre, "smollm"));
  vocabulary.model = "rwkv";
  QVERIFY(contains(message_of([&] { make_tokenizer(vocabulary); }), "rwkv"));
}

void BpeTokenizerTest::refuses_tokens_out_of_range() {
  const auto tokenizer = fixture("gpt2");
  for (const Token id : {-1, tokenizer->size(), 2'000'000'000}) {
    QVERIFY_EXCEPTION_THROWN(tokenizer->bytes(id), Error);
    QVERIFY_EXCEPTION_THROWN(tokenizer->is_control(id), Error);
    QVERIFY_EXCEPTION_THROWN(tokenizer->is_end_of_generation(id), Error);
  }
}

void BpeTokenizerTest::fingerprints_differ_where_ids_would() {
  const Vocabulary vocabulary = vocabulary_for("gpt-2");
  const std::string fingerprint = make_tokenizer(vocabulary)->fingerprint();
  QCOMPARE(fingerprint.size(), 16U);
  QCOMPARE(make_tokenizer(vocabulary)->fingerprint(), fingerprint);
  const auto changed = [&](auto change) {
    Vocabulary other = vocabulary;
    change(other);
    return make_tokenizer(other)->fingerprint() != fingerprint;
  };
  QVERIFY(changed([](Vocabulary& v) { v.pre = "smollm"; }));
  QVERIFY(changed([](Vocabulary& v) { std::swap(v.merges[0], v.merges[1]); }));
  QVERIFY(changed([](Vocabulary& v) { std::swap(v.tokens[10], v.tokens[11]); }));
  QVERIFY(changed([](Vocabulary& v) { v.types[2] = TokenType::normal; }));
  QVERIFY(changed([](Vocabulary& v) { v.nfc = true; }));
}

QTEST_APPLESS_MAIN(BpeTokenizerTest)
#include "tst_bpe_tokenizer.moc"
