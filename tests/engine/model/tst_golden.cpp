#include <QTest>

#include "engine/model/streaming.h"

using namespace runnel;

namespace {

constexpr double tolerance = 2e-3;
constexpr int batches[] = {1, 7, 512};

// Networks as small as these gain nothing from threads; token by token they would only wait for each other.
int threads_for(int batch) {
  return batch == 1 ? 1 : 2;
}

/// Where a network lies and which folder holds its references.
struct Source {
  const char* name;
  const char* file;
  const char* reference;
};

constexpr Source sources[] = {
    {"llama_mha", "llama_mha", "llama_mha"},
    {"llama_gqa_llama3", "llama_gqa_llama3", "llama_gqa_llama3"},
    {"llama_linear", "llama_linear", "llama_linear"},
    {"llama_yarn", "llama_yarn", "llama_yarn"},
    {"llama_tied_bias", "llama_tied_bias", "llama_tied_bias"},
    {"mistral_window", "mistral_window", "mistral_window"},
    {"qwen2", "qwen2", "qwen2"},
    {"llama_gqa_llama3, GGUF", "llama_gqa_llama3.gguf", "llama_gqa_llama3"},
    {"llama_tied_bias, GGUF", "../format/llama_tied_bias.gguf", "llama_tied_bias"},
    {"qwen2, GGUF", "qwen2.gguf", "qwen2"},
};

void source_rows() {
  QTest::addColumn<QString>("file");
  QTest::addColumn<QString>("reference");
  for (const Source& source : sources) QTest::newRow(source.name) << source.file << source.reference;
}

}  // namespace

/// Every fixture in the exact path against references from other programs.
class GoldenTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void logits_are_those_of_the_reference_data() { source_rows(); }
  void logits_are_those_of_the_reference();
  void greedy_text_is_that_of_the_reference_data() { source_rows(); }
  void greedy_text_is_that_of_the_reference();
  void streaming_is_that_of_the_reference_data() { source_rows(); }
  void streaming_is_that_of_the_reference();
};

void GoldenTest::logits_are_those_of_the_reference() {
  QFETCH(QString, file);
  QFETCH(QString, reference);
  const auto model = load_exact(file.toStdString());
  const Arrays arrays(fixture(reference.toStdString()) / "reference.safetensors");
  const auto width = static_cast<std::size_t>(model->facts().n_vocab);
  for (const std::string part : {"a", "b"}) {
    const std::vector<Token> ids = arrays.all<Token>("input_ids_" + part);
    const std::vector<float> expected = arrays.all<float>("logits_" + part);
    QCOMPARE(expected.size(), ids.size() * width);
    for (const int batch : batches) {
      Session session(model, exact_settings(256, 4, 1, batch), threads_for(batch));
      std::size_t seen = 0;
      double worst = 0;
      session.feed_all_logits(ids, [&](std::size_t index, std::span<const float> logits) {
        QCOMPARE(index, seen++);
        worst = std::max(worst, difference(logits, row_of(expected, index, width)));
      });
      QCOMPARE(seen, ids.size());
      QVERIFY2(worst < tolerance,
               qPrintable(QString("part %1 in batches of %2: off by %3").arg(part.c_str()).arg(batch).arg(worst)));
      QVERIFY(difference(session.logits(), row_of(expected, ids.size() - 1, width)) < tolerance);
    }
  }
}

void GoldenTest::greedy_text_is_that_of_the_reference() {
  QFETCH(QString, file);
  QFETCH(QString, reference);
  const auto model = load_exact(file.toStdString());
  const Arrays arrays(fixture(reference.toStdString()) / "reference.safetensors");
  for (const std::string part : {"a", "b"}) {
    Session session(model, exact_settings(256), 1);
    session.feed(arrays.all<Token>("input_ids_" + part));
    std::vector<Token> text;
    for (const std::vector<Token> expected = arrays.all<Token>("greedy_" + part); text.size() < expected.size();) {
      text.push_back(likeliest(session.logits()));
      session.feed({&text.back(), 1});
    }
    QCOMPARE(text, arrays.all<Token>("greedy_" + part));
  }
}

void GoldenTest::streaming_is_that_of_the_reference() {
  QFETCH(QString, file);
  QFETCH(QString, reference);
  const auto model = load_exact(file.toStdString());
  const auto folder = fixture(reference.toStdString());
  const Arrays arrays(folder / "streaming.safetensors");
  const std::vector<Token> ids = arrays.all<Token>("input_ids");
  for (const auto& plan : read_json(folder / "streaming.json")) {
    const auto expected = arrays.all<float>(plan["tensor"].get<std::string>());
    for (const int batch : batches) {
      Session session(model, settings_of(plan, batch), threads_for(batch));
      const QString fault = streaming_fault(session, plan, ids, expected, tolerance);
      QVERIFY2(fault.isEmpty(), qPrintable(fault));
    }
  }
}

QTEST_APPLESS_MAIN(GoldenTest)
#include "tst_golden.moc"
