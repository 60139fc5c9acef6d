#include "app/settings/settings.h"

#include <QSettings>
#include <QStringList>

#include <cmath>
#include <limits>

namespace runnel::app {

namespace {

constexpr int kLargestCtxSize = 1 << 20;
constexpr int kLargestAnswer = 1'000'000;
constexpr int kLargestThreads = 4096;
constexpr int kDefaultCtxSize = 4096;

int readInt(const QSettings& settings, const QString& key, int fallback, int low, int high) {
  bool ok = false;
  const int value = settings.value(key, fallback).toString().toInt(&ok);
  return ok && value >= low && value <= high ? value : fallback;
}

double readReal(const QSettings& settings, const QString& key, double fallback, double low, double high) {
  bool ok = false;
  const double value = settings.value(key, fallback).toString().toDouble(&ok);
  return ok && std::isfinite(value) && value >= low && value <= high ? value : fallback;
}

float readFloat(const QSettings& settings, const QString& key, float fallback, float low, float high) {
  return static_cast<float>(readReal(settings, key, fallback, low, high));
}

// A float is written with the digits that give it back exactly, not as the double next to it (0.94999998807…).
QString written(float value) {
  return QString::number(value, 'g', std::numeric_limits<float>::max_digits10);
}

QString written(bool value) {
  return value ? QStringLiteral("true") : QStringLiteral("false");
}

bool readBool(const QSettings& settings, const QString& key, bool fallback) {
  const QString value = settings.value(key).toString();
  return value == written(!fallback) ? !fallback : fallback;
}

QStringList themes() {
  return {QStringLiteral("system"), QStringLiteral("light"), QStringLiteral("dark")};
}

}  // namespace

Settings::Settings(const QString& file, QObject* parent)
    : QObject(parent),
      m_settings(file.isEmpty() ? std::make_unique<QSettings>(QSettings::IniFormat, QSettings::UserScope,
                                                              QStringLiteral("runnel"), QStringLiteral("runnel"))
                                : std::make_unique<QSettings>(file, QSettings::IniFormat)) {}

Settings::~Settings() = default;

void Settings::store(const QString& key, const QVariant& value) {
  m_settings->setValue(key, value);
  Q_EMIT changed();
}

runnel::CacheSettings Settings::cache() const {
  runnel::CacheSettings cache;
  cache.ctx_size = readInt(*m_settings, QStringLiteral("cache/ctx_size"), kDefaultCtxSize, 16, kLargestCtxSize);
  cache.n_keep = readInt(*m_settings, QStringLiteral("cache/n_keep"), cache.n_keep, 0, cache.ctx_size - 2);
  cache.n_discard =
      readInt(*m_settings, QStringLiteral("cache/n_discard"), cache.n_discard, -1, cache.ctx_size - cache.n_keep - 1);
  if (cache.n_discard == 0) cache.n_discard = runnel::CacheSettings{}.n_discard;
  if (m_settings->value(QStringLiteral("cache/kv_type")).toString() == QLatin1String("f32"))
    cache.kv_type = runnel::KvType::f32;
  cache.batch = readInt(*m_settings, QStringLiteral("cache/batch"), cache.batch, 1, kLargestCtxSize);
  cache.allow_untrained_ctx = readBool(*m_settings, QStringLiteral("cache/allow_untrained_ctx"), false);
  return cache;
}

void Settings::setCache(const runnel::CacheSettings& cache) {
  m_settings->setValue(QStringLiteral("cache/ctx_size"), cache.ctx_size);
  m_settings->setValue(QStringLiteral("cache/n_keep"), cache.n_keep);
  m_settings->setValue(QStringLiteral("cache/n_discard"), cache.n_discard);
  m_settings->setValue(QStringLiteral("cache/kv_type"),
                       cache.kv_type == runnel::KvType::f32 ? QStringLiteral("f32") : QStringLiteral("f16"));
  m_settings->setValue(QStringLiteral("cache/batch"), cache.batch);
  store(QStringLiteral("cache/allow_untrained_ctx"), written(cache.allow_untrained_ctx));
}

runnel::SamplerSettings Settings::sampling() const {
  const QSettings& file = *m_settings;
  constexpr int kMostInt = std::numeric_limits<int>::max();
  runnel::SamplerSettings sampling;
  sampling.repetition_penalty =
      readFloat(file, QStringLiteral("sampling/repetition_penalty"), sampling.repetition_penalty, 0.01F, 100.0F);
  sampling.repetition_window =
      readInt(file, QStringLiteral("sampling/repetition_window"), sampling.repetition_window, -1, kMostInt);
  sampling.top_k = readInt(file, QStringLiteral("sampling/top_k"), sampling.top_k, -1, kMostInt);
  sampling.top_p = readFloat(file, QStringLiteral("sampling/top_p"), sampling.top_p, 0.0F, 1.0F);
  sampling.min_p = readFloat(file, QStringLiteral("sampling/min_p"), sampling.min_p, 0.0F, 1.0F);
  sampling.temperature = readFloat(file, QStringLiteral("sampling/temperature"), sampling.temperature, 0.0F, 100.0F);
  bool ok = false;
  const quint64 seed = file.value(QStringLiteral("sampling/seed")).toString().toULongLong(&ok);
  if (ok) sampling.seed = seed;
  return sampling;
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

int Settings::maxTokens() const {
  return readInt(*m_settings, QStringLiteral("answer/max_tokens"), 1024, 1, kLargestAnswer);
}

void Settings::setMaxTokens(int tokens) {
  store(QStringLiteral("answer/max_tokens"), tokens);
}

int Settings::threads() const {
  return readInt(*m_settings, QStringLiteral("engine/threads"), 0, 0, kLargestThreads);
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
  return readBool(*m_settings, QStringLiteral("chat/keep_system"), true);
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
  const QString theme = m_settings->value(QStringLiteral("window/theme")).toString();
  return themes().contains(theme) ? theme : themes().first();
}

void Settings::setTheme(const QString& theme) {
  store(QStringLiteral("window/theme"), theme);
}

double Settings::fontScale() const {
  return readReal(*m_settings, QStringLiteral("window/font_scale"), 1.0, 0.75, 2.0);
}

void Settings::setFontScale(double scale) {
  store(QStringLiteral("window/font_scale"), scale);
}

}  // namespace runnel::app
