#include "ui/settings/settings_view_model.h"

#include <QLocale>

#include <algorithm>

#include "runnel/error.h"

namespace runnel::ui {

SettingsViewModel::SettingsViewModel(app::Settings& settings, app::ChatBackend& backend, int defaultThreads,
                                     QObject* parent)
    : QObject(parent),
      m_settings(settings),
      m_backend(backend),
      m_defaultThreads(defaultThreads),
      m_draft(settings.cache()) {
  connect(&m_settings, &app::Settings::changed, this, &SettingsViewModel::changed);
  connect(&m_backend, &app::ChatBackend::cacheSettingsApplied, this, [this](const CacheSettings& applied) {
    if (m_applying) m_settings.setCache(m_draft);
    m_applying = false;
    m_draft = applied;
    check();
  });
  connect(&m_backend, &app::ChatBackend::cacheSettingsRefused, this, [this](const QString& message) {
    m_applying = false;
    m_problem = message;
    Q_EMIT draftChanged();
  });
}

void SettingsViewModel::setCtxSize(int value) {
  if (value == m_draft.ctx_size) return;
  m_draft.ctx_size = value;
  check();
}

void SettingsViewModel::setNKeep(int value) {
  if (value == m_draft.n_keep) return;
  m_draft.n_keep = value;
  check();
}

void SettingsViewModel::setNDiscard(int value) {
  if (value == m_draft.n_discard) return;
  m_draft.n_discard = value;
  check();
}

QString SettingsViewModel::kvType() const {
  const std::string_view name = name_of(m_draft.kv_type);
  return QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
}

void SettingsViewModel::setKvType(const QString& name) {
  if (name == kvType()) return;
  try {
    m_draft.kv_type = kv_type_from(name.toStdString());
  } catch (const Error&) {
    return;
  }
  check();
}

void SettingsViewModel::setWholeMessages(bool whole) {
  if (whole == m_draft.whole_messages) return;
  m_draft.whole_messages = whole;
  check();
}

bool SettingsViewModel::cacheEdited() const {
  const CacheSettings kept = m_settings.cache();
  return kept.ctx_size != m_draft.ctx_size || kept.n_keep != m_draft.n_keep || kept.n_discard != m_draft.n_discard ||
         kept.kv_type != m_draft.kv_type || kept.whole_messages != m_draft.whole_messages;
}

QString SettingsViewModel::cacheWarning() const {
  const int quarter = m_draft.ctx_size / 4;
  const bool rereads = m_model && m_model->learned_positions && m_draft.n_discard > 0 && m_draft.n_discard < quarter;
  if (!rereads || !m_problem.isEmpty()) return {};
  return tr("This model learned fixed positions, so that each time something is forgotten, the rest is read again. "
            "Forget at least %1 tokens at a time, or half with -1.")
      .arg(quarter);
}

QString SettingsViewModel::cacheMemory() const {
  if (!m_model || !m_problem.isEmpty()) return {};
  const auto bytes = static_cast<qint64>(cache_bytes(*m_model, m_draft));
  return QLocale().formattedDataSize(bytes, 1, QLocale::DataSizeSIFormat);
}

double SettingsViewModel::temperature() const {
  return m_settings.sampling().temperature;
}
int SettingsViewModel::topK() const {
  return m_settings.sampling().top_k;
}
double SettingsViewModel::topP() const {
  return m_settings.sampling().top_p;
}
double SettingsViewModel::minP() const {
  return m_settings.sampling().min_p;
}
double SettingsViewModel::repetitionPenalty() const {
  return m_settings.sampling().repetition_penalty;
}
int SettingsViewModel::maxTokens() const {
  return m_settings.maxTokens();
}
int SettingsViewModel::threads() const {
  return m_settings.threads();
}
QString SettingsViewModel::systemPrompt() const {
  return m_settings.systemPrompt();
}
bool SettingsViewModel::keepSystem() const {
  return m_settings.keepSystem();
}
int SettingsViewModel::snapshotMegabytes() const {
  return m_settings.snapshotMegabytes();
}
QString SettingsViewModel::theme() const {
  return m_settings.theme();
}
double SettingsViewModel::fontScale() const {
  return m_settings.fontScale();
}

QString SettingsViewModel::seed() const {
  const auto seed = m_settings.sampling().seed;
  return seed ? QString::number(*seed) : QString();
}

template <typename Change>
void SettingsViewModel::changeSampling(Change change) {
  SamplerSettings sampling = m_settings.sampling();
  change(sampling);
  m_settings.setSampling(sampling);
}

void SettingsViewModel::setTemperature(double value) {
  changeSampling([&](SamplerSettings& s) { s.temperature = static_cast<float>(std::max(0.0, value)); });
}

void SettingsViewModel::setTopK(int value) {
  changeSampling([&](SamplerSettings& s) { s.top_k = std::max(0, value); });
}

void SettingsViewModel::setTopP(double value) {
  changeSampling([&](SamplerSettings& s) { s.top_p = static_cast<float>(std::clamp(value, 0.0, 1.0)); });
}

void SettingsViewModel::setMinP(double value) {
  changeSampling([&](SamplerSettings& s) { s.min_p = static_cast<float>(std::clamp(value, 0.0, 1.0)); });
}

void SettingsViewModel::setRepetitionPenalty(double value) {
  changeSampling([&](SamplerSettings& s) { s.repetition_penalty = static_cast<float>(std::max(0.01, value)); });
}

void SettingsViewModel::setSeed(const QString& text) {
  bool isNumber = false;
  const quint64 seed = text.trimmed().toULongLong(&isNumber);
  changeSampling([&](SamplerSettings& s) { s.seed = isNumber ? std::optional<std::uint64_t>(seed) : std::nullopt; });
}

void SettingsViewModel::setMaxTokens(int value) {
  m_settings.setMaxTokens(std::clamp(value, 1, 1'000'000));
}

void SettingsViewModel::setThreads(int value) {
  m_settings.setThreads(std::clamp(value, 0, 1024));
  m_backend.setThreads(m_settings.threads());
}

void SettingsViewModel::setSystemPrompt(const QString& text) {
  m_settings.setSystemPrompt(text);
}

void SettingsViewModel::setKeepSystem(bool keep) {
  m_settings.setKeepSystem(keep);
}

void SettingsViewModel::setSnapshotMegabytes(int megabytes) {
  m_settings.setSnapshotMegabytes(std::clamp(megabytes, 0, 1'000'000));
}

void SettingsViewModel::setTheme(const QString& theme) {
  m_settings.setTheme(theme);
}

void SettingsViewModel::setFontScale(double scale) {
  m_settings.setFontScale(std::clamp(scale, 0.75, 2.0));
}

void SettingsViewModel::applyCache() {
  check();
  if (!m_problem.isEmpty()) return;
  m_applying = true;
  Q_EMIT draftChanged();
  m_backend.setCacheSettings(m_draft);
}

void SettingsViewModel::revertCache() {
  m_draft = m_settings.cache();
  check();
}

void SettingsViewModel::restoreSamplingDefaults() {
  m_settings.setSampling({});
}

void SettingsViewModel::setModel(std::optional<ModelFacts> facts) {
  m_model = std::move(facts);
  check();
}

void SettingsViewModel::check() {
  m_problem.clear();
  try {
    const bool learnedPositions = m_model && m_model->learned_positions;
    validate(m_draft, m_model ? m_model->trained_context : 0, learnedPositions);
  } catch (const Error& error) {
    m_problem = QString::fromUtf8(error.what());
  }
  Q_EMIT draftChanged();
}

}  // namespace runnel::ui
