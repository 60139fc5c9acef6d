#include <QTest>

#include "engine/format/temporary_folder.h"
#include "engine/kernels/kernel_test.h"
#include "engine/model/golden.h"
#include "format/gguf_writer.h"
#include "quant/half.h"

using namespace runnel;

namespace {

// Q8_0: per 32 values a scale and integers, here by rounding to the nearest.
std::vector<std::byte> quantized(std::span<const float> values) {
  std::vector<std::byte> bytes;
  for (std::size_t block = 0; block < values.size(); block += 32) {
    float largest = 0;
    for (std::size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(values[block + i]));
    const std::uint16_t scale = f32_to_f16(largest / 127);
    bytes.push_back(static_cast<std::byte>(scale & 0xffU));
    bytes.push_back(static_cast<std::byte>(scale >> 8U));
    for (std::size_t i = 0; i < 32; ++i) {
      const float q = scale == 0 ? 0 : std::round(values[block + i] / f16_to_f32(scale));
      bytes.push_back(static_cast<std::byte>(static_cast<std::int8_t>(std::clamp(q, -127.0F, 127.0F))));
    }
  }
  return bytes;
}

// A fixture's file with all matrices as Q8_0.
void write_quantized(const std::filesystem::path& from, const std::filesystem::path& to) {
  const GgufFile file = GgufFile::open(from);
  GgufWriter writer;
  for (const GgufValue& value : file.values()) writer.copy(file, value);
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.shape.size() < 2) {
      writer.add_tensor(tensor);
      continue;
    }
    TensorView small = tensor;
    small.type = BlockType::q8_0;
    writer.add_tensor(small, [&tensor] {
      std::vector<float> values(tensor.data.size() / sizeof(float));
      std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
      return quantized(values);
    });
  }
  writer.write(to);
}

std::vector<float> all_logits(const std::shared_ptr<const Model>& model, CacheSettings settings) {
  settings.batch = 40;
  const std::vector<Token> ids = Arrays(fixture("llama_gqa_llama3") / "streaming.safetensors").all<Token>("input_ids");
  std::vector<float> all;
  Session session(model, settings, 2);
  session.feed_all_logits(std::span(ids).first(200), [&all](std::size_t, std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  return all;
}

// Root of the mean square of the differences.
double deviation(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(squares / static_cast<double>(a.size()));
}

void level_names() {
  QTest::addColumn<QByteArray>("level");
  for (const char* level : {"scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"})
    QTest::newRow(level) << QByteArray(level);
}

}  // namespace

/// Whole models at every instruction level that this machine has.
class LevelsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void cleanup() { qunsetenv("RUNNEL_ISA"); }
  void the_exact_path_is_exact_at_every_level_data() { level_names(); }
  void the_exact_path_is_exact_at_every_level();
  void integer_weights_give_the_same_at_every_level_data() { level_names(); }
  void integer_weights_give_the_same_at_every_level();
  void rounded_keys_and_values_are_nearly_exact_data();
  void rounded_keys_and_values_are_nearly_exact();
};

// Skips when this machine lacks the level.
#define USE_LEVEL(level)                                                                        \
  if (!refusal([&] { isa_from(level.toStdString()); }).isEmpty()) QSKIP("not on this machine"); \
  qputenv("RUNNEL_ISA", level)

void LevelsTest::the_exact_path_is_exact_at_every_level() {
  QFETCH(QByteArray, level);
  const auto model = load_exact("llama_gqa_llama3");
  const Arrays arrays(fixture("llama_gqa_llama3") / "reference.safetensors");
  USE_LEVEL(level);
  Session session(model, exact_settings(256), 2);
  std::vector<float> all;
  session.feed_all_logits(arrays.all<Token>("input_ids_b"), [&all](std::size_t, std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  QVERIFY(difference(all, arrays.all<float>("logits_b")) < 2e-3);
}

// The activations are rounded to int8 (or bfloat16), half a percent of their deviation each time, so that logits differ
// from those of the same weights in float by a few percent of theirs.
void LevelsTest::integer_weights_give_the_same_at_every_level() {
  QFETCH(QByteArray, level);
  const TemporaryFolder folder;
  write_quantized(fixture("llama_gqa_llama3.gguf"), folder.path("small.gguf"));
  const auto model = Model::load(folder.path("small.gguf"), {.threads = 2});
  QCOMPARE(model->facts().quantization, "Q8_0");
  const std::vector<float> expected =
      all_logits(Model::load(folder.path("small.gguf"), exact_options()), exact_settings(64));
  USE_LEVEL(level);
  const std::vector<float> logits = all_logits(model, exact_settings(64));
  const double off = deviation(logits, expected) / deviation(expected, std::vector<float>(expected.size(), 0.0F));
  QVERIFY2(off > 0 && off < 0.04, qPrintable(QString::number(off)));
  QCOMPARE(all_logits(model, exact_settings(64)), logits);  // to the bit
}

void LevelsTest::rounded_keys_and_values_are_nearly_exact_data() {
  QTest::addColumn<KvType>("type");
  QTest::addColumn<double>("most");
  QTest::newRow("f16") << KvType::f16 << 2e-2;
  QTest::newRow("bf16") << KvType::bf16 << 0.1;
  QTest::newRow("q8") << KvType::q8 << 0.5;
}

void LevelsTest::rounded_keys_and_values_are_nearly_exact() {
  QFETCH(KvType, type);
  QFETCH(double, most);
  const auto model = load_exact("llama_gqa_llama3");
  CacheSettings rounded = exact_settings(64);
  rounded.kv_type = type;
  const double off = difference(all_logits(model, rounded), all_logits(model, exact_settings(64)));
  QVERIFY2(off > 0 && off < most, qPrintable(QString::number(off)));
}

QTEST_APPLESS_MAIN(LevelsTest)
#include "tst_levels.moc"
