#include "app/settings/settings.h"

#include <QSettings>
#include <QStringList>

#include <cmath>
#include <limits>
#include <optional>

namespace runnel::app {

namespace {

constexpr int kLargestCtxSize = 1 << 20;
constexpr int kLargestAnswer = 1'000'000;
constexpr int kLargestThreads = 4096;
constexpr int kDefaultCtxSize = 4096;
constexpr int kShownLength = 40;  // of a value that can't be used

// A float is written with the digits that give it back exactly, not as the double next to it (0.94999998807…).
QString written(float value) {
  return QString::number(value, 'g', std::numeric_limits<float>::max_digits10);
}

QString written(bool value) {
  return value ? QStringLiteral("true") : QStringLiteral("false");
}

/** Reads values from a file that anybody may have written: one that can't be used is noted, and the fallback holds. */
class Reader {
 public:
  explicit Reader(const QSettings& file, QStringList* unusable = nullptr) : m_file(file), m_unusable(unusable) {}

  int integer(const char* key, int fallback, int low, int high) const {
    bool ok = false;
    const int value = text(key).toInt(&ok);
    return checked(key, ok && value >= low && value <= high, value, fallback);
  }
  double real(const char* key, double fallback, double low, double high) const {
    bool ok = false;
    const double value = text(key).toDouble(&ok);
    return checked(key, ok && std::isfinite(value) && value >= low && value <= high, value, fallback);
  }
  float realFloat(const char* key, float fallback, float low, float high) const {
    return static_cast<float>(real(key, fallback, low, high));
  }
  bool flag(const char* key, bool fallback) const {
    const QString value = text(key);
    return checked(key, value == written(true) || value == written(false), value == written(true), fallback);
  }
  std::optional<quint64> seed(const char* key) const {
    bool ok = false;
    const quint64 value = text(key).toULongLong(&ok);
    return checked<std::optional<quint64>>(key, ok, value, std::nullopt);
  }
  /** One of `choices`, of which the first is the fallback. */
  QString choice(const char* key, const QStringList& choices) const {
    return checked(key, choices.contains(text(key)), text(key), choices.first());
  }
  QString text(const char* key) const { return m_file.value(QLatin1String(key)).toString(); }

 private:
  template <typename Value>
  Value checked(const char* key, bool isUsable, const Value& value, const Value& fallback) const {
    if (isUsable) return value;
    if (m_unusable != nullptr && m_file.contains(QLatin1String(key)))
      m_unusable->append(QLatin1String(key) + QLatin1String(" = ") + text(key).left(kShownLength));
    return fallback;
  }

  const QSettings& m_file;
  QStringList* m_unusable;
};

QStringList themes() {
  return {QStringLiteral("system"), QStringLiteral("light"), QStringLiteral("dark")};
}

QString nameOf(runnel::KvType type) {
  return QString::fromUtf8(runnel::name_of(type).data());
}

runnel::CacheSettings readCache(const Reader& reader) {
  runnel::CacheSettings cache;
  cache.ctx_size = reader.integer("cache/ctx_size", kDefaultCtxSize, 16, kLargestCtxSize);
  cache.n_keep = reader.integer("cache/n_keep", cache.n_keep, 0, cache.ctx_size - 2);
  const int most = cache.ctx_size - cache.n_keep - 1;
  // -1: half of what can be evicted. 0 would evict nothing.
  cache.n_discard = reader.text("cache/n_discard") == QLatin1String("-1")
                        ? -1
                        : reader.integer("cache/n_discard", cache.n_discard, 1, most);
  const QStringList kvTypes{nameOf(runnel::KvType::f16), nameOf(runnel::KvType::bf16), nameOf(runnel::KvType::q8),
                            nameOf(runnel::KvType::f32)};
  cache.kv_type = runnel::kv_type_from(reader.choice("cache/kv_type", kvTypes).toStdString());
  cache.batch = reader.integer("cache/batch", cache.batch, 1, kLargestCtxSize);
  cache.allow_untrained_ctx = reader.flag("cache/allow_untrained_ctx", false);
  cache.whole_messages = reader.flag("cache/whole_messages", cache.whole_messages);
  return cache;
}

runnel::SamplerSettings readSampling(const Reader& reader) {
  constexpr int kMostInt = std::numeric_limits<int>::max();
  runnel::SamplerSettings sampling;
  sampling.repetition_penalty =
      reader.realFloat("sampling/repetition_penalty", sampling.repetition_penalty, 0.01F, 100.0F);
  sampling.repetition_window = reader.integer("sampling/repetition_window", sampling.repetition_window, -1, kMostInt);
  sampling.top_k = reader.integer("sampling/top_k", sampling.top_k, -1, kMostInt);
  sampling.top_p = reader.realFloat("sampling/top_p", sampling.top_p, 0.0F, 1.0F);
  sampling.min_p = reader.realFloat("sampling/min_p", sampling.min_p, 0.0F, 1.0F);
  sampling.temperature = reader.realFloat("sampling/temperature", sampling.temperature, 0.0F, 100.0F);
  sampling.seed = reader.seed("sampling/seed");
  return sampling;
}

int readMaxTokens(const Reader& reader) {
  return reader.integer("answer/max_tokens", 1024, 1, kLargestAnswer);
}

int readThreads(const Reader& reader) {
  return reader.integer("engine/threads", 0, 0, kLargestThreads);
}

bool readKeepSystem(const Reader& reader) {
  return reader.flag("chat/keep_system", true);
}

int readSnapshotMegabytes(const Reader& reader) {
  return reader.integer("cache/snapshot_megabytes", 2000, 0, 1'000'000);
}

QString readTheme(const Reader& reader) {
  return reader.choice("window/theme", themes());
}

double readFontScale(const Reader& reader) {
  return reader.real("window/font_scale", 1.0, 0.75, 2.0);
}

}  // namespace

Settings::Settings(const QString& file, QObject* parent)
    : QObject(parent),
      m_settings(file.isEmpty() ? std::make_unique<QSettings>(QSettings::IniFormat, QSettings::UserScope,
                                                              QStringLiteral("runnel"), QStringLiteral("runnel"))
                                : std::make_unique<QSettings>(file, QSettings::IniFormat)) {}

Settings::~Settings() = default;

QString Settings::problem() const {
  QStringList unusable;
  const Reader reader(*m_settings, &unusable);
  readCache(reader);
  readSampling(reader);
  readMaxTokens(reader);
  readThreads(reader);
  readKeepSystem(reader);
  readSnapshotMegabytes(reader);
  readTheme(reader);
  readFontScale(reader);
  if (unusable.isEmpty()) {
    if (m_settings->status() != QSettings::FormatError) return {};
    return tr("The settings file %1 can't be understood; what it does not say has its default.")
        .arg(m_settings->fileName());
  }
  return tr("In the settings file %1 some values can't be used, and their defaults hold instead: %2.")
      .arg(m_settings->fileName(), unusable.join(QLatin1String(", ")));
}

runnel::CacheSettings Settings::cache() const {
  return readCache(Reader(*m_settings));
}

runnel::SamplerSettings Settings::sampling() const {
  return readSampling(Reader(*m_settings));
}

void Settings::store(const QString& key, const QVariant& value) {
  m_settings->setValue(key, value);
  Q_EMIT changed();
}

void Settings::setCache(const runnel::CacheSettings& cache) {
  m_settings->setValue(QStringLiteral("cache/ctx_size"), cache.ctx_size);
  m_settings->setValue(QStringLiteral("cache/n_keep"), cache.n_keep);
  m_settings->setValue(QStringLiteral("cache/n_discard"), cache.n_discard);
  m_settings->setValue(QStringLiteral("cache/kv_type"), nameOf(cache.kv_type));
  m_settings->setValue(QStringLiteral("cache/batch"), cache.batch);
  m_settings->setValue(QStringLiteral("cache/whole_messages"), written(cache.whole_messages));
  store(QStringLiteral("cache/allow_untrained_ctx"), written(cache.allow_untrained_ctx));
}

void Settings::setSampling(const runnel::SamplerSettings& sampling) {
  m_settings->setValue(QStringLiteral("sampling/repetition_penalty"), written(sampling.repetition_penalty));
  m_settings->setValue(QStringLiteral("sampling/repetition_window"), sampling.repetition_window);
  m_settings->setValue(QStringLiteral("sampling/top_k"), sampling.top_k);
  m_settings->setValue(QStringLiteral("sampling/top_p"), written(sampling.top_p));
  m_settings->setValue(QStringLiteral("sampling/min_p"), written(sampling.min_p));
  if (sampling.seed)
    m_settings->setValue(QStringLiteral("sampling/seed"), QString::number(*sampling.seed));
  else
    m_settings->remove(QStringLiteral("sampling/seed"));
  store(QStringLiteral("sampling/temperature"), written(sampling.temperature));
}

int Settings::snapshotMegabytes() const {
  return readSnapshotMegabytes(Reader(*m_settings));
}

void Settings::setSnapshotMegabytes(int megabytes) {
  store(QStringLiteral("cache/snapshot_megabytes"), megabytes);
}

int Settings::maxTokens() const {
  return readMaxTokens(Reader(*m_settings));
}

void Settings::setMaxTokens(int tokens) {
  store(QStringLiteral("answer/max_tokens"), tokens);
}

int Settings::threads() const {
  return readThreads(Reader(*m_settings));
}

void Settings::setThreads(int threads) {
  store(QStringLiteral("engine/threads"), threads);
}

QString Settings::systemPrompt() const {
  return m_settings->value(QStringLiteral("chat/system_prompt")).toString();
}

void Settings::setSystemPrompt(const QString& text) {
  store(QStringLiteral("chat/system_prompt"), text);
}

bool Settings::keepSystem() const {
  return readKeepSystem(Reader(*m_settings));
}

void Settings::setKeepSystem(bool keep) {
  store(QStringLiteral("chat/keep_system"), written(keep));
}

QString Settings::modelPath() const {
  return m_settings->value(QStringLiteral("engine/model")).toString();
}

void Settings::setModelPath(const QString& path) {
  store(QStringLiteral("engine/model"), path);
}

QString Settings::theme() const {
  return readTheme(Reader(*m_settings));
}

void Settings::setTheme(const QString& theme) {
  store(QStringLiteral("window/theme"), theme);
}

double Settings::fontScale() const {
  return readFontScale(Reader(*m_settings));
}

void Settings::setFontScale(double scale) {
  store(QStringLiteral("window/font_scale"), scale);
}

}  // namespace runnel::app
