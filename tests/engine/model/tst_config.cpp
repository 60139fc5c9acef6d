#include <QTest>
#include <cmath>

#include "engine/format/temporary_folder.h"
#include "engine/model/golden.h"
#include "format/gguf_file.h"
#include "format/gguf_writer.h"

using namespace runnel;

namespace {

namespace fs = std::filesystem;

std::string bytes_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A copy of a fixture's folder that can be spoiled.
class Folder {
 public:
  explicit Folder(std::string_view name = "llama_mha") : weights(bytes_of_file(fixture(name) / "model.safetensors")) {
    config = read_json(fixture(name) / "config.json");
  }

  // Replaces text of the weights' header by text of the same length.
  void edit_header(const std::string& from, const std::string& to) {
    const std::size_t at = weights.find(from);
    if (at == std::string::npos || from.size() != to.size()) throw Error("The test's own edit does not fit.");
    weights.replace(at, from.size(), to);
  }

  // Overwrites the first value of a tensor.
  void set_first_value(const std::string& tensor, float value) {
    folder_.write("model.safetensors", weights);
    const SafetensorsFile file = SafetensorsFile::open(folder_.path("model.safetensors"));
    const SafetensorsEntry* entry = file.find_entry(tensor);
    const auto at = static_cast<std::size_t>(entry->data.data() - file.file().bytes().data());
    std::memcpy(weights.data() + at, &value, sizeof value);
  }

  QString refusal_to_load() const {
    folder_.write("config.json", config.dump());
    folder_.write("model.safetensors", weights);
    return refusal([this] { Model::load(folder_.path(), exact_options()); });
  }

  QString name() const { return QString::fromStdString(folder_.path().filename().string()); }

  nlohmann::json config;
  std::string weights;

 private:
  TemporaryFolder folder_;
};

// One sentence on one line that holds all parts; the first fault else.
QString fault_of(const QString& sentence, const QStringList& parts) {
  if (sentence.isEmpty()) return "it was not refused";
  if (sentence.contains('\n') || sentence.size() > 400) return "not one sentence: " + sentence;
  for (const QString& part : parts) {
    if (!sentence.contains(part)) return "\"" + part + "\" is missing in: " + sentence;
  }
  return {};
}

// A copy of the Qwen 2 fixture with one key changed or (null) left out.
QString refusal_of_gguf(const std::string& key, const nlohmann::json& value) {
  const TemporaryFolder folder;
  const GgufFile file = GgufFile::open(fixture("qwen2.gguf"));
  GgufWriter writer;
  for (const GgufValue& entry : file.values()) {
    if (entry.key != key || !value.is_null()) writer.copy(file, entry);
  }
  if (value.is_number_unsigned()) writer.set(key, value.get<std::uint32_t>());
  if (value.is_number_integer() && !value.is_number_unsigned()) writer.set(key, value.get<std::int32_t>());
  if (value.is_number_float()) writer.set(key, value.get<float>());
  if (value.is_string()) writer.set(key, value.get<std::string>());
  for (const TensorView& tensor : file.tensors()) writer.add_tensor(tensor);
  writer.write(folder.path("spoilt.gguf"));
  return refusal([&] { Model::load(folder.path("spoilt.gguf"), exact_options()); });
}

// The same with one tensor changed by `edit`, or dropped when that gives none.
template <typename Edit>
QString refusal_of_gguf_tensor(const std::string& name, Edit edit) {
  const TemporaryFolder folder;
  const GgufFile file = GgufFile::open(fixture("qwen2.gguf"));
  GgufWriter writer;
  for (const GgufValue& entry : file.values()) writer.copy(file, entry);
  std::vector<std::byte> changed;
  for (TensorView tensor : file.tensors()) {
    if (tensor.name != name || edit(tensor, changed)) writer.add_tensor(tensor);
  }
  writer.write(folder.path("spoilt.gguf"));
  return refusal([&] { Model::load(folder.path("spoilt.gguf"), exact_options()); });
}

}  // namespace

/// Model files that are wrong: each is refused by a sentence that names file, key or tensor, and what was expected.
class ConfigTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void the_unchanged_copy_loads();
  void refuses_a_bad_config_data();
  void refuses_a_bad_config();
  void refuses_an_incomplete_config_data();
  void refuses_an_incomplete_config();
  void refuses_what_a_family_can_not_data();
  void refuses_what_a_family_can_not();
  void refuses_a_bad_gguf_key_data();
  void refuses_a_bad_gguf_key();
  void refuses_tensors_that_do_not_fit();
  void refuses_gguf_tensors_that_do_not_fit();
  void refuses_weights_that_are_not_finite_data();
  void refuses_weights_that_are_not_finite();
  void takes_the_embedding_where_there_is_no_output_matrix();
  void names_a_path_that_holds_no_model();
};

void ConfigTest::the_unchanged_copy_loads() {
  QCOMPARE(Folder().refusal_to_load(), QString());
}

void ConfigTest::refuses_a_bad_config_data() {
  QTest::addColumn<QString>("key");
  QTest::addColumn<QString>("value");
  QTest::addColumn<QStringList>("parts");
  const auto row = [](const char* key, const char* value, const QStringList& parts) {
    QTest::addRow("%s = %s", key, value) << key << value << parts;
  };
  row("architectures", "[]", {"architecture"});
  row("architectures", "\"LlamaForCausalLM\"", {"architecture"});
  row("architectures", "[\"AbacusForCausalLM\"]", {"AbacusForCausalLM", "llama", "qwen2"});
  row("architectures", "[17]", {"architecture"});
  for (const char* key :
       {"num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size"}) {
    row(key, "\"many\"", {key, "whole number"});
    row(key, "1.5", {key, "whole number"});
    row(key, "99999999999", {key, "32 bits"});
    row(key, "-9223372036854775808", {key, "32 bits"});
    row(key, "[64]", {key, "whole number"});
  }
  row("num_hidden_layers", "0", {"layers", "is 0", "from 1"});
  row("num_hidden_layers", "2147483647", {"layers", "2147483647"});
  row("num_hidden_layers", "3", {"model.layers.2."});
  row("hidden_size", "0", {"embedding length", "is 0"});
  row("hidden_size", "128", {"model.embed_tokens.weight", "256 × 64", "256 × 128"});
  row("intermediate_size", "-160", {"feed-forward", "-160"});
  row("num_attention_heads", "0", {"attention heads", "is 0"});
  row("num_attention_heads", "-1", {"attention heads", "is -1"});
  row("num_attention_heads", "2000000000", {"attention heads", "2000000000"});
  row("num_key_value_heads", "0", {"key/value heads", "is 0"});
  row("num_key_value_heads", "3", {"4 attention heads", "3 key/value heads"});
  row("num_key_value_heads", "8", {"key/value heads", "is 8", "4"});
  row("head_dim", "0", {"head length", "is 0"});
  row("head_dim", "15", {"15", "even"});
  row("head_dim", "65536", {"model.layers.0.self_attn.q_proj.weight"});
  row("vocab_size", "0", {"vocabulary", "is 0"});
  row("vocab_size", "268435456", {"model.embed_tokens.weight"});
  row("max_position_embeddings", "-1", {"context"});
  row("rms_norm_eps", "-1", {"epsilon"});
  row("rms_norm_eps", "\"small\"", {"rms_norm_eps", "number"});
  row("rms_norm_eps", "1e300", {"epsilon"});
  row("rope_theta", "0", {"rope base", "above 0"});
  row("rope_theta", "\"x\"", {"rope_theta", "number"});
  row("rope_scaling", "7", {"rope_scaling", "object"});
  row("rope_scaling", R"({"type": 3})", {"type", "string"});
  row("rope_scaling", R"({"rope_type": "wave"})", {"wave", "linear", "yarn"});
  row("rope_scaling", R"({"rope_type": "linear", "factor": 0})", {"factor", "above 0"});
  row("rope_scaling", R"({"rope_type": "linear", "factor": -4})", {"factor", "above 0"});
  row("rope_scaling", R"({"rope_type": "llama3", "factor": 8, "original_max_position_embeddings": 0})",
      {"original context"});
  row("rope_scaling", R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4})",
      {"high_freq_factor"});
  row("rope_scaling", R"({"rope_type": "yarn", "factor": 8, "beta_fast": 0})", {"beta_fast", "above 0"});
  row("rope_scaling", R"({"rope_type": "yarn", "factor": 8, "beta_slow": -1})", {"beta_slow", "above 0"});
  row("rope_scaling", R"({"rope_type": "yarn", "factor": 8, "attention_factor": -1})", {"attention_factor"});
}

void ConfigTest::refuses_a_bad_config() {
  QFETCH(QString, key);
  QFETCH(QString, value);
  QFETCH(QStringList, parts);
  Folder folder;
  folder.config[key.toStdString()] = nlohmann::json::parse(value.toStdString());
  QCOMPARE(fault_of(folder.refusal_to_load(), parts << folder.name()), QString());
}

void ConfigTest::refuses_an_incomplete_config_data() {
  QTest::addColumn<QString>("key");
  for (const char* key : {"architectures", "num_hidden_layers", "hidden_size", "intermediate_size",
                          "num_attention_heads", "vocab_size"}) {
    QTest::newRow(key) << key;
  }
}

void ConfigTest::refuses_an_incomplete_config() {
  QFETCH(QString, key);
  Folder folder;
  folder.config.erase(key.toStdString());
  QCOMPARE(fault_of(folder.refusal_to_load(), {key == "architectures" ? "architecture" : key, folder.name()}),
           QString());
  folder.config[key.toStdString()] = nullptr;
  QCOMPARE(fault_of(folder.refusal_to_load(), {key == "architectures" ? "architecture" : key, folder.name()}),
           QString());
}

void ConfigTest::refuses_what_a_family_can_not_data() {
  QTest::addColumn<QString>("family");
  QTest::addColumn<QString>("key");
  QTest::addColumn<QString>("value");
  QTest::addColumn<QStringList>("parts");
  const auto row = [](const char* family, const char* key, const char* value, const QStringList& parts) {
    QTest::addRow("%s, %s = %s", family, key, value) << family << key << value << parts;
  };
  for (const char* name : {"MambaForCausalLM", "JambaForCausalLM", "Qwen3NextForCausalLM", "FalconH1ForCausalLM",
                           "Lfm2ForCausalLM", "RwkvForCausalLM", "RecurrentGemmaForCausalLM"}) {
    row("stablelm", "architectures", qPrintable(QString("[\"%1\"]").arg(name)), {name, "recurrent"});
  }
  row("chatglm3", "position_encoding_2d", "true", {"position_encoding_2d", "two-dimensional", "both directions"});
  for (const char* method : {"gptq", "awq", "auto-round"}) {
    const QString settings = QString(R"({"quant_method": "%1", "bits": 4})").arg(method);
    row("stablelm", "quantization_config", qPrintable(settings), {method, "original weights"});
  }
  row("stablelm", "quantization_config", "{}", {"quantized", "original weights"});
  row("stablelm", "layer_types", R"(["linear_attention", "full_attention"])", {"linear_attention", "layer_types"});
  row("stablelm", "layer_types", R"(["full_attention"])", {"layer_types"});
  row("stablelm", "layer_types", "3", {"layer_types", "list"});
  row("stablelm", "hidden_act", "\"quick_gelu\"", {"quick_gelu", "gelu_new"});
  row("opt", "do_layer_norm_before", "false", {"do_layer_norm_before"});
  row("opt", "word_embed_proj_dim", "32", {"word_embed_proj_dim", "32", "64"});
  row("opt", "max_position_embeddings", "511", {"model.decoder.embed_positions.weight", "514 × 64", "513 × 64"});
  row("opt", "max_position_embeddings", "0", {"positions", "is 0"});
  row("bloom", "apply_residual_connection_post_layernorm", "true", {"apply_residual_connection_post_layernorm"});
  row("phi", "qk_layernorm", "true", {"qk_layernorm"});
  row("phi", "partial_rotary_factor", "1.5", {"partial_rotary_factor", "at most 1"});
  row("phi", "partial_rotary_factor", "0", {"partial_rotary_factor", "above 0"});
  row("gptj", "rotary_dim", "7", {"rotates 7", "even"});
  row("gptj", "rotary_dim", "18", {"rotates 18", "16"});
  row("mpt", "attn_config", R"({"alibi": false})", {"alibi", "true"});
  row("mpt", "attn_config", R"({"alibi": true, "alibi_bias_max": 0})", {"ALiBi", "above 0"});
  row("mixtral", "num_local_experts", "99999999", {"experts", "99999999"});
  row("mixtral", "num_experts_per_tok", "5", {"experts for each token", "is 5", "4"});
  row("mixtral", "num_experts_per_tok", "0", {"experts for each token", "is 0"});
  row("mixtral", "num_local_experts", "5", {"model.layers.0.block_sparse_moe.gate.weight", "4 × 64", "5 × 64"});
  row("gemma2", "query_pre_attn_scalar", "0", {"attention scores"});
  row("gemma2", "sliding_window", "-3", {"window"});
  row("gemma2", "attn_logit_softcapping", "-1", {"soft cap"});
  row("gemma2", "logits_scaling", "0", {"logit scale"});
  row("phi3_longrope", "rope_parameters", R"({"rope_type": "longrope", "short_factor": [1, 1, 1, 1, 1, 1, 1, 1]})",
      {"long_factor"});
  row("phi3_longrope", "rope_parameters", R"({"rope_type": "longrope", "short_factor": [1, 2], "long_factor": [1, 2]})",
      {"2 factors", "8"});
  row("phi3_longrope", "rope_parameters",
      R"({"rope_type": "longrope", "short_factor": [0, 1, 1, 1, 1, 1, 1, 1], "long_factor": [1, 1, 1, 1, 1, 1, 1, 1]})",
      {"factor of a rope frequency", "above 0"});
}

void ConfigTest::refuses_what_a_family_can_not() {
  QFETCH(QString, family);
  QFETCH(QString, key);
  QFETCH(QString, value);
  QFETCH(QStringList, parts);
  Folder folder("families/" + family.toStdString());
  QCOMPARE(folder.refusal_to_load(), QString());
  folder.config[key.toStdString()] = nlohmann::json::parse(value.toStdString());
  QCOMPARE(fault_of(folder.refusal_to_load(), parts << folder.name()), QString());
}

void ConfigTest::refuses_a_bad_gguf_key_data() {
  QTest::addColumn<QString>("key");
  QTest::addColumn<QString>("value");  // null: the key is left out
  QTest::addColumn<QStringList>("parts");
  const auto row = [](const char* key, const char* value, const QStringList& parts) {
    QTest::addRow("%s = %s", key, value) << key << value << parts;
  };
  row("general.architecture", "null", {"general.architecture"});
  row("general.architecture", "\"abacus\"", {"abacus", "llama"});
  row("general.architecture", "7", {"general.architecture"});
  row("general.architecture", "\"mamba2\"", {"mamba2", "recurrent"});
  row("general.architecture", "\"falcon-h1\"", {"falcon-h1", "recurrent"});
  for (const char* key :
       {"qwen2.block_count", "qwen2.embedding_length", "qwen2.feed_forward_length", "qwen2.attention.head_count",
        "qwen2.context_length", "qwen2.attention.layer_norm_rms_epsilon"}) {
    row(key, "null", {key});
    row(key, "\"many\"", {key});
  }
  row("qwen2.block_count", "0", {"layers", "is 0"});
  row("qwen2.block_count", "4294967295", {"qwen2.block_count", "4294967295"});
  row("qwen2.block_count", "4000", {"blk.2."});
  row("qwen2.embedding_length", "0", {"embedding length", "is 0"});
  row("qwen2.embedding_length", "-64", {"embedding length", "-64"});
  row("qwen2.attention.head_count", "0", {"attention heads", "is 0"});
  row("qwen2.attention.head_count_kv", "0", {"key/value heads", "is 0"});
  row("qwen2.attention.layer_norm_rms_epsilon", "2.5", {"epsilon"});
  row("qwen2.rope.freq_base", "0.0", {"rope base"});
  row("qwen2.rope.dimension_count", "17", {"17", "even"});
  row("qwen2.rope.dimension_count", "1000", {"1000"});
  row("qwen2.rope.scaling.type", "\"wave\"", {"wave", "linear"});
  row("qwen2.expert_count", "8", {"experts"});
}

void ConfigTest::refuses_a_bad_gguf_key() {
  QFETCH(QString, key);
  QFETCH(QString, value);
  QFETCH(QStringList, parts);
  const QString sentence = refusal_of_gguf(key.toStdString(), nlohmann::json::parse(value.toStdString()));
  QCOMPARE(fault_of(sentence, parts << "spoilt.gguf"), QString());
}

void ConfigTest::refuses_tensors_that_do_not_fit() {
  Folder missing;
  missing.edit_header("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.xx_proj.weight");
  QCOMPARE(fault_of(missing.refusal_to_load(), {missing.name(), "model.layers.1.mlp.up_proj.weight"}), QString());
  Folder turned;
  turned.config["intermediate_size"] = 64;
  QCOMPARE(
      fault_of(turned.refusal_to_load(), {turned.name(), "model.layers.0.mlp.gate_proj.weight", "160 × 64", "64 × 64"}),
      QString());
  Folder without_embedding;
  without_embedding.edit_header("model.embed_tokens.weight", "model.embed_tokenz.weight");
  QCOMPARE(fault_of(without_embedding.refusal_to_load(), {"model.embed_tokens.weight"}), QString());
}

void ConfigTest::refuses_gguf_tensors_that_do_not_fit() {
  const QString missing = refusal_of_gguf_tensor("blk.1.ffn_down.weight", [](TensorView&, auto&) { return false; });
  QCOMPARE(fault_of(missing, {"spoilt.gguf", "blk.1.ffn_down.weight"}), QString());
  const QString turned = refusal_of_gguf_tensor("blk.1.ffn_down.weight", [](TensorView& tensor, auto&) {
    std::swap(tensor.shape[0], tensor.shape[1]);
    return true;
  });
  QCOMPARE(fault_of(turned, {"spoilt.gguf", "blk.1.ffn_down.weight", "×", "should be"}), QString());
  const QString flat = refusal_of_gguf_tensor("token_embd.weight", [](TensorView& tensor, auto&) {
    tensor.shape = {tensor.shape[0] * tensor.shape[1]};
    return true;
  });
  QCOMPARE(fault_of(flat, {"spoilt.gguf", "token_embd.weight"}), QString());
  const QString gone = refusal_of_gguf_tensor("token_embd.weight", [](TensorView&, auto&) { return false; });
  QCOMPARE(fault_of(gone, {"spoilt.gguf", "neither", "token_embd.weight", "output.weight"}), QString());
  const QString short_norm = refusal_of_gguf_tensor("output_norm.weight", [](TensorView& tensor, auto&) {
    tensor.shape = {16};
    tensor.data = tensor.data.first(64);
    return true;
  });
  QCOMPARE(fault_of(short_norm, {"spoilt.gguf", "output_norm.weight", "16", "64"}), QString());
}

void ConfigTest::refuses_weights_that_are_not_finite_data() {
  QTest::addColumn<QString>("tensor");
  QTest::addColumn<float>("value");
  for (const char* tensor : {"model.embed_tokens.weight", "model.norm.weight", "model.layers.1.self_attn.k_proj.weight",
                             "model.layers.0.mlp.down_proj.weight", "lm_head.weight"}) {
    QTest::addRow("%s, NaN", tensor) << tensor << std::nanf("");
    QTest::addRow("%s, infinity", tensor) << tensor << -INFINITY;
  }
}

void ConfigTest::refuses_weights_that_are_not_finite() {
  QFETCH(QString, tensor);
  QFETCH(float, value);
  Folder folder;
  folder.set_first_value(tensor.toStdString(), value);
  QCOMPARE(fault_of(folder.refusal_to_load(), {folder.name(), tensor, "finite"}), QString());
}

void ConfigTest::takes_the_embedding_where_there_is_no_output_matrix() {
  for (const bool tied : {true, false}) {
    Folder folder("llama_tied_bias");
    QVERIFY(folder.weights.find("lm_head") == std::string::npos);
    folder.config["tie_word_embeddings"] = tied;
    QCOMPARE(folder.refusal_to_load(), QString());
  }
}

void ConfigTest::names_a_path_that_holds_no_model() {
  const TemporaryFolder folder;
  const QString nothing = refusal([&] { Model::load(folder.path("absent.gguf")); });
  QVERIFY2(nothing.contains("absent.gguf"), qPrintable(nothing));
  const QString empty = refusal([&] { Model::load(folder.path()); });
  QVERIFY2(empty.contains("config.json"), qPrintable(empty));
  const QString text = refusal([&] { Model::load(folder.write("notes.gguf", "not a model\n")); });
  QVERIFY2(text.contains("notes.gguf"), qPrintable(text));
}

QTEST_APPLESS_MAIN(ConfigTest)
#include "tst_config.moc"
