#include "ui/conversations/model_export.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLocale>

namespace runnel::ui {

namespace {

const QString kEnding = QStringLiteral(".gguf");

QuantizeOptions optionsOf(const QString& kind, int threads) {
  QuantizeOptions options{.threads = threads};
  if (kind == QLatin1String("Q8_0")) options.weight_dtype = WeightType::int8;
  if (kind == QLatin1String("F16")) options.weight_dtype = WeightType::f16;
  return options;
}

QString withEnding(const QString& name) {
  return name.endsWith(kEnding, Qt::CaseInsensitive) ? name : name + kEnding;
}

}  // namespace

ModelExport::ModelExport(ModelPicker& models, app::Settings& settings, const QString& folder, QObject* parent)
    : QObject(parent), m_models(models), m_settings(settings), m_folder(folder) {
  connect(&m_models, &ModelPicker::changed, this, &ModelExport::changed);
  connect(&m_saver, &app::ModelSaver::progressed, this, [this](double done) {
    m_progress = done;
    Q_EMIT progressChanged();
  });
  connect(&m_saver, &app::ModelSaver::saved, this, [this](const QString&, qint64 bytes) {
    const QString size = QLocale().formattedDataSize(bytes, 0, QLocale::DataSizeSIFormat);
    m_result = tr("Saved %1, %2").arg(m_fileName, size);
    m_models.rescan();
    Q_EMIT changed();
  });
  connect(&m_saver, &app::ModelSaver::stopped, this, &ModelExport::changed);
  connect(&m_saver, &app::ModelSaver::failed, this, [this](const QString& message) {
    Q_EMIT changed();
    Q_EMIT failed(message);
  });
}

bool ModelExport::possible() const {
  if (!m_models.ready() || m_models.loading() || saving()) return false;
  const std::string& now = m_models.facts()->quantization;
  return QFileInfo(m_models.path()).isDir() || now == "F32" || now == "F16" || now == "BF16";
}

QString ModelExport::suggestedName(const QString& kind) const {
  return QStringLiteral("%1.%2%3").arg(m_models.name(), kind, kEnding);
}

QString ModelExport::nameProblem(const QString& name) const {
  constexpr qsizetype longestName = 255;  // bytes, of every usual file system
  if (name.trimmed().isEmpty()) return tr("The file needs a name.");
  if (name.contains(u'/') || name.contains(QChar::Null)) return tr("A file’s name can’t hold a slash.");
  if (name.trimmed().startsWith(u'.')) return tr("A file whose name begins with a dot would be hidden.");
  if (QFile::encodeName(withEnding(name.trimmed())).size() > longestName) return tr("This name is too long.");
  return {};
}

bool ModelExport::isTaken(const QString& name) const {
  return nameProblem(name).isEmpty() && QFileInfo::exists(pathOf(name));
}

void ModelExport::save(const QString& name, const QString& kind) {
  if (!possible()) return;
  const QString problem = nameProblem(name);
  if (!problem.isEmpty()) {
    Q_EMIT failed(problem);
    return;
  }
  if (!QDir().mkpath(m_folder)) {
    Q_EMIT failed(tr("The folder %1 can’t be made; check whether its disk is full or read-only.").arg(m_folder));
    return;
  }
  const QString path = pathOf(name);
  m_fileName = QFileInfo(path).fileName();
  m_result.clear();
  m_progress = 0;
  m_saver.save(m_models.path(), path, optionsOf(kind, m_settings.threads()));
  Q_EMIT progressChanged();
  Q_EMIT changed();
}

void ModelExport::stop() {
  m_saver.stop();
}

void ModelExport::dismiss() {
  m_result.clear();
  Q_EMIT changed();
}

void ModelExport::use() {
  dismiss();
  m_models.load(pathOf(m_fileName));
}

QString ModelExport::pathOf(const QString& name) const {
  return QDir(m_folder).filePath(withEnding(name.trimmed()));
}

}  // namespace runnel::ui
