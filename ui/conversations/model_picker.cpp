#include "ui/conversations/model_picker.h"

#include <QDir>
#include <QFileInfo>
#include <QLocale>
#include <QRegularExpression>

namespace runnel::ui {

namespace {

QString sizeText(qint64 bytes) {
  return QLocale().formattedDataSize(bytes, 0, QLocale::DataSizeSIFormat);
}

/** What people call a model: its file's name without the ending, the number of parts and the block type, which is shown
 *  beside it. The name inside a file is often that of a step in its making. */
QString titleOf(const QString& path) {
  const QFileInfo file(path);
  if (file.isDir()) return file.fileName();
  static const QRegularExpression tail(QStringLiteral(R"((-\d{5}-of-\d{5})|([.-](I?Q\d\w*|BF16|F16|F32))$)"),
                                       QRegularExpression::CaseInsensitiveOption);
  return file.completeBaseName().remove(tail);
}

/** A split model is opened by its first part; the others are no models of their own. */
bool isLaterPart(const QString& fileName) {
  return fileName.contains(QLatin1String("-of-")) && !fileName.contains(QLatin1String("-00001-of-"));
}

}  // namespace

ModelPicker::ModelPicker(app::ChatBackend& backend, app::Settings& settings, const QString& folder, QObject* parent)
    : QAbstractListModel(parent), m_backend(backend), m_settings(settings), m_folder(folder) {
  connect(&m_backend, &app::ChatBackend::loadProgress, this, [this](double done) {
    m_progress = done;
    Q_EMIT progressChanged();
  });
  connect(&m_backend, &app::ChatBackend::loaded, this, [this](const QString& path, const ModelFacts& facts) {
    m_loadingPath.clear();
    m_path = path;
    m_facts = facts;
    m_settings.setModelPath(path);
    Q_EMIT changed();
    tellCurrent();
    Q_EMIT loaded();
  });
  connect(&m_backend, &app::ChatBackend::loadFailed, this, [this](const QString& message) {
    m_loadingPath.clear();
    Q_EMIT changed();
    if (!message.isEmpty()) Q_EMIT failed(message);
  });
  connect(&m_inspector, &app::ModelInspector::inspected, this, &ModelPicker::noteProblem);
  rescan();
}

int ModelPicker::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}

QVariant ModelPicker::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const Entry& entry = m_entries[index.row()];
  switch (role) {
    case Qt::DisplayRole:
    case NameRole:
      return entry.name;
    case PathRole:
      return entry.path;
    case SizeRole:
      return entry.bytes > 0 ? sizeText(entry.bytes) : tr("folder");
    case CurrentRole:
      return entry.path == m_path;
    case ProblemRole:
      return QString(entry.problem).remove(m_folder + QLatin1Char('/'));  // the sentence begins with the whole path
    default:
      return {};
  }
}

QHash<int, QByteArray> ModelPicker::roleNames() const {
  return {
      {NameRole, "name"}, {PathRole, "path"}, {SizeRole, "size"}, {CurrentRole, "current"}, {ProblemRole, "problem"}};
}

QString ModelPicker::name() const {
  if (loading()) return titleOf(m_loadingPath);
  return m_facts ? titleOf(m_path) : tr("No model");
}

QString ModelPicker::detail() const {
  if (loading()) return tr("Loading …");
  if (!m_facts) return tr("Choose one to begin");
  return tr("%1 · %2 · on this computer")
      .arg(QString::fromStdString(m_facts->quantization), sizeText(static_cast<qint64>(m_facts->weight_bytes)));
}

void ModelPicker::load(const QString& path) {
  m_loadingPath = path;
  m_progress = 0;
  Q_EMIT changed();
  Q_EMIT progressChanged();
  m_backend.load({.path = path, .threads = m_settings.threads()});
}

void ModelPicker::choose(const QString& path) {
  m_inspector.inspect({path});  // the file may have been repaired since the menu was opened
  const QString problem = m_inspector.problem(path);
  if (problem.isEmpty())
    load(path);
  else
    Q_EMIT failed(problem);
}

void ModelPicker::loadUrl(const QUrl& url) {
  if (url.isLocalFile())
    load(url.toLocalFile());
  else
    Q_EMIT failed(tr("%1 is not a file on this computer; open a .gguf file or a folder from Hugging Face.")
                      .arg(url.toDisplayString()));
}

void ModelPicker::cancel() {
  if (loading()) m_backend.cancelLoad();
}

void ModelPicker::rescan() {
  QList<Entry> entries = found();
  QStringList paths;
  for (const Entry& entry : entries) paths.append(entry.path);
  m_inspector.inspect(paths);
  for (Entry& entry : entries) entry.problem = m_inspector.problem(entry.path);
  if (entries == m_entries) return;
  beginResetModel();
  m_entries = entries;
  endResetModel();
}

QList<ModelPicker::Entry> ModelPicker::found() const {
  QList<Entry> entries;
  const auto infos = QDir(m_folder).entryInfoList(QDir::Files | QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name);
  for (const QFileInfo& info : infos) {
    const bool isModelFile = info.suffix().compare(QLatin1String("gguf"), Qt::CaseInsensitive) == 0;
    const bool isModelFolder = info.isDir() && QFileInfo::exists(info.filePath() + QStringLiteral("/config.json"));
    if ((isModelFile && !info.isDir() && !isLaterPart(info.fileName())) || isModelFolder)
      entries.append({.name = info.isDir() ? info.fileName() : info.completeBaseName(),
                      .path = info.filePath(),
                      .bytes = info.isDir() ? 0 : info.size(),
                      .problem = {}});
  }
  return entries;
}

void ModelPicker::noteProblem(const QString& path) {
  for (int row = 0; row < rowCount(); ++row) {
    Entry& entry = m_entries[row];
    if (entry.path != path) continue;
    entry.problem = m_inspector.problem(path);
    Q_EMIT dataChanged(index(row), index(row), {ProblemRole});
  }
}

void ModelPicker::tellCurrent() {
  if (!m_entries.isEmpty()) Q_EMIT dataChanged(index(0), index(rowCount() - 1), {CurrentRole});
}

void ModelPicker::loadDefault() {
  const QString last = m_settings.modelPath();
  const bool isThere = QFileInfo::exists(last);
  if (!last.isEmpty() && !isThere) Q_EMIT failed(tr("The model used last, %1, is no longer there.").arg(last));
  if (isThere)
    load(last);
  else if (!m_entries.isEmpty())
    load(m_entries.constFirst().path);
}

}  // namespace runnel::ui
