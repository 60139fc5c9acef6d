#include <QTest>
#include <cmath>

#include "cli/cli.h"

using namespace runnel;

namespace {

const QByteArray story =
    "The river ran past the old mill, where the miller's daughter counted sacks of flour every evening. One day a "
    "stranger came "
    "and asked for bread. She gave him half a loaf, and he told her that the water remembers everything it has ever "
    "carried.";

}  // namespace

/// runnel-cli with a model that reads and writes text; RUNNEL_TEST_MODEL names its file.
class CliTextTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void tokens_go_back_to_their_text();
  void the_same_seed_gives_the_same_text();
  void other_seeds_give_other_texts();
  void greedy_text_needs_no_seed();
  void no_tokens_asked_for_are_none_given();
  void an_empty_prompt_begins_a_text();
  void nearly_all_sinks_still_roll_data();
  void nearly_all_sinks_still_roll();
  void evictions_far_apart_are_lines_of_their_own();
  void perplexity_in_every_mode_data();
  void perplexity_in_every_mode();
  void perplexity_without_evictions_is_that_of_a_dense_cache();
  void perplexity_scores_what_it_is_told_to();
  void perplexity_refuses_what_it_can_not_score();
  void chat_reads_lines_from_a_pipe();
  void chat_keeps_the_system_prompt_through_a_message_longer_than_the_cache();

 private:
  Outcome generate(const QStringList& arguments) const {
    return run(QStringList{"generate", model_, "--ctx-size", "128"} + arguments);
  }

  Outcome perplexity(const QStringList& arguments) const {
    return run(QStringList{"perplexity", model_, "--file", files_.write("story.txt", story), "--json"} + arguments);
  }

  // Lines of a cache log.
  std::vector<nlohmann::json> log(const QString& name) const {
    std::vector<nlohmann::json> lines;
    for (const QByteArray& line : files_.read(name).split('\n')) {
      if (!line.isEmpty()) lines.push_back(nlohmann::json::parse(line.toStdString()));
    }
    return lines;
  }

  QString model_;
  Files files_;
};

void CliTextTest::initTestCase() {
  model_ = qEnvironmentVariable("RUNNEL_TEST_MODEL");
  if (model_.isEmpty()) QSKIP("RUNNEL_TEST_MODEL does not name a model file");
}

void CliTextTest::tokens_go_back_to_their_text() {
  const Outcome tokens = run({"tokenize", model_, "--file", files_.write("story.txt", story), "--json"});
  QCOMPARE(tokens.code, 0);
  QStringList ids;
  for (const auto& id : tokens.json()) ids << QString::number(id.get<int>());
  QVERIFY(ids.size() > 20);
  QCOMPARE(run({"detokenize", model_, "--ids", ids.join(',')}).out, story);
}

void CliTextTest::the_same_seed_gives_the_same_text() {
  const QStringList arguments{"--prompt", "Once upon a time", "-n", "16", "--ignore-eos", "--temperature",
                              "1",        "--seed",           "42"};
  const Outcome first = generate(arguments);
  QCOMPARE(first.code, 0);
  QVERIFY(first.out.size() > 16);
  QCOMPARE(generate(arguments).out, first.out);
}

void CliTextTest::other_seeds_give_other_texts() {
  QSet<QByteArray> texts;
  for (const char* seed : {"1", "2", "3", "4", "5"}) {
    texts << generate({"--prompt", "Once upon a time", "-n", "12", "--ignore-eos", "--temperature", "1.2", "--top-k",
                       "0", "--seed", seed})
                 .out;
  }
  QVERIFY(texts.size() >= 4);
}

void CliTextTest::greedy_text_needs_no_seed() {
  const QStringList arguments{"--prompt", "The capital of France is", "-n", "8", "--ignore-eos", "--temperature", "0"};
  const Outcome first = generate(arguments);
  QCOMPARE(first.code, 0);
  QCOMPARE(generate(arguments).out, first.out);
  QCOMPARE(generate(arguments + QStringList{"--seed", "7"}).out, first.out);
}

void CliTextTest::no_tokens_asked_for_are_none_given() {
  const Outcome outcome = generate({"--prompt", "Once", "-n", "0"});
  QCOMPARE(outcome.code, 0);
  QCOMPARE(outcome.out.trimmed(), QByteArray());
}

void CliTextTest::an_empty_prompt_begins_a_text() {
  const Outcome outcome = generate({"--prompt", "", "-n", "8", "--ignore-eos", "--seed", "1"});
  QCOMPARE(outcome.code, 0);
  QVERIFY(!outcome.out.trimmed().isEmpty());
}

void CliTextTest::nearly_all_sinks_still_roll_data() {
  QTest::addColumn<int>("n_keep");
  QTest::addColumn<QString>("refusal");
  QTest::newRow("61") << 61 << "";
  QTest::newRow("62") << 62 << "";
  QTest::newRow("63") << 63 << "n_keep 63";
  QTest::newRow("64") << 64 << "n_keep 64";
}

void CliTextTest::nearly_all_sinks_still_roll() {
  QFETCH(int, n_keep);
  QFETCH(QString, refusal);
  constexpr int n = 120;
  const QString path = files_.path("log.jsonl");
  const Outcome outcome =
      run({"generate", model_, "--prompt", story, "--ctx-size", "64", "--n-keep", QString::number(n_keep),
           "--n-discard", "1", "-n", QString::number(n), "--ignore-eos", "--cache-log", path});
  if (!refusal.isEmpty()) {
    QCOMPARE(no_failure(outcome, {refusal, "62"}), QString());
    return;
  }
  QCOMPARE(outcome.code, 0);
  const auto prompt = static_cast<int>(run({"tokenize", model_, "--text", story, "--json"}).json().size());
  const auto events = log("log.jsonl");
  QCOMPARE(events.size(), 1U);
  QVERIFY(events[0]["event"] == "evict" && events[0]["at"] == 64 && events[0]["first"] == n_keep);
  QCOMPARE(events[0]["evictions"].get<int>() + 64, prompt + n);
  QVERIFY(events[0]["tokens"] == events[0]["evictions"] && events[0]["time_s"] >= 0);
}

void CliTextTest::evictions_far_apart_are_lines_of_their_own() {
  const Outcome outcome = run({"generate", model_, "--prompt", story, "--ctx-size", "32", "--n-discard", "10", "-n",
                               "30", "--ignore-eos", "--cache-log", files_.path("log.jsonl")});
  QCOMPARE(outcome.code, 0);
  const auto events = log("log.jsonl");
  QVERIFY(events.size() > 3);
  for (std::size_t i = 0; i < events.size(); ++i) {
    QVERIFY(events[i]["at"] == 32 + 10 * i && events[i]["tokens"] == 10 && events[i]["evictions"] == 1);
  }
}

void CliTextTest::perplexity_in_every_mode_data() {
  QTest::addColumn<QString>("mode");
  for (const char* mode : {"chunks", "stream", "recompute", "dense"}) QTest::newRow(mode) << mode;
}

void CliTextTest::perplexity_in_every_mode() {
  QFETCH(QString, mode);
  const Outcome outcome = perplexity({"--mode", mode, "--ctx-size", "16", "--segment", "10", "--limit", "40"});
  QCOMPARE(outcome.error, QByteArray());
  QCOMPARE(outcome.code, 0);
  const auto report = outcome.json();
  double sum = 0;
  double tokens = 0;
  std::int64_t last = -1;
  for (const auto& segment : report["segments"]) {
    const auto from = segment["from"].get<std::int64_t>();
    const auto to = segment["to"].get<std::int64_t>();
    QVERIFY(from > last && to >= from && to < 40);
    last = to;
    const auto length = static_cast<double>(mode == "chunks" ? 0 : to - from + 1);
    sum += length * std::log(segment["ppl"].get<double>());
    tokens += length;
  }
  const auto ppl = report["ppl"].get<double>();
  QVERIFY(ppl > 1 && ppl < 1000);
  if (mode == "chunks") return;  // its segments have gaps
  QCOMPARE(tokens, 39.0);
  QVERIFY(std::abs(std::exp(sum / tokens) - ppl) < 1e-6 * ppl);
}

void CliTextTest::perplexity_without_evictions_is_that_of_a_dense_cache() {
  const auto ppl = [this](const QString& mode) {
    return perplexity({"--mode", mode, "--ctx-size", "64", "--limit", "30", "--kv-type", "f32"})
        .json()["ppl"]
        .get<double>();
  };
  const double dense = ppl("dense");
  QVERIFY(std::abs(ppl("stream") - dense) < 0.02 * dense);
  QVERIFY(std::abs(ppl("recompute") - dense) < 0.02 * dense);
}

void CliTextTest::perplexity_scores_what_it_is_told_to() {
  const Outcome outcome = perplexity({"--mode", "stream", "--ctx-size", "16", "--score", "5-9,20-20"});
  QCOMPARE(outcome.code, 0);
  const auto report = outcome.json();
  QVERIFY(report["tokens"] == 6);
  QCOMPARE(report["segments"].size(), 1U);
  QVERIFY(report["segments"][0]["from"] == 5 && report["segments"][0]["to"] == 20);
}

void CliTextTest::perplexity_refuses_what_it_can_not_score() {
  QCOMPARE(no_failure(perplexity({"--score", "9000-9005"}), {"9000-9005"}), QString());
  QCOMPARE(no_failure(perplexity({"--limit", "1"}), {"story.txt"}), QString());
  QCOMPARE(no_failure(perplexity({"--mode", "chunks", "--ctx-size", "512"}), {"512"}), QString());
}

void CliTextTest::chat_reads_lines_from_a_pipe() {
  const Outcome outcome = run({"chat", model_, "--ctx-size", "64", "-n", "10", "--temperature", "0"}, "Hello\nGo on\n");
  QCOMPARE(outcome.code, 0);
  QVERIFY(outcome.out.count('\n') >= 2);
}

void CliTextTest::chat_keeps_the_system_prompt_through_a_message_longer_than_the_cache() {
  const QByteArray message = QByteArray("What is this about? ").repeated(40) + "\n";
  const Outcome outcome =
      run({"chat", model_, "--ctx-size", "64", "-n", "10", "--keep-system", "--system", "Be brief."}, message);
  QCOMPARE(outcome.code, 0);
  QCOMPARE(outcome.error, QByteArray());
  QVERIFY(!outcome.out.trimmed().isEmpty());
}

QTEST_GUILESS_MAIN(CliTextTest)
#include "tst_cli_text.moc"
