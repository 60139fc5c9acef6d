#include <QDir>
#include <QTest>

#include "cli/cli.h"
#include "convert/gguf_tokenizer.h"
#include "engine/model/golden.h"
#include "engine/tokenizer/golden.h"
#include "tokenizer/sentencepiece_model.h"

using namespace runnel;

namespace {

const QString llama = QString::fromStdString(fixture("llama_mha").string());
const QStringList exact{"--weight-dtype", "f32", "--compute-dtype", "f32", "--kv-type", "f32"};

QByteArray text_of(std::span<const Token> ids) {
  QByteArray text;
  for (const Token id : ids) text += QByteArray::number(id) + (id % 3 == 0 ? "\n" : " ");
  return text;
}

/// A NumPy file, taken apart as its format (version 1.0) says.
struct Npy {
  explicit Npy(const QByteArray& bytes) {
    if (!bytes.startsWith(QByteArray("\x93NUMPY\x01\x00", 8)) || bytes.size() < 10) return;
    const qsizetype length = static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
    header = bytes.mid(10, length);
    aligned = (10 + length) % 64 == 0 && header.endsWith('\n');
    const QByteArray data = bytes.mid(10 + length);
    values.resize(static_cast<std::size_t>(data.size()) / sizeof(float));
    std::memcpy(values.data(), data.data(), values.size() * sizeof(float));
  }

  QByteArray header;
  bool aligned = false;
  std::vector<float> values;
};

}  // namespace

/// runnel-cli as a process, with models that have no tokenizer.
class CliTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_subcommand_has_help_data();
  void every_subcommand_has_help();
  void usage_errors_exit_with_2_data();
  void usage_errors_exit_with_2();
  void failures_exit_with_1_and_one_line_data();
  void failures_exit_with_1_and_one_line();
  void a_line_break_in_a_name_stays_on_the_line();
  void tells_its_version();
  void logits_writes_what_the_reference_says();
  void logits_of_some_positions_with_their_map();
  void logits_refuses_what_is_no_token_data();
  void logits_refuses_what_is_no_token();
  void replay_plays_a_script();
  void replay_refuses_a_wrong_script_data();
  void replay_refuses_a_wrong_script();
  void inspect_tells_what_a_model_is();
  void bench_tells_all_its_figures();
  void a_forced_level_is_used_or_refused();
  void detokenize_leaves_out_the_space_that_tokenize_added();
  void quantize_writes_what_loading_would_make();
  void quantize_fails_with_a_sentence_and_leaves_nothing_data();
  void quantize_fails_with_a_sentence_and_leaves_nothing();
  void quantize_is_stopped_by_a_signal();

 private:
  Files files_;
};

void CliTest::every_subcommand_has_help_data() {
  QTest::addColumn<QString>("command");
  for (const char* command :
       {"inspect", "tokenize", "detokenize", "generate", "chat", "render", "logits", "replay", "perplexity", "bench"}) {
    QTest::newRow(command) << command;
  }
}

void CliTest::every_subcommand_has_help() {
  QFETCH(QString, command);
  const Outcome outcome = run({command, "--help"});
  QCOMPARE(outcome.code, 0);
  QVERIFY(outcome.out.contains("MODEL") && outcome.out.contains("--threads"));
  QVERIFY(run({"--help"}).out.contains(command.toUtf8()));
}

void CliTest::usage_errors_exit_with_2_data() {
  QTest::addColumn<QStringList>("arguments");
  QTest::newRow("nothing") << QStringList{};
  QTest::newRow("unknown subcommand") << QStringList{"frobnicate"};
  QTest::newRow("no model") << QStringList{"inspect"};
  QTest::newRow("unknown option") << QStringList{"inspect", llama, "--frobnicate"};
  QTest::newRow("no number") << QStringList{"inspect", llama, "--ctx-size", "many"};
  QTest::newRow("threads out of range") << QStringList{"inspect", llama, "--threads", "-1"};
  QTest::newRow("no prompt") << QStringList{"generate", llama};
  QTest::newRow("two prompts") << QStringList{"generate", llama, "--prompt", "a", "--file", "b"};
  QTest::newRow("nothing to tokenize") << QStringList{"tokenize", llama};
  QTest::newRow("negative number of tokens") << QStringList{"generate", llama, "--prompt", "a", "-n", "-1"};
  QTest::newRow("unknown mode") << QStringList{"perplexity", llama, "--file", "a", "--mode", "guess"};
  QTest::newRow("missing option") << QStringList{"logits", llama};
  QTest::newRow("KV type") << QStringList{"inspect", llama, "--kv-type", "q3"};
  QTest::newRow("level") << QStringList{"inspect", llama, "--isa", "abacus"};
  QTest::newRow("weight type") << QStringList{"inspect", llama, "--weight-dtype", "int3"};
  QTest::newRow("compute type") << QStringList{"inspect", llama, "--compute-dtype", "int3"};
  QTest::newRow("group size") << QStringList{"inspect", llama, "--group-size", "48"};
  QTest::newRow("scheme") << QStringList{"inspect", llama, "--scheme", "odd"};
  QTest::newRow("quantize to nothing") << QStringList{"quantize", llama};
  QTest::newRow("quantize to another type") << QStringList{"quantize", llama, "x.gguf", "--weight-dtype", "as-is"};
  QTest::newRow("quantize to what GGUF lacks")
      << QStringList{"quantize", llama, "x.gguf", "--weight-dtype", "int8", "--scheme", "asym"};
  QTest::newRow("log level") << QStringList{"inspect", llama, "--log-level", "loud"};
  for (const char* ranges : {"many", "9-1", "1-2,,", "-5"})
    QTest::addRow("score %s", ranges) << QStringList{"perplexity", llama, "--file", "a", "--score", ranges};
}

void CliTest::usage_errors_exit_with_2() {
  QFETCH(QStringList, arguments);
  const Outcome outcome = run(arguments);
  QCOMPARE(outcome.code, 2);
  QVERIFY(outcome.out.isEmpty());
  QVERIFY(!outcome.error.isEmpty());
}

void CliTest::failures_exit_with_1_and_one_line_data() {
  QTest::addColumn<QStringList>("arguments");
  QTest::addColumn<QStringList>("parts");
  const QString ids = files_.write("ids", "1 2 3");
  const QStringList logits{"logits", llama, "--tokens", ids, "--output", files_.path("out.npy")};
  QTest::newRow("no such model") << QStringList{"inspect", "absent"} << QStringList{"absent"};
  QTest::newRow("no model in a folder") << QStringList{"inspect", files_.path("")} << QStringList{"config.json"};
  QTest::newRow("no tokenizer") << QStringList{"tokenize", llama, "--text", "a"} << QStringList{"llama_mha"};
  QTest::newRow("no tokenizer to generate")
      << QStringList{"generate", llama, "--prompt", "a"} << QStringList{"llama_mha"};
  QTest::newRow("ctx_size") << logits + QStringList{"--ctx-size", "8"} << QStringList{"ctx_size 8", "16"};
  QTest::newRow("untrained ctx_size") << logits + QStringList{"--ctx-size", "4096"}
                                      << QStringList{"ctx_size 4096", "2048"};
  QTest::newRow("n_keep 63") << logits + QStringList{"--ctx-size", "64", "--n-keep", "63"}
                             << QStringList{"n_keep 63", "62"};
  QTest::newRow("n_keep 64") << logits + QStringList{"--ctx-size", "64", "--n-keep", "64"}
                             << QStringList{"n_keep 64", "62"};
  QTest::newRow("n_discard") << logits + QStringList{"--ctx-size", "64", "--n-discard", "60"}
                             << QStringList{"n_discard 60", "59"};
  QTest::newRow("unreadable tokens") << QStringList{"logits",   llama,
                                                    "--tokens", files_.path("absent"),
                                                    "--output", files_.path("out.npy")}
                                     << QStringList{"absent"};
  QTest::newRow("unwritable output") << QStringList{"logits", llama,      "--tokens",
                                                    ids,      "--output", files_.path("absent/out.npy")}
                                     << QStringList{"out.npy"};
  QTest::newRow("position beyond") << logits + QStringList{"--positions", "3"} << QStringList{"3", "0 to 2"};
}

void CliTest::failures_exit_with_1_and_one_line() {
  QFETCH(QStringList, arguments);
  QFETCH(QStringList, parts);
  const Outcome outcome = run(arguments);
  QCOMPARE(no_failure(outcome, parts), QString());
  QVERIFY(outcome.out.isEmpty());
}

void CliTest::a_line_break_in_a_name_stays_on_the_line() {
  QCOMPARE(no_failure(run({"inspect", "no\nsuch\rmodel"}), {"such"}), QString());
}

void CliTest::tells_its_version() {
  const Outcome outcome = run({"--version"});
  QCOMPARE(outcome.code, 0);
  QVERIFY(outcome.out.startsWith("runnel-cli "));
}

void CliTest::logits_writes_what_the_reference_says() {
  const Arrays arrays(fixture("llama_mha") / "reference.safetensors");
  const QString ids = files_.write("ids", text_of(arrays.all<Token>("input_ids_a")));
  const Outcome outcome =
      run(QStringList{"logits", llama, "--tokens", ids, "--output", files_.path("all.npy")} + exact);
  QCOMPARE(outcome.error, QByteArray());
  QCOMPARE(outcome.code, 0);
  const Npy npy(files_.read("all.npy"));
  QVERIFY(npy.aligned);
  QVERIFY2(npy.header.startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (17, 256), }"), npy.header);
  QVERIFY(difference(npy.values, arrays.all<float>("logits_a")) < 2e-3);
}

void CliTest::logits_of_some_positions_with_their_map() {
  const auto folder = fixture("llama_mha");
  const Arrays arrays(folder / "streaming.safetensors");
  const auto plan = read_json(folder / "streaming.json").at(0);  // ctx_size 24, n_keep 4, n_discard 3
  QStringList positions;
  for (const auto& position : plan["positions"]) positions << QString::number(position.get<int>());
  const QString ids = files_.write("ids", text_of(arrays.all<Token>("input_ids")));
  const QStringList arguments = QStringList{"logits",      llama,
                                            "--tokens",    ids,
                                            "--positions", positions.join(','),
                                            "--output",    files_.path("some.npy"),
                                            "--ctx-size",  "24",
                                            "--n-keep",    "4",
                                            "--n-discard", "3"} +
                                exact;
  QCOMPARE(run(arguments + QStringList{"--cache-map", files_.path("map.json")}).code, 0);
  QVERIFY(difference(Npy(files_.read("some.npy")).values, arrays.all<float>("logits_24_4_3")) < 2e-3);
  QVERIFY(files_.json("map.json") == plan["cached_after"]);
  QCOMPARE(run(arguments + QStringList{"--batch", "5"}).code, 0);  // without a map, in other batches
  QVERIFY(difference(Npy(files_.read("some.npy")).values, arrays.all<float>("logits_24_4_3")) < 2e-3);
}

void CliTest::logits_refuses_what_is_no_token_data() {
  QTest::addColumn<QByteArray>("ids");
  QTest::addColumn<QString>("part");
  QTest::newRow("a word") << QByteArray("1 two 3") << "two";
  QTest::newRow("a fraction") << QByteArray("1 2.5") << "2.5";
  QTest::newRow("too large") << QByteArray("99999999999999") << "99999999999999";
  QTest::newRow("beyond the vocabulary") << QByteArray("1 256") << "256";
  QTest::newRow("negative") << QByteArray("-1") << "-1";
  QTest::newRow("nothing") << QByteArray(" \n") << "no tokens";
}

void CliTest::logits_refuses_what_is_no_token() {
  QFETCH(QByteArray, ids);
  QFETCH(QString, part);
  const QString file = files_.write("bad", ids);
  QCOMPARE(no_failure(run({"logits", llama, "--tokens", file, "--output", files_.path("out.npy")}), {part}), QString());
}

void CliTest::replay_plays_a_script() {
  const auto script = read_json(fixture("replay") / "llama_mha.json").at(10);  // pins, going back near and far
  QByteArray lines;
  for (const auto& operation : script["ops"]) lines += QByteArray::fromStdString(operation.dump()) + "\n\n";
  const auto setting = [&script](const char* key) { return QString::number(script[key].get<int>()); };
  const Outcome outcome =
      run(QStringList{"replay", llama, "--script", files_.write("script.jsonl", lines), "--output",
                      files_.path("replay.npy"), "--cache-map", files_.path("map.json"), "--ctx-size",
                      setting("ctx_size"), "--n-keep", setting("n_keep"), "--n-discard", setting("n_discard")} +
          exact);
  QCOMPARE(outcome.error, QByteArray());
  QCOMPARE(outcome.code, 0);
  QVERIFY(files_.json("map.json") == script["cached_after"]);
  const Arrays arrays(fixture("replay") / "llama_mha.safetensors");
  QVERIFY(difference(Npy(files_.read("replay.npy")).values, arrays.all<float>(script["tensor"].get<std::string>())) <
          2e-3);
}

void CliTest::replay_refuses_a_wrong_script_data() {
  QTest::addColumn<QByteArray>("script");
  QTest::addColumn<QString>("part");
  QTest::newRow("no JSON") << QByteArray("{\"op\":\"feed\",\"ids\":[1]}\n{oops\n") << "line 2";
  QTest::newRow("no operation") << QByteArray("{\"ids\":[1]}") << "line 1";
  QTest::newRow("unknown operation") << QByteArray("{\"op\":\"jump\"}") << "jump";
  QTest::newRow("no ids") << QByteArray("{\"op\":\"feed\"}") << "script";
  QTest::newRow("ids of another type") << QByteArray("{\"op\":\"feed\",\"ids\":\"1 2\"}") << "script";
  QTest::newRow("pin of what is not there")
      << QByteArray("{\"op\":\"feed\",\"ids\":[1]}\n{\"op\":\"pin\",\"from\":0,\"to\":2}") << "pinned";
  QTest::newRow("back too far") << QByteArray("{\"op\":\"back\",\"to\":5}") << "5";
  QTest::newRow("bad setting") << QByteArray("{\"op\":\"set\",\"ctx_size\":3}") << "ctx_size 3";
  QTest::newRow("emit without logits") << QByteArray("{\"op\":\"back\",\"to\":0,\"emit\":true}") << "emits";
}

void CliTest::replay_refuses_a_wrong_script() {
  QFETCH(QByteArray, script);
  QFETCH(QString, part);
  const QString file = files_.write("script.jsonl", script);
  QCOMPARE(no_failure(run({"replay", llama, "--script", file, "--output", files_.path("out.npy")}), {part}), QString());
}

void CliTest::inspect_tells_what_a_model_is() {
  const Outcome outcome = run({"inspect", llama, "--json", "--ctx-size", "64", "--kv-type", "f32"});
  QCOMPARE(outcome.code, 0);
  const auto facts = outcome.json();
  QVERIFY(facts.is_object());
  QVERIFY(facts["architecture"] == "llama");
  QVERIFY(facts["parameters"] == 127296);
  QVERIFY(facts["layers"] == 2 && facts["embedding_length"] == 64 && facts["vocabulary"] == 256 &&
          facts["trained_context"] == 2048);
  QVERIFY(facts["tensor_types"] == nlohmann::json({{"F32", 21}}));
  QVERIFY(facts["ctx_size"] == 64 && facts["cache_bytes"] == 96 * 2 * 2 * 64 * 4);
  QVERIFY(facts["cache_bytes_per_token"] == 2 * 2 * 64 * 4);
  QVERIFY(facts["chat_template"] == false);
  QVERIFY(facts["tokenizer"].get<std::string>().starts_with("none"));
  const QByteArray text = run({"inspect", llama}).out;
  QVERIFY(text.contains("llama") && text.contains("2048"));
}

void CliTest::bench_tells_all_its_figures() {
  const Outcome outcome = run(
      {"bench", llama, "-p", "16,32", "-n", "8", "--depth", "0,100", "--ctx-size", "64", "--rounds", "1", "--json"});
  QCOMPARE(outcome.error, QByteArray());
  QCOMPARE(outcome.code, 0);
  const auto report = outcome.json();
  QVERIFY(report.is_object());
  QCOMPARE(report["prefill"].size(), 2U);
  QVERIFY(report["prefill"][1]["tokens"] == 32 && report["prefill"][1]["tps"] > 0);
  QCOMPARE(report["decode"].size(), 2U);
  const auto full = report["decode"][1];
  QVERIFY(full["depth"] == 100 && full["cached"] == 64 && full["evicted"] == 44 && full["tps"] > 0);
  for (const char* member : {"p50", "p99", "max"}) QVERIFY(full["gap_ms"][member] > 0);
  for (const char* member : {"ttft_s", "peak_rss_bytes", "bytes_per_token", "read_gbps"})
    QVERIFY2(report[member] > 0, member);
}

void CliTest::a_forced_level_is_used_or_refused() {
  const QString ids = files_.write("ids", "1 2 3");
  for (const QString level : {"scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"}) {
    const Outcome outcome = run({"logits", llama, "--tokens", ids, "--output", files_.path("out.npy"), "--isa", level});
    if (outcome.code != 0) QCOMPARE(no_failure(outcome, {level, "not available"}), QString());
  }
  QCOMPARE(run({"logits", llama, "--tokens", ids, "--output", files_.path("out.npy"), "--isa", "scalar"}).code, 0);
}

void CliTest::detokenize_leaves_out_the_space_that_tokenize_added() {
  GgufWriter writer;
  const GgufFile file = GgufFile::open(fixture("llama_gqa_llama3.gguf"));
  for (const GgufValue& value : file.values()) writer.copy(file, value);
  Vocabulary vocabulary = vocabulary_from_sentencepiece(read_fixture("spm_bpe.model"));
  vocabulary.removes_extra_spaces = false;
  vocabulary.charsmap.clear();
  write_vocabulary(writer, vocabulary, static_cast<int>(vocabulary.tokens.size()), "a model");
  const QString model = files_.path("pieces.gguf");  // a vocabulary and nothing else
  writer.write(model.toStdString());
  QStringList ids;
  for (const auto& id : run({"tokenize", model, "--text", "Hello world", "--json"}).json())
    ids << QString::number(id.get<int>());
  const Outcome outcome = run({"detokenize", model, "--ids", ids.join(',')});
  QCOMPARE(outcome.error, QByteArray());
  QCOMPARE(outcome.out, QByteArray("Hello world"));
}

void CliTest::quantize_writes_what_loading_would_make() {
  const QString saved = files_.path("saved.gguf");
  const QStringList rounding{"--weight-dtype", "int4", "--group-size", "64", "--scheme", "asym"};
  const Outcome outcome = run(QStringList{"quantize", llama, saved} + rounding);
  QCOMPARE(outcome.code, 0);
  QVERIFY2(outcome.out.contains("saved.gguf") && outcome.out.contains("Q4_1") && outcome.out.contains("no tokenizer"),
           outcome.out);
  QCOMPARE(outcome.error, QByteArray());  // no bar where there is no terminal
  QVERIFY(run({"inspect", saved, "--json"}).json()["tensor_types"]["Q4_1"] == 14);
  const QString ids = files_.write("ids", "1 2 3 4 5 6 7 8");
  const QStringList logits{"--tokens", ids, "--output"};
  QCOMPARE(run(QStringList{"logits", saved} + logits + QStringList{files_.path("saved.npy")}).code, 0);
  QCOMPARE(run(QStringList{"logits", llama} + logits + QStringList{files_.path("loaded.npy")} + rounding).code, 0);
  QCOMPARE(files_.read("saved.npy"), files_.read("loaded.npy"));
  QCOMPARE(run({"quantize", saved, files_.path("again.gguf"), "--scale-search", "--weight-dtype", "int8"}).code, 0);
}

void CliTest::quantize_fails_with_a_sentence_and_leaves_nothing_data() {
  QTest::addColumn<QString>("source");
  QTest::addColumn<QString>("target");
  QTest::addColumn<QString>("part");
  QTest::newRow("no source") << "absent" << files_.path("new.gguf") << "absent";
  QTest::newRow("no folder") << llama << files_.path("no/new.gguf") << "new.gguf";
  QTest::newRow("a folder") << llama << files_.path("") << "folder";
  QTest::newRow("no model") << files_.write("text", "words") << files_.path("new.gguf") << "text";
}

void CliTest::quantize_fails_with_a_sentence_and_leaves_nothing() {
  QFETCH(QString, source);
  QFETCH(QString, target);
  QFETCH(QString, part);
  QCOMPARE(no_failure(run({"quantize", source, target}), {part}), QString());
  QVERIFY(!QFileInfo::exists(files_.path("new.gguf")));
}

// Whenever the signal comes, no temporary file is left.
void CliTest::quantize_is_stopped_by_a_signal() {
  QTemporaryDir folder;
  QProcess process;
  process.start(RUNNEL_CLI, {"quantize", llama, folder.filePath("new.gguf"), "--scale-search", "--threads", "1"});
  QVERIFY(process.waitForStarted());
  process.terminate();
  QVERIFY(process.waitForFinished(60'000));
  const QStringList left = QDir(folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
  // It may have been done before it heard of the signal, or not have begun.
  QVERIFY2(left.isEmpty() || left == QStringList{"new.gguf"}, qPrintable(left.join(' ')));
}

QTEST_GUILESS_MAIN(CliTest)
#include "tst_cli.moc"
