#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <QTest>
#include <csignal>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"
#include "engine/model/model_folder.h"
#include "format/gguf_file.h"
#include "quant/dequantize.h"
#include "runnel/quantize.h"

using namespace runnel;

namespace {

namespace fs = std::filesystem;

constexpr const char* folders[] = {"llama_mha",       "llama_gqa_llama3", "llama_linear", "llama_yarn",
                                   "llama_tied_bias", "mistral_window",   "qwen2"};

std::vector<Token> ids_of_fixture(const std::string& name) {
  return Arrays(fixture(name) / "reference.safetensors").all<Token>("input_ids_b");
}

std::map<std::string, BlockType> types_in(const fs::path& path) {
  std::map<std::string, BlockType> types;
  const GgufFile file = GgufFile::open(path);
  for (const TensorView& tensor : file.tensors()) types[tensor.name] = tensor.type;
  return types;
}

std::vector<float> values_of(const TensorView& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.rows() * tensor.columns()));
  dequantize(tensor.type, tensor.data, values);
  return values;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

/// The tensors of a fixture of two layers, and the same again as the third and fourth.
std::vector<FloatTensor> twice(const char* name) {
  std::vector<FloatTensor> tensors = tensors_of(name);
  for (FloatTensor tensor : tensors_of(name)) {
    const auto layer = tensor.name.find("layers.");
    if (layer == std::string::npos) continue;
    char& number = tensor.name[layer + 7];
    number = static_cast<char>(number + 2);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

void folder_rows() {
  QTest::addColumn<QString>("name");
  for (const char* name : folders) QTest::newRow(name) << name;
}

}  // namespace

class QuantizeTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void a_float_file_is_the_folder_data() { folder_rows(); }
  void a_float_file_is_the_folder();
  void norms_of_queries_and_keys_are_saved();
  void other_families_are_saved_data();
  void other_families_are_saved();
  void scales_and_raised_norms_are_saved_data();
  void scales_and_raised_norms_are_saved();
  void what_has_no_key_is_refused_data();
  void what_has_no_key_is_refused();
  void a_file_is_what_loading_makes_of_the_folder_data();
  void a_file_is_what_loading_makes_of_the_folder();
  void types_are_those_that_other_programs_read_data();
  void types_are_those_that_other_programs_read();
  void rows_that_fill_no_block_are_saved_as_f16();
  void values_beyond_f16_are_saved_wider();
  void values_that_are_not_finite_are_refused();
  void a_gguf_file_is_rounded_and_its_metadata_copied();
  void blocks_of_a_gguf_file_stay();
  void a_tokenizer_and_a_template_come_along();
  void a_tokenizer_that_can_not_be_saved_is_refused();
  void searching_for_scales_is_closer_to_the_original();
  void tells_its_progress();
  void a_killed_process_leaves_nothing();
  void stopped_it_leaves_nothing();
  void a_full_disk_leaves_nothing();
  void what_stood_there_stays_when_it_fails();
  void refuses_what_it_can_not_do();
};

void QuantizeTest::a_float_file_is_the_folder() {
  QFETCH(QString, name);
  const TemporaryFolder folder;
  const fs::path path = folder.path("model.gguf");
  quantize(fixture(name.toStdString()), path, {.weight_dtype = WeightType::f32, .threads = 2});
  const auto model = Model::load(path, exact_options());
  const Arrays arrays(fixture(name.toStdString()) / "reference.safetensors");
  QVERIFY(difference(logits_of(model, arrays.all<Token>("input_ids_b")), arrays.all<float>("logits_b")) < 2e-3);
  const ModelFacts before = Model::open_without_weights(fixture(name.toStdString()))->facts();
  QCOMPARE(model->facts().trained_context, before.trained_context);
  QCOMPARE(model->facts().name, before.name);
  const GgufFile file = GgufFile::open(path);
  QCOMPARE(file.get<std::string>("general.architecture"), name == "qwen2" ? "qwen2" : "llama");
}

void QuantizeTest::norms_of_queries_and_keys_are_saved() {
  const TemporaryFolder folder;
  const fs::path source = fixture("families") / "qwen3";
  quantize(source, folder.path("model.gguf"), {.weight_dtype = WeightType::f32, .threads = 2});
  const std::vector<Token> ids = ids_of_fixture("llama_mha");
  const auto expected = logits_of(Model::load(source, exact_options()), ids);
  QVERIFY(difference(logits_of(Model::load(folder.path("model.gguf"), exact_options()), ids), expected) < 1e-4);
  QCOMPARE(GgufFile::open(folder.path("model.gguf")).get<std::string>("general.architecture"), "qwen3");
}

void QuantizeTest::other_families_are_saved_data() {
  QTest::addColumn<QString>("name");
  for (const char* name : {"gemma2", "olmo2", "stablelm", "starcoder2"}) QTest::newRow(name) << name;
}

// The networks' matrices are kept as f16, which the file keeps too.
void QuantizeTest::other_families_are_saved() {
  QFETCH(QString, name);
  const TemporaryFolder folder;
  const fs::path source = fixture("families") / name.toStdString();
  quantize(source, folder.path("model.gguf"), {.weight_dtype = WeightType::f32, .threads = 2});
  const std::vector<Token> ids = ids_of_fixture("llama_mha");
  const auto expected = logits_of(Model::load(source, exact_options()), ids);
  QVERIFY(difference(logits_of(Model::load(folder.path("model.gguf"), exact_options()), ids), expected) < 1e-4);
  QCOMPARE(QString::fromStdString(GgufFile::open(folder.path("model.gguf")).get<std::string>("general.architecture")),
           name);
}

void QuantizeTest::scales_and_raised_norms_are_saved_data() {
  QTest::addColumn<QString>("members");
  QTest::newRow("granite") << R"({"architectures": ["GraniteForCausalLM"], "model_type": "granite",
                                  "attention_multiplier": 0.1, "embedding_multiplier": 12, "residual_multiplier": 0.22,
                                  "logits_scaling": 8})";
  QTest::newRow("gemma") << R"({"architectures": ["GemmaForCausalLM"], "model_type": "gemma", "head_dim": 16})";
  // Of four layers one does not rotate.
  QTest::newRow("smollm3") << R"({"architectures": ["SmolLM3ForCausalLM"], "model_type": "smollm3",
                                  "num_hidden_layers": 4})";
}

// The network of another family, read as one of this: what its logits mean does not matter.
void QuantizeTest::scales_and_raised_norms_are_saved() {
  QFETCH(QString, members);
  const TemporaryFolder folder;
  auto config = read_json(fixture("llama_mha") / "config.json");
  config.update(nlohmann::json::parse(members.toStdString()));
  write_folder(folder.path("folder"), config, twice("llama_mha"));
  quantize(folder.path("folder"), folder.path("model.gguf"), {.weight_dtype = WeightType::f32, .threads = 2});
  const std::vector<Token> ids = ids_of_fixture("llama_mha");
  const auto expected = logits_of(Model::load(folder.path("folder"), exact_options()), ids);
  const auto of_llama = logits_of(Model::load(fixture("llama_mha"), exact_options()), ids);
  QVERIFY(difference(expected, of_llama) > 1e-2);
  QVERIFY(difference(logits_of(Model::load(folder.path("model.gguf"), exact_options()), ids), expected) < 1e-4);
  QCOMPARE(GgufFile::open(folder.path("model.gguf")).get<std::string>("general.architecture"),
           std::string(QTest::currentDataTag()));
}

void QuantizeTest::what_has_no_key_is_refused_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QString>("key");
  QTest::addColumn<QString>("value");
  QTest::addColumn<QString>("sentence");
  QTest::newRow("activation") << "stablelm" << "hidden_act" << R"("gelu_pytorch_tanh")" << "activation";
  QTest::newRow("scale of scores") << "gemma2" << "query_pre_attn_scalar" << "7" << "scales";
  QTest::newRow("windows") << "gemma2" << "layer_types"
                           << R"(["full_attention", "sliding_attention", "full_attention", "sliding_attention"])"
                           << "sliding window";
  QTest::newRow("soft caps") << "gemma2" << "attn_logit_softcapping" << "null" << "soft caps";
}

void QuantizeTest::what_has_no_key_is_refused() {
  QFETCH(QString, name);
  QFETCH(QString, key);
  QFETCH(QString, value);
  QFETCH(QString, sentence);
  const fs::path source = fixture("families") / name.toStdString();
  const TemporaryFolder folder;
  fs::create_directory(folder.path("changed"));
  fs::copy(source / "model.safetensors", folder.path("changed") / "model.safetensors");
  auto config = read_json(source / "config.json");
  config[key.toStdString()] = nlohmann::json::parse(value.toStdString());
  std::ofstream(folder.path("changed") / "config.json") << config.dump();
  (void)Model::load(folder.path("changed"), exact_options());  // it can be used all the same
  try {
    quantize(folder.path("changed"), folder.path("model.gguf"), {.weight_dtype = WeightType::f32, .threads = 1});
    QFAIL("It was saved.");
  } catch (const Error& error) {
    QVERIFY2(QString::fromUtf8(error.what()).contains(sentence), error.what());
  }
  QVERIFY(!fs::exists(folder.path("model.gguf")));
}

void QuantizeTest::a_file_is_what_loading_makes_of_the_folder_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<WeightType>("type");
  QTest::addColumn<int>("group_size");
  QTest::addColumn<Scheme>("scheme");
  for (const char* name : {"llama_tied_bias", "mistral_window", "qwen2"}) {
    for (const int group_size : {32, 64, -1}) {
      QTest::addRow("%s, int4, group %d", name, group_size) << name << WeightType::int4 << group_size << Scheme::sym;
      QTest::addRow("%s, int4 asym, group %d", name, group_size)
          << name << WeightType::int4 << group_size << Scheme::asym;
      QTest::addRow("%s, int8, group %d", name, group_size) << name << WeightType::int8 << group_size << Scheme::sym;
    }
  }
}

void QuantizeTest::a_file_is_what_loading_makes_of_the_folder() {
  QFETCH(QString, name);
  QFETCH(WeightType, type);
  QFETCH(int, group_size);
  QFETCH(Scheme, scheme);
  const TemporaryFolder folder;
  quantize(fixture(name.toStdString()), folder.path("model.gguf"),
           {.weight_dtype = type, .group_size = group_size, .scheme = scheme, .threads = 2});
  const auto saved = Model::load(folder.path("model.gguf"), {.threads = 2});
  const auto loaded = Model::load(fixture(name.toStdString()),
                                  {.weight_dtype = type, .group_size = group_size, .scheme = scheme, .threads = 2});
  const auto ids = ids_of_fixture(name.toStdString());
  QCOMPARE(logits_of(saved, ids), logits_of(loaded, ids));  // the same blocks
}

void QuantizeTest::types_are_those_that_other_programs_read_data() {
  QTest::addColumn<WeightType>("type");
  QTest::addColumn<Scheme>("scheme");
  QTest::addColumn<BlockType>("layer");
  QTest::addColumn<BlockType>("vocabulary");
  QTest::addColumn<unsigned>("file_type");
  using enum BlockType;
  QTest::newRow("int4 sym") << WeightType::int4 << Scheme::sym << q4_0 << q8_0 << 2U;
  QTest::newRow("int4 asym") << WeightType::int4 << Scheme::asym << q4_1 << q8_0 << 3U;
  QTest::newRow("int8") << WeightType::int8 << Scheme::sym << q8_0 << q8_0 << 7U;
  QTest::newRow("f16") << WeightType::f16 << Scheme::sym << f16 << f16 << 1U;
  QTest::newRow("bf16") << WeightType::bf16 << Scheme::sym << bf16 << bf16 << 32U;
  QTest::newRow("f32") << WeightType::f32 << Scheme::sym << f32 << f32 << 0U;
}

void QuantizeTest::types_are_those_that_other_programs_read() {
  QFETCH(WeightType, type);
  QFETCH(Scheme, scheme);
  QFETCH(BlockType, layer);
  QFETCH(BlockType, vocabulary);
  QFETCH(unsigned, file_type);
  const TemporaryFolder folder;
  const QuantizeReport report = quantize(fixture("llama_gqa_llama3"), folder.path("model.gguf"),
                                         {.weight_dtype = type, .scheme = scheme, .threads = 1});
  const auto types = types_in(folder.path("model.gguf"));
  QCOMPARE(types.at("token_embd.weight"), vocabulary);
  QCOMPARE(types.at("output.weight"), vocabulary);
  QCOMPARE(types.at("blk.1.ffn_down.weight"), layer);
  QCOMPARE(types.at("blk.0.attn_q.weight"), layer);
  QCOMPARE(types.at("blk.0.attn_norm.weight"), BlockType::f32);
  QCOMPARE(types.at("rope_freqs.weight"), BlockType::f32);
  QCOMPARE(GgufFile::open(folder.path("model.gguf")).get<std::uint32_t>("general.file_type"), file_type);
  QCOMPARE(report.bytes, fs::file_size(folder.path("model.gguf")));
  int tensors = 0;
  for (const auto& [name, count] : report.tensor_types) tensors += count;
  QCOMPARE(tensors, static_cast<int>(types.size()));
}

void QuantizeTest::rows_that_fill_no_block_are_saved_as_f16() {
  const TemporaryFolder folder;
  auto config = read_json(fixture("llama_mha") / "config.json");
  config["intermediate_size"] = 80;
  std::vector<FloatTensor> tensors = tensors_of("llama_mha");
  for (FloatTensor& tensor : tensors) {
    for (std::int64_t& length : tensor.shape) length = length == 160 ? 80 : length;
    tensor.values.resize(static_cast<std::size_t>(tensor.shape[0] * (tensor.shape.size() > 1 ? tensor.shape[1] : 1)));
  }
  write_folder(folder.path("odd"), config, tensors);
  quantize(folder.path("odd"), folder.path("odd.gguf"), {.threads = 2});
  const auto types = types_in(folder.path("odd.gguf"));
  QCOMPARE(types.at("blk.0.ffn_down.weight"), BlockType::f16);
  QCOMPARE(types.at("blk.0.ffn_up.weight"), BlockType::q4_0);
  const GgufFile file = GgufFile::open(folder.path("odd.gguf"));
  for (const FloatTensor& tensor : tensors) {
    if (tensor.name == "model.layers.0.mlp.down_proj.weight")
      QVERIFY(difference(values_of(*file.find_tensor("blk.0.ffn_down.weight")), tensor.values) < 1e-3);
  }
}

void QuantizeTest::values_beyond_f16_are_saved_wider() {
  const TemporaryFolder folder;
  const auto enlarge = [](FloatTensor& tensor) {
    if (tensor.name == "model.layers.0.mlp.up_proj.weight") tensor.values[100] = 1e6F;
  };
  for (const WeightType type : {WeightType::int4, WeightType::f16}) {
    write_changed(folder.path("large"), "llama_mha", enlarge);
    quantize(folder.path("large"), folder.path("large.gguf"), {.weight_dtype = type, .threads = 2});
    QCOMPARE(types_in(folder.path("large.gguf")).at("blk.0.ffn_up.weight"), BlockType::f32);
    write_changed(folder.path("large"), "llama_mha", enlarge, "BF16");
    quantize(folder.path("large"), folder.path("large.gguf"), {.weight_dtype = type, .threads = 2});
    QCOMPARE(types_in(folder.path("large.gguf")).at("blk.0.ffn_up.weight"), BlockType::bf16);
  }
}

void QuantizeTest::values_that_are_not_finite_are_refused() {
  const TemporaryFolder folder;
  write_changed(folder.path("damaged"), "llama_mha", [](FloatTensor& tensor) {
    if (tensor.name == "model.layers.1.self_attn.k_proj.weight") tensor.values.back() = std::nanf("");
  });
  const QString sentence = refusal([&] { quantize(folder.path("damaged"), folder.path("damaged.gguf")); });
  QVERIFY2(sentence.contains("damaged") && sentence.contains("model.layers.1.self_attn.k_proj.weight"),
           qPrintable(sentence));
  QVERIFY(!fs::exists(folder.path("damaged.gguf")));
}

void QuantizeTest::a_gguf_file_is_rounded_and_its_metadata_copied() {
  const TemporaryFolder folder;
  quantize(fixture("qwen2.gguf"), folder.path("small.gguf"), {.threads = 2});
  const auto types = types_in(folder.path("small.gguf"));
  QCOMPARE(types.at("blk.0.attn_q.weight"), BlockType::q4_0);
  QCOMPARE(types.at("blk.0.attn_q.bias"), BlockType::f32);
  QCOMPARE(types.at("token_embd.weight"), BlockType::q8_0);
  const GgufFile before = GgufFile::open(fixture("qwen2.gguf"));
  const GgufFile after = GgufFile::open(folder.path("small.gguf"));
  for (const GgufValue& value : before.values()) QVERIFY2(after.has(value.key), value.key.c_str());
  QCOMPARE(after.get<int>("qwen2.block_count"), before.get<int>("qwen2.block_count"));
  QCOMPARE(after.get<int>("general.file_type"), 2);
  quantize(fixture("qwen2"), folder.path("of_folder.gguf"), {.threads = 2});
  const auto ids = ids_of_fixture("qwen2");
  QCOMPARE(logits_of(Model::load(folder.path("small.gguf"), {.threads = 2}), ids),
           logits_of(Model::load(folder.path("of_folder.gguf"), {.threads = 2}), ids));
}

void QuantizeTest::blocks_of_a_gguf_file_stay() {
  const TemporaryFolder folder;
  quantize(fixture("qwen2.gguf"), folder.path("int8.gguf"), {.weight_dtype = WeightType::int8, .threads = 2});
  quantize(folder.path("int8.gguf"), folder.path("again.gguf"), {.weight_dtype = WeightType::int4, .threads = 2});
  QCOMPARE(types_in(folder.path("again.gguf")), types_in(folder.path("int8.gguf")));
}

void QuantizeTest::a_tokenizer_and_a_template_come_along() {
  const TemporaryFolder folder;
  auto config = read_json(fixture("llama_mha") / "config.json");
  config["vocab_size"] = 1024;
  std::vector<FloatTensor> tensors = tensors_of("llama_mha");
  for (FloatTensor& tensor : tensors) {
    if (tensor.shape[0] != 256) continue;
    tensor.shape[0] = 1024;
    tensor.values.resize(std::size_t{1024} * 64, 0.1F);
  }
  write_folder(folder.path("speaking"), config, tensors);
  fs::copy_file(fs::path(RUNNEL_FIXTURES) / "tokenizers/bpe_gpt2.tokenizer.json",
                folder.path("speaking/tokenizer.json"));
  folder.write("speaking/tokenizer_config.json", R"({"eos_token": "<|im_end|>", "chat_template": "{{ 1 + 1 }}"})");
  QVERIFY(quantize(folder.path("speaking"), folder.path("speaking.gguf"), {.threads = 2}).has_tokenizer);
  const auto before = Model::open_without_weights(folder.path("speaking"));
  const auto after = Model::open_without_weights(folder.path("speaking.gguf"));
  QVERIFY(after->facts().has_chat_template);
  QCOMPARE(after->tokenizer().encode("Hello, world"), before->tokenizer().encode("Hello, world"));
  QCOMPARE(after->tokenizer().eos(), before->tokenizer().eos());
  QCOMPARE(after->tokenizer().size(), 1024);
  QVERIFY(!quantize(fixture("llama_mha"), folder.path("mute.gguf"), {.threads = 2}).has_tokenizer);
}

void QuantizeTest::a_tokenizer_that_can_not_be_saved_is_refused() {
  const TemporaryFolder folder;
  fs::copy(fixture("llama_mha"), folder.path("foreign"));
  folder.write("foreign/tokenizer.json", R"({"model": {"type": "WordPiece", "vocab": {"a": 0}}})");
  const QString sentence = refusal([&] { quantize(folder.path("foreign"), folder.path("foreign.gguf")); });
  QVERIFY2(sentence.contains("foreign") && sentence.contains("WordPiece"), qPrintable(sentence));
  QVERIFY(!fs::exists(folder.path("foreign.gguf")));
}

void QuantizeTest::searching_for_scales_is_closer_to_the_original() {
  const TemporaryFolder folder;
  const auto error = [&](bool search, Scheme scheme) {
    quantize(fixture("llama_mha"), folder.path("model.gguf"), {.scheme = scheme, .scale_search = search, .threads = 2});
    const GgufFile file = GgufFile::open(folder.path("model.gguf"));
    double squares = 0;
    for (const FloatTensor& tensor : tensors_of("llama_mha")) {
      if (tensor.name != "model.layers.0.mlp.down_proj.weight") continue;
      const std::vector<float> values = values_of(*file.find_tensor("blk.0.ffn_down.weight"));
      for (std::size_t i = 0; i < values.size(); ++i) squares += std::pow(values[i] - tensor.values[i], 2);
    }
    return squares;
  };
  for (const Scheme scheme : {Scheme::sym, Scheme::asym}) {
    const double plain = error(false, scheme);
    QVERIFY(plain > 0 && error(true, scheme) < 0.9 * plain);
  }
}

void QuantizeTest::tells_its_progress() {
  const TemporaryFolder folder;
  for (const fs::path& source : {fixture("llama_mha"), fixture("qwen2.gguf")}) {
    std::vector<double> done;
    quantize(source, folder.path("model.gguf"), {.threads = 2}, [&done](double share) { done.push_back(share); });
    QVERIFY(std::is_sorted(done.begin(), done.end()) && done.front() > 0 && std::abs(done.back() - 1) < 1e-6);
    QVERIFY(done.size() > 20);
  }
}

// While it is written, the file has no name that could be left behind.
void QuantizeTest::a_killed_process_leaves_nothing() {
  const TemporaryFolder folder;
  const int nameless = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (nameless < 0) QSKIP("this file system has no files without names");
  ::close(nameless);
  std::size_t most = 0;
  quantize(fixture("llama_mha"), folder.path("model.gguf"), {.threads = 2},
           [&](double done) { most = std::max(most, done < 1 ? names_in(folder.path()).size() : 0); });
  QCOMPARE(most, std::size_t{0});
  QCOMPARE(names_in(folder.path()), std::vector<std::string>{"model.gguf"});
}

void QuantizeTest::stopped_it_leaves_nothing() {
  const TemporaryFolder folder;
  for (const double when : {0.1, 0.4, 0.6, 0.9}) {
    std::stop_source stop;
    const auto stop_at = [&](double done) {
      if (done > when) stop.request_stop();
    };
    QVERIFY_THROWS_EXCEPTION(Cancelled, quantize(fixture("llama_mha"), folder.path("model.gguf"), {.threads = 2},
                                                 stop_at, stop.get_token()));
    QCOMPARE(names_in(folder.path()), std::vector<std::string>());
  }
}

void QuantizeTest::a_full_disk_leaves_nothing() {
  const TemporaryFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit tight = before;
  tight.rlim_cur = 20'000;
  QCOMPARE(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const QString sentence = refusal([&] { quantize(fixture("llama_mha"), folder.path("model.gguf"), {.threads = 2}); });
  setrlimit(RLIMIT_FSIZE, &before);
  QVERIFY2(sentence.contains("model.gguf") && sentence.contains("can't be written"), qPrintable(sentence));
  QCOMPARE(names_in(folder.path()), std::vector<std::string>());
}

void QuantizeTest::what_stood_there_stays_when_it_fails() {
  const TemporaryFolder folder;
  folder.write("model.gguf", "something else");
  QVERIFY(!refusal([&] { quantize(folder.path("absent"), folder.path("model.gguf")); }).isEmpty());
  QCOMPARE(fs::file_size(folder.path("model.gguf")), std::uintmax_t{14});
}

void QuantizeTest::refuses_what_it_can_not_do() {
  const TemporaryFolder folder;
  const fs::path target = folder.path("model.gguf");
  const auto refused = [&](const fs::path& source, const fs::path& to, const QuantizeOptions& options = {}) {
    return refusal([&] { quantize(source, to, options); });
  };
  QVERIFY(refused(folder.path("absent"), target).contains("absent"));
  QVERIFY(refused(fixture("llama_mha"), folder.path("no/such/folder.gguf")).contains("folder.gguf"));
  QVERIFY(refused(fixture("llama_mha"), folder.path()).contains("folder"));
  QVERIFY(refused(fixture("llama_mha"), target, {.group_size = 48}).contains("48"));
  QVERIFY(refused(fixture("llama_mha"), target, {.weight_dtype = WeightType::as_is}).contains("int4"));
  QVERIFY(refused(fixture("llama_mha"), target, {.weight_dtype = WeightType::int8, .scheme = Scheme::asym})
              .contains("sym"));
  QVERIFY(refused(fixture("families") / "mpt", target).contains("mpt"));
  fs::copy_file(fixture("qwen2.gguf"), target);
  QVERIFY(refused(target, target).contains("source and target"));
  QCOMPARE(fs::file_size(target), fs::file_size(fixture("qwen2.gguf")));
}

QTEST_APPLESS_MAIN(QuantizeTest)
#include "tst_quantize.moc"
