#include <QTest>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "engine/format/temporary_folder.h"
#include "engine/model/model_folder.h"
#include "engine/model/streaming.h"
#include "model/architectures.h"

using namespace runnel;

namespace {

// The networks' matrices are kept as f16, which moves logits (of a deviation of 2 or 3) by up to 0.03; a wrong norm,
// rotation or order of rows moves them by far more.
constexpr double tolerance = 0.05;
constexpr int batches[] = {1, 7, 512};

std::filesystem::path family(const QString& name) {
  return fixture("families") / name.toStdString();
}

// A folder holds either a network as Hugging Face has it or one GGUF file.
std::shared_ptr<const Model> load(const QString& name) {
  const std::filesystem::path file = family(name) / "model.gguf";
  return Model::load(exists(file) ? file : family(name), exact_options());
}

// BLOOM's file states its context wrongly.
CacheSettings untrained(CacheSettings settings) {
  settings.allow_untrained_ctx = true;
  return settings;
}

std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A safetensors file with the prefix of all its tensors' names exchanged.
std::string with_prefix(const std::string& bytes, const std::string& from, const std::string& to) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const nlohmann::json header = nlohmann::json::parse(bytes.substr(sizeof length, length));
  nlohmann::json renamed;
  for (const auto& [name, entry] : header.items())
    renamed[name.rfind(from, 0) == 0 ? to + name.substr(from.size()) : name] = entry;
  const std::string text = renamed.dump();
  const std::uint64_t new_length = text.size();
  std::string result(sizeof new_length, '\0');
  std::memcpy(result.data(), &new_length, sizeof new_length);
  return result + text + bytes.substr(sizeof length + length);
}

// Logits after some tokens.
std::vector<float> logits_of(const std::shared_ptr<const Model>& model) {
  const std::vector<Token> ids{3, 141, 59, 26, 200};
  Session session(model, untrained(exact_settings(64)), 1);
  session.feed(ids);
  return {session.logits().begin(), session.logits().end()};
}

void family_rows(bool streaming) {
  QTest::addColumn<QString>("name");
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("families"))) {
    if (!streaming || exists(entry.path() / "streaming.json")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) QTest::newRow(name.c_str()) << QString::fromStdString(name);
}

}  // namespace

/// One tiny network of each family against references from other programs: every row of the architectures' table.
class FamiliesTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_row_of_the_table_is_tested();
  void other_prefixes_of_tensor_names_are_known_data();
  void other_prefixes_of_tensor_names_are_known();
  void logits_are_those_of_the_reference_data() { family_rows(false); }
  void logits_are_those_of_the_reference();
  void streaming_is_that_of_the_reference_data() { family_rows(true); }
  void streaming_is_that_of_the_reference();
  void the_bias_of_a_tied_output_counts();
  void a_network_without_embedding_and_output_is_refused_by_both_names();
};

void FamiliesTest::every_row_of_the_table_is_tested() {
  // By the golden test, and Gemma as a simpler Gemma 2.
  std::vector<std::string> tested{"llama", "mistral", "qwen2", "gemma"};
  for (const auto& entry : std::filesystem::directory_iterator(fixture("families")))
    tested.push_back(load(QString::fromStdString(entry.path().filename().string()))->facts().architecture);
  for (const Architecture& row : architectures())
    QVERIFY2(std::count(tested.begin(), tested.end(), row.gguf) > 0, std::string(row.gguf).c_str());
}

void FamiliesTest::other_prefixes_of_tensor_names_are_known_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QString>("from");
  QTest::addColumn<QString>("to");
  QTest::newRow("GPT-2 without") << "gpt2" << "transformer." << "";
  QTest::newRow("BLOOM without") << "bloom" << "transformer." << "";
  QTest::newRow("OPT, old") << "opt" << "model.decoder." << "decoder.";
  QTest::newRow("inside of a model that also sees") << "gemma2" << "model." << "language_model.model.";
  QTest::newRow("likewise, new") << "gemma2" << "model." << "model.language_model.";
}

void FamiliesTest::other_prefixes_of_tensor_names_are_known() {
  QFETCH(QString, name);
  QFETCH(QString, from);
  QFETCH(QString, to);
  const TemporaryFolder folder;
  nlohmann::json config = read_json(family(name) / "config.json");
  if (to.contains("language_model")) config = {{"architectures", config["architectures"]}, {"text_config", config}};
  folder.write("config.json", config.dump());
  folder.write("model.safetensors",
               with_prefix(bytes_of_file(family(name) / "model.safetensors"), from.toStdString(), to.toStdString()));
  QCOMPARE(logits_of(Model::load(folder.path(), exact_options())), logits_of(load(name)));
}

void FamiliesTest::logits_are_those_of_the_reference() {
  QFETCH(QString, name);
  const auto model = load(name);
  const Arrays arrays(family(name) / "reference.safetensors");
  const std::vector<Token> ids = arrays.all<Token>("input_ids");
  const std::vector<Token> positions = arrays.all<Token>("positions");
  const std::vector<float> expected = arrays.all<float>("logits");
  const auto width = static_cast<std::size_t>(model->facts().n_vocab);
  QCOMPARE(expected.size(), positions.size() * width);
  for (const int batch : batches) {
    Session session(model, untrained(exact_settings(256, 4, 1, batch)), 1);
    std::size_t row = 0;
    session.feed_all_logits(ids, [&](std::size_t index, std::span<const float> logits) {
      if (row == positions.size() || static_cast<std::size_t>(positions[row]) != index) return;
      const double off = difference(logits, row_of(expected, row++, width));
      QVERIFY2(off < tolerance, qPrintable(QString("batch %1, token %2: off by %3").arg(batch).arg(index).arg(off)));
    });
    QCOMPARE(row, positions.size());
  }
}

void FamiliesTest::streaming_is_that_of_the_reference() {
  QFETCH(QString, name);
  const auto model = load(name);
  const Arrays arrays(family(name) / "reference.safetensors");
  const std::vector<Token> ids = arrays.all<Token>("streaming_ids");
  for (const auto& plan : read_json(family(name) / "streaming.json")) {
    const auto expected = arrays.all<float>(plan["tensor"].get<std::string>());
    for (const int batch : batches) {
      Session session(model, untrained(settings_of(plan, batch)), 1);
      const QString fault = streaming_fault(session, plan, ids, expected, tolerance);
      QVERIFY2(fault.isEmpty(), qPrintable(fault));
    }
  }
}

void FamiliesTest::the_bias_of_a_tied_output_counts() {
  std::vector<FloatTensor> tensors = tensors_of("llama_mha");
  std::erase_if(tensors, [](const FloatTensor& tensor) { return tensor.name == "lm_head.weight"; });
  const nlohmann::json config = read_json(fixture("llama_mha") / "config.json");
  const TemporaryFolder folder;
  write_folder(folder.path("plain"), config, tensors);
  FloatTensor bias{.name = "lm_head.bias", .shape = {config["vocab_size"].get<std::int64_t>()}, .values = {}};
  for (std::int64_t i = 0; i < bias.shape[0]; ++i) bias.values.push_back(0.01F * static_cast<float>(i % 7));
  tensors.push_back(bias);
  write_folder(folder.path("biased"), config, tensors);

  std::vector<float> expected = logits_of(Model::load(folder.path("plain"), exact_options()));
  std::ranges::transform(expected, bias.values, expected.begin(), std::plus());
  QVERIFY(difference(logits_of(Model::load(folder.path("biased"), exact_options())), expected) < 1e-5);
}

void FamiliesTest::a_network_without_embedding_and_output_is_refused_by_both_names() {
  std::vector<FloatTensor> tensors = tensors_of("llama_mha");
  std::erase_if(tensors, [](const FloatTensor& tensor) {
    return tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight";
  });
  const TemporaryFolder folder;
  write_folder(folder.path("model"), read_json(fixture("llama_mha") / "config.json"), tensors);
  try {
    (void)Model::load(folder.path("model"), exact_options());
    QFAIL("It was loaded.");
  } catch (const Error& error) {
    const QString sentence = QString::fromUtf8(error.what());
    QVERIFY2(sentence.contains("model.embed_tokens.weight") && sentence.contains("lm_head.weight"), error.what());
  }
}

QTEST_APPLESS_MAIN(FamiliesTest)
#include "tst_families.moc"
