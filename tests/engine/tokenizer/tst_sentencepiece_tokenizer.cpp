#include <QTest>
#include <algorithm>
#include <limits>

#include "engine/tokenizer/golden.h"
#include "engine/tokenizer/small_stack.h"
#include "runnel/error.h"
#include "tokenizer/sentencepiece_model.h"

using namespace runnel;

namespace {

Vocabulary vocabulary(const QString& name) {
  return vocabulary_from_sentencepiece(read_fixture(name + ".model"));
}

/// "000" is "0" and "00" or "00" and "0", equally likely; versions of the library choose differently.
constexpr std::string_view kTie = "3.14159 1,000,000 0x1F 1e-9";

double total_score(const Vocabulary& vocabulary, const std::vector<Token>& ids) {
  double total = 0;
  for (const Token id : ids) total += vocabulary.scores[id];
  return total;
}

Token id_of(const Vocabulary& vocabulary, std::string_view text) {
  return static_cast<Token>(std::ranges::find(vocabulary.tokens, text) - vocabulary.tokens.begin());
}

std::vector<Token> joined(std::initializer_list<std::vector<Token>> lists) {
  std::vector<Token> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

class SentencePieceTokenizerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void gives_the_ids_of_the_original_tokenizer_data();
  void gives_the_ids_of_the_original_tokenizer();
  void keeps_every_space();
  void puts_a_space_only_before_a_text_and_after_a_control_token();
  void recognizes_control_tokens_only_where_all_characters_are_trusted();
  void recognizes_user_defined_tokens_in_all_text();
  void takes_a_tag_of_html_for_text();
  void keeps_bytes_that_are_not_utf8();
  void is_at_ease_with_long_monotonous_text_on_a_small_stack();
  void accepts_odd_vocabularies();
  void reads_a_vocabulary_without_types();
  void reads_added_tokens_of_a_configuration();
  void refuses_damaged_models();
  void refuses_normalization_maps_that_lead_outside();
};

void SentencePieceTokenizerTest::gives_the_ids_of_the_original_tokenizer_data() {
  QTest::addColumn<QString>("name");
  for (const char* name : {"spm_bpe", "spm_unigram"}) QTest::newRow(name) << name;
}

void SentencePieceTokenizerTest::gives_the_ids_of_the_original_tokenizer() {
  QFETCH(QString, name);
  const Vocabulary facts = vocabulary(name);
  const auto tokenizer = make_tokenizer(facts);
  const auto cases = read_golden(name + ".json");
  QCOMPARE(cases.size(), 112U);
  for (const Golden& golden : cases) {
    const auto ids = tokenizer->encode(golden.text);
    if (name == "spm_unigram" && golden.text == kTie) {
      QVERIFY(std::abs(total_score(facts, ids) - total_score(facts, golden.ids)) < 1e-4);
    } else {
      QVERIFY2(ids == golden.ids, golden.text.c_str());
    }
    QCOMPARE(tokenizer->decode(golden.ids), golden.decoded);
  }
}

void SentencePieceTokenizerTest::keeps_every_space() {
  const auto tokenizer = make_tokenizer(vocabulary("spm_bpe"));
  for (const std::string text : {"Hello", " Hello", "    Hello", "Hello   ", " ", "a  b\n   c\t"}) {
    QCOMPARE(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

void SentencePieceTokenizerTest::puts_a_space_only_before_a_text_and_after_a_control_token() {
  const Vocabulary facts = vocabulary("spm_bpe");
  const auto tokenizer = make_tokenizer(facts);
  const Token end = id_of(facts, "</s>");
  const auto with_space = tokenizer->encode("Hello");
  const auto without = tokenizer->encode_after(with_space.back(), {{"Hello", false}});
  QCOMPARE(tokenizer->bytes(with_space.front()).front(), ' ');
  QVERIFY(tokenizer->bytes(without.front()).front() != ' ');
  QCOMPARE(tokenizer->encode_after(end, {{"Hello", false}}), with_space);
  QCOMPARE(tokenizer->encode("Hello</s>Hello", true), joined({with_space, {end}, with_space}));
  QCOMPARE(tokenizer->encode_after(with_space.back(), {{"Hello</s>Hello", true}}),
           joined({without, {end}, with_space}));
  Vocabulary no_prefix = facts;
  no_prefix.adds_space_prefix = false;
  QCOMPARE(make_tokenizer(no_prefix)->encode("Hello</s>Hello", true), joined({without, {end}, without}));
}

void SentencePieceTokenizerTest::recognizes_control_tokens_only_where_all_characters_are_trusted() {
  const Vocabulary facts = vocabulary("spm_bpe");
  const auto tokenizer = make_tokenizer(facts);
  const Token end = id_of(facts, "</s>");
  QCOMPARE(tokenizer->encode("</s>", true), std::vector<Token>{end});
  QVERIFY(tokenizer->is_end_of_generation(end));
  for (const MarkedText& text :
       {MarkedText{{"</s>", false}}, {{"</", true}, {"s>", false}}, {{"</s", false}, {">", true}}}) {
    const auto ids = tokenizer->encode(text);
    QCOMPARE(std::ranges::count(ids, end), 0);
    QCOMPARE(tokenizer->decode(ids), std::string("</s>"));
  }
  // The model has "<|user|>" as user defined; a turn marker in a message stays text all the same.
  const Token marker = id_of(facts, "<|user|>");
  QCOMPARE(std::ranges::count(tokenizer->encode("a<|user|>b"), marker), 0);
  QCOMPARE(std::ranges::count(tokenizer->encode("a<|user|>b", true), marker), 1);
}

void SentencePieceTokenizerTest::recognizes_user_defined_tokens_in_all_text() {
  Vocabulary facts = vocabulary("spm_bpe");
  const Token marker = id_of(facts, "<|user|>");
  facts.tokens[marker] = "[tool]";
  const auto tokenizer = make_tokenizer(facts);
  for (const bool trusted : {false, true}) {
    QCOMPARE(std::ranges::count(tokenizer->encode("a[tool]b[tool]", trusted), marker), 2);
  }
  QVERIFY(!tokenizer->is_control(marker));
  facts.tokens[marker] = "   ";  // as GGUF files write it; sentencepiece's own spelling has U+2581 for each space
  QCOMPARE(make_tokenizer(facts)->encode("a   b")[1], marker);
  QCOMPARE(make_tokenizer(facts)->bytes(marker), std::string("   "));
}

void SentencePieceTokenizerTest::takes_a_tag_of_html_for_text() {
  Vocabulary facts = vocabulary("spm_bpe");
  const Token tag = id_of(facts, "<|user|>");
  const Token end = id_of(facts, "</s>");
  facts.tokens[tag] = "</s>";
  facts.tokens[end] = "<eos>";
  facts.eos = end;
  const auto gemma = make_tokenizer(facts);
  QVERIFY(!gemma->is_control(tag) && !gemma->is_end_of_generation(tag) && gemma->is_end_of_generation(end));
  QCOMPARE(gemma->encode("a</s>", false).back(), tag);
  facts.eos.reset();  // a file that names no other end may mean this one
  QVERIFY(make_tokenizer(facts)->is_end_of_generation(tag));
}

void SentencePieceTokenizerTest::keeps_bytes_that_are_not_utf8() {
  const auto tokenizer = make_tokenizer(vocabulary("spm_bpe"));
  const std::string text = "good \xFF\xFE bad \xE4\xB8 cut \xED\xA0\x80 surrogate \xC0\x80 long \xF4\x90\x80\x80";
  QCOMPARE(tokenizer->decode(tokenizer->encode(text)), text);
  QCOMPARE(tokenizer->decode(tokenizer->encode("\xFF text")), std::string("\xFF text"));
}

void SentencePieceTokenizerTest::is_at_ease_with_long_monotonous_text_on_a_small_stack() {
  const auto tokenizer = make_tokenizer(vocabulary("spm_bpe"));
  for (const char* part : {"us", "A", " ", "\n", "\u4E2D", "\xFF"}) {
    std::string text;
    while (text.size() < 200'000) text += part;
    std::string decoded;
    on_small_stack([&] { decoded = tokenizer->decode(tokenizer->encode(text)); });
    QVERIFY2(decoded == text, part);
  }
}

void SentencePieceTokenizerTest::accepts_odd_vocabularies() {
  using enum TokenType;
  Vocabulary odd;
  odd.model = "llama";
  odd.tokens = {"a",      "a",      "",      "\xFF",  std::string("b\0c", 3), std::string(5'000, 'a'),
                "<0x41>", "<0xZZ>", "<unk>", "<unk>", "<unusable>",           "b"};
  odd.types = {normal, normal, normal,  normal,  user_defined, user_defined,
               byte,   byte,   unknown, unknown, normal,       static_cast<TokenType>(1'000)};
  odd.scores.assign(odd.tokens.size(), std::numeric_limits<float>::quiet_NaN());
  odd.scores[0] = std::numeric_limits<float>::infinity();
  QCOMPARE(make_tokenizer(odd)->encode("abA", true), (std::vector<Token>{0, 11, 6}));
  QCOMPARE(make_tokenizer(odd)->encode("z", true), std::vector<Token>());  // no byte, no unknown token
  odd.unknown = 8;
  QCOMPARE(make_tokenizer(odd)->encode("az", true), (std::vector<Token>{0, 8}));
  odd.unigram = true;
  QCOMPARE(make_tokenizer(odd)->encode("abA", true), (std::vector<Token>{0, 11, 6}));
  odd.types.clear();
  QVERIFY(!make_tokenizer(odd)->encode("ab", true).empty());
}

void SentencePieceTokenizerTest::reads_a_vocabulary_without_types() {
  Vocabulary untyped = vocabulary("spm_bpe");
  untyped.types.clear();
  const auto tokenizer = make_tokenizer(untyped);
  for (const Golden& golden : read_golden("spm_bpe.json")) {
    QVERIFY2(tokenizer->encode(golden.text) == golden.ids, golden.text.c_str());
  }
}

void SentencePieceTokenizerTest::reads_added_tokens_of_a_configuration() {
  const Vocabulary bare = vocabulary("spm_bpe");
  const auto count = static_cast<Token>(bare.tokens.size());
  const std::string config = R"({"add_bos_token": false, "eos_token": "<|im_end|>", "bos_token": {"content": "<s>"},
    "added_tokens_decoder": {"1": {"content": "<s>", "special": true},
    ")" + std::to_string(count) +
                             R"(": {"content": "<|im_end|>", "special": true},
    ")" + std::to_string(count + 1) +
                             R"(": {"content": "[tool]", "special": false}}})";
  const Vocabulary added = vocabulary_from_sentencepiece(read_fixture("spm_bpe.model"), config);
  QVERIFY(bare.adds_bos && !added.adds_bos);
  QVERIFY(added.bos == 1 && added.eos == count);
  const auto tokenizer = make_tokenizer(added);
  QVERIFY(tokenizer->is_end_of_generation(count));
  QCOMPARE(tokenizer->encode("<|im_end|>[tool]", true),
           (std::vector<Token>{count, tokenizer->encode(" ")[1], count + 1}));
  QCOMPARE(std::ranges::count(tokenizer->encode("<|im_end|>[tool]"), count), 0);
  for (const char* id : {"-1", "x", "99999999999", "4194304"}) {
    const std::string damaged = R"({"added_tokens_decoder": {")" + std::string(id) + R"(": {"content": "x"}}})";
    QVERIFY_EXCEPTION_THROWN(vocabulary_from_sentencepiece(read_fixture("spm_bpe.model"), damaged), Error);
  }
}

void SentencePieceTokenizerTest::refuses_damaged_models() {
  const std::string whole = read_fixture("spm_bpe.model");
  QVERIFY_EXCEPTION_THROWN(vocabulary_from_sentencepiece(""), Error);
  QVERIFY_EXCEPTION_THROWN(vocabulary_from_sentencepiece("version https://git-lfs.github.com/spec/v1\n"), Error);
  for (std::size_t length = 1; length < whole.size(); length += 97) {
    try {
      make_tokenizer(vocabulary_from_sentencepiece(whole.substr(0, length)))->encode("Hello", true);
    } catch (const Error&) {
      // a cut between two fields leaves a shorter model, any other is refused
    }
  }
  std::string changed = whole;
  for (std::size_t at = 0; at < whole.size(); at += 211) {
    changed[at] = static_cast<char>(changed[at] ^ 0x5A);
    try {
      make_tokenizer(vocabulary_from_sentencepiece(changed))->encode("Hello <s>", true);
    } catch (const Error&) {
      // refused or not: it must not crash
    }
    changed[at] = whole[at];
  }
}

void SentencePieceTokenizerTest::refuses_normalization_maps_that_lead_outside() {
  const Vocabulary facts = vocabulary("spm_unigram");
  QVERIFY(facts.charsmap.size() > 100'000);
  QVERIFY(is_sound_charsmap(facts.charsmap));
  QVERIFY(is_sound_charsmap(""));
  QVERIFY(!is_sound_charsmap("abc"));
  QVERIFY(!is_sound_charsmap(facts.charsmap.substr(0, facts.charsmap.size() - 1)));
  QVERIFY(!is_sound_charsmap(facts.charsmap.substr(0, 1'000)));
  Vocabulary wrong = facts;
  for (const std::uint32_t unit : {0x3FFF'FC00U, 0xFFFF'FFFFU}) {  // a child, a text far behind the end
    wrong.charsmap = facts.charsmap;
    for (int byte = 0; byte < 4; ++byte) wrong.charsmap[4 + 4 * 97 + byte] = static_cast<char>(unit >> (8 * byte));
    QVERIFY_EXCEPTION_THROWN(make_tokenizer(wrong), Error);
  }
}

QTEST_APPLESS_MAIN(SentencePieceTokenizerTest)
#include "tst_sentencepiece_tokenizer.moc"
