#include "tests/app/tiny_model.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtEndian>

#include <map>
#include <random>

namespace runnel::app {

namespace {

constexpr int kVocabulary = 1000;
constexpr int kWidth = 64;
constexpr int kHidden = 96;
constexpr int kEndOfText = 0;
constexpr int kEndOfTurn = 2;

void write(const QString& path, const QByteArray& bytes) {
  QFile file(path);
  if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) qFatal("%s", qPrintable(path));
}

/** A file in the safetensors format: length of the header, header, data. */
class Safetensors {
 public:
  explicit Safetensors(unsigned seed) : m_random(seed) {}

  /** `factors`: of rows whose values shall be larger or smaller than those of the others. */
  void addRandom(const QString& name, int rows, int columns, float deviation,
                 const std::map<int, float>& factors = {}) {
    std::normal_distribution<float> normal(0, deviation);
    int added = 0;
    add(name, QJsonArray{rows, columns}, rows * columns, [&] {
      const auto factor = factors.find(added++ / columns);
      return normal(m_random) * (factor == factors.end() ? 1.0F : factor->second);
    });
  }
  void addOnes(const QString& name, int size) {
    add(name, QJsonArray{size}, size, [] { return 1.0F; });
  }
  QByteArray bytes() const {
    const QByteArray header = QJsonDocument(m_header).toJson(QJsonDocument::Compact);
    QByteArray length(8, Qt::Uninitialized);
    qToLittleEndian<quint64>(static_cast<quint64>(header.size()), length.data());
    return length + header + m_data;
  }

 private:
  template <typename Value>
  void add(const QString& name, const QJsonArray& shape, int count, Value value) {
    const qsizetype start = m_data.size();
    for (int i = 0; i < count; ++i) {
      const float number = value();
      m_data.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    m_header.insert(name, QJsonObject{{QStringLiteral("dtype"), QStringLiteral("F32")},
                                      {QStringLiteral("shape"), shape},
                                      {QStringLiteral("data_offsets"), QJsonArray{start, m_data.size()}}});
  }

  std::mt19937 m_random;
  QJsonObject m_header;
  QByteArray m_data;
};

QByteArray weights(const TinyModel& model) {
  Safetensors file(model.seed);
  file.addRandom(QStringLiteral("model.embed_tokens.weight"), kVocabulary, kWidth, 1.0F);
  for (int layer = 0; layer < model.layers; ++layer) {
    const QString prefix = QStringLiteral("model.layers.%1.").arg(layer);
    file.addOnes(prefix + QStringLiteral("input_layernorm.weight"), kWidth);
    file.addOnes(prefix + QStringLiteral("post_attention_layernorm.weight"), kWidth);
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      file.addRandom(prefix + QStringLiteral("self_attn.%1.weight").arg(QLatin1String(name)), kWidth, kWidth, 0.2F);
    for (const char* name : {"gate_proj", "up_proj"})
      file.addRandom(prefix + QStringLiteral("mlp.%1.weight").arg(QLatin1String(name)), kHidden, kWidth, 0.2F);
    file.addRandom(prefix + QStringLiteral("mlp.down_proj.weight"), kWidth, kHidden, 0.2F);
  }
  file.addOnes(QStringLiteral("model.norm.weight"), kWidth);
  // Of 1,000 random logits the greatest is above the 0 of these two, whatever kernels have computed it.
  std::map<int, float> factors = {{kEndOfText, 0.0F}, {kEndOfTurn, 0.0F}};
  if (model.loudToken >= 0) factors[model.loudToken] = 4;
  file.addRandom(QStringLiteral("lm_head.weight"), kVocabulary, kWidth, 0.3F, factors);
  return file.bytes();
}

}  // namespace

QString writeTinyModel(const QString& folder, const TinyModel& model) {
  QDir().mkpath(folder);
  const QJsonObject config{
      {QStringLiteral("architectures"), QJsonArray{QStringLiteral("LlamaForCausalLM")}},
      {QStringLiteral("model_type"), QStringLiteral("llama")},
      {QStringLiteral("hidden_act"), QStringLiteral("silu")},
      {QStringLiteral("hidden_size"), kWidth},
      {QStringLiteral("intermediate_size"), kHidden},
      {QStringLiteral("num_attention_heads"), 4},
      {QStringLiteral("num_key_value_heads"), 4},
      {QStringLiteral("num_hidden_layers"), model.layers},
      {QStringLiteral("max_position_embeddings"), model.trainedContext},
      {QStringLiteral("rms_norm_eps"), 1e-5},
      {QStringLiteral("rope_theta"), 10000.0},
      {QStringLiteral("tie_word_embeddings"), false},
      {QStringLiteral("vocab_size"), kVocabulary},
      {QStringLiteral("bos_token_id"), kEndOfText},
      {QStringLiteral("eos_token_id"), kEndOfTurn},
      {QStringLiteral("torch_dtype"), QStringLiteral("float32")},
  };
  const QJsonObject tokenizer{
      {QStringLiteral("chat_template"), model.chatTemplate},
      {QStringLiteral("bos_token"), QStringLiteral("<|endoftext|>")},
      {QStringLiteral("eos_token"), QStringLiteral("<|im_end|>")},
      {QStringLiteral("add_bos_token"), false},
  };
  write(folder + QStringLiteral("/config.json"), QJsonDocument(config).toJson());
  write(folder + QStringLiteral("/tokenizer_config.json"), QJsonDocument(tokenizer).toJson());
  write(folder + QStringLiteral("/model.safetensors"), weights(model));
  QFile::copy(QStringLiteral(RUNNEL_FIXTURES "/tokenizers/bpe_gpt2.tokenizer.json"),
              folder + QStringLiteral("/tokenizer.json"));
  return folder;
}

}  // namespace runnel::app
