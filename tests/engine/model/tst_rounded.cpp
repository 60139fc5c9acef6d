#include <QTest>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"
#include "engine/model/model_folder.h"
#include "quant/rtn.h"

using namespace runnel;

namespace {

constexpr const char* fixtures[] = {"llama_mha", "llama_tied_bias", "mistral_window", "qwen2"};

bool is_vocabulary(const FloatTensor& tensor) {
  return tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight";
}

// What the definition of RTN makes of a model's matrices.
void round_as_defined(FloatTensor& tensor, RtnOptions options) {
  if (tensor.shape.size() < 2) return;
  if (is_vocabulary(tensor) && options.bits == 4) {
    options.bits = 8;
    options.symmetric = true;
  }
  dequantize_rtn(quantize_rtn(tensor.values, tensor.shape[0], tensor.shape[1], options), tensor.values);
}

LoadOptions load_options(const RtnOptions& rtn, ComputeType compute) {
  return {.weight_dtype = rtn.bits == 4 ? WeightType::int4 : WeightType::int8,
          .compute_dtype = compute,
          .group_size = rtn.group_size,
          .scheme = rtn.symmetric ? Scheme::sym : Scheme::asym,
          .threads = 2};
}

void mode_rows() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<int>("bits");
  QTest::addColumn<int>("group_size");
  QTest::addColumn<bool>("symmetric");
  for (const char* name : fixtures) {
    for (const int bits : {4, 8}) {
      for (const int group_size : {32, 64, 128, -1}) {
        for (const bool symmetric : {true, false}) {
          QTest::addRow("%s, int%d, group %d, %s", name, bits, group_size, symmetric ? "sym" : "asym")
              << name << bits << group_size << symmetric;
        }
      }
    }
  }
}

double deviation(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(squares / static_cast<double>(a.size()));
}

}  // namespace

/// Folders whose weights are rounded to integers while they are loaded.
class RoundedTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void in_float_it_is_the_definition_of_rtn_data() { mode_rows(); }
  void in_float_it_is_the_definition_of_rtn();
  void with_integers_it_is_nearly_so_data() { mode_rows(); }
  void with_integers_it_is_nearly_so();
  void in_bf16_it_is_nearly_so();
  void a_folder_is_rounded_to_int4_unless_asked();
  void the_memory_is_known_before_loading_data();
  void the_memory_is_known_before_loading();
  void a_group_size_that_is_none_is_refused();
  void loading_can_be_stopped();
};

void RoundedTest::in_float_it_is_the_definition_of_rtn() {
  QFETCH(QString, name);
  QFETCH(int, bits);
  QFETCH(int, group_size);
  QFETCH(bool, symmetric);
  const RtnOptions rtn{.bits = bits, .group_size = group_size, .symmetric = symmetric};
  const TemporaryFolder folder;
  write_changed(folder.path("rounded"), name.toStdString(),
                [&rtn](FloatTensor& tensor) { round_as_defined(tensor, rtn); });
  const auto ids = Arrays(fixture(name.toStdString()) / "reference.safetensors").all<Token>("input_ids_b");
  const std::vector<float> expected = logits_of(Model::load(folder.path("rounded"), exact_options()), ids);
  const auto model = Model::load(fixture(name.toStdString()), load_options(rtn, ComputeType::f32));
  const double off = difference(logits_of(model, ids), expected);
  QVERIFY2(off < 2e-3, qPrintable(QString::number(off)));
  QVERIFY(difference(expected, logits_of(load_exact(name.toStdString()), ids)) > 1e-2);  // rounding did something
}

// Activations rounded to int8, and scales to f16: a few percent of the logits' deviation, as for files of such blocks.
void RoundedTest::with_integers_it_is_nearly_so() {
  QFETCH(QString, name);
  QFETCH(int, bits);
  QFETCH(int, group_size);
  QFETCH(bool, symmetric);
  const RtnOptions rtn{.bits = bits, .group_size = group_size, .symmetric = symmetric};
  const auto ids = Arrays(fixture(name.toStdString()) / "reference.safetensors").all<Token>("input_ids_b");
  const auto exact = Model::load(fixture(name.toStdString()), load_options(rtn, ComputeType::f32));
  const auto model = Model::load(fixture(name.toStdString()), load_options(rtn, ComputeType::int8));
  const std::vector<float> expected = logits_of(exact, ids);
  const std::vector<float> logits = logits_of(model, ids);
  const double off = deviation(logits, expected) / deviation(expected, std::vector<float>(expected.size(), 0.0F));
  QVERIFY2(off > 0 && off < 0.05, qPrintable(QString::number(off)));
  QVERIFY(model->facts().weight_bytes * 3 < exact->facts().weight_bytes);
}

void RoundedTest::in_bf16_it_is_nearly_so() {
  const auto ids = Arrays(fixture("llama_mha") / "reference.safetensors").all<Token>("input_ids_b");
  const std::vector<float> expected =
      logits_of(Model::load(fixture("llama_mha"), load_options({}, ComputeType::f32)), ids);
  const auto model = Model::load(fixture("llama_mha"), load_options({}, ComputeType::bf16));
  const std::vector<float> logits = logits_of(model, ids);
  const double off = deviation(logits, expected) / deviation(expected, std::vector<float>(expected.size(), 0.0F));
  QVERIFY2(off > 0 && off < 0.02, qPrintable(QString::number(off)));
}

void RoundedTest::a_folder_is_rounded_to_int4_unless_asked() {
  const auto bytes = [](const LoadOptions& options) {
    return Model::load(fixture("llama_mha"), options)->facts().weight_bytes;
  };
  const auto usual = bytes({.threads = 1});
  QCOMPARE(usual, bytes({.weight_dtype = WeightType::int4, .threads = 1}));
  QVERIFY(usual < bytes({.weight_dtype = WeightType::int8, .threads = 1}));
  QVERIFY(bytes({.weight_dtype = WeightType::int8, .threads = 1}) <
          bytes({.weight_dtype = WeightType::f16, .threads = 1}));
  QCOMPARE(bytes({.weight_dtype = WeightType::bf16, .threads = 1}),
           bytes({.weight_dtype = WeightType::f16, .threads = 1}));
  QCOMPARE(bytes({.weight_dtype = WeightType::as_is, .threads = 1}),
           bytes({.weight_dtype = WeightType::f32, .threads = 1}));
  const auto file = [](WeightType type) {
    return Model::load(fixture("qwen2.gguf"), {.weight_dtype = type, .threads = 1})->facts().weight_bytes;
  };
  QCOMPARE(file(WeightType::automatic), file(WeightType::f32));
  QVERIFY(file(WeightType::int4) * 3 < file(WeightType::automatic));
}

void RoundedTest::the_memory_is_known_before_loading_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<WeightType>("type");
  for (const char* name : {"llama_mha", "llama_tied_bias", "qwen2", "qwen2.gguf"}) {
    for (const WeightType type : {WeightType::automatic, WeightType::int8, WeightType::f16, WeightType::f32})
      QTest::addRow("%s, type %d", name, static_cast<int>(type)) << name << type;
  }
}

void RoundedTest::the_memory_is_known_before_loading() {
  QFETCH(QString, name);
  QFETCH(WeightType, type);
  const LoadOptions options{.weight_dtype = type, .threads = 1};
  const auto expected = Model::load(fixture(name.toStdString()), options)->facts().weight_bytes;
  const auto told = Model::open_without_weights(fixture(name.toStdString()), options)->facts().weight_bytes;
  QVERIFY(told >= expected && told <= expected + 1024);  // the last norm is not counted as a weight
}

void RoundedTest::a_group_size_that_is_none_is_refused() {
  for (const int size : {0, 1, 33, -2, 256}) {
    const QString sentence = refusal([size] { Model::load(fixture("llama_mha"), {.group_size = size}); });
    QVERIFY2(sentence.contains(QString::number(size)) && sentence.contains("128"), qPrintable(sentence));
  }
}

void RoundedTest::loading_can_be_stopped() {
  std::stop_source stop;
  double last = 0;
  QVERIFY_THROWS_EXCEPTION(Cancelled, Model::load(
                                          fixture("llama_mha"), {.threads = 2},
                                          [&](double done) {
                                            QVERIFY(done >= last && done <= 1);
                                            last = done;
                                            if (done > 0.3) stop.request_stop();
                                          },
                                          stop.get_token()));
  QVERIFY(last < 0.9);
}

QTEST_APPLESS_MAIN(RoundedTest)
#include "tst_rounded.moc"
