#include "app/library/model_inspector.h"

#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QLoggingCategory>

#include <exception>

#include "runnel/error.h"
#include "runnel/model.h"

namespace runnel::app {

namespace {

Q_LOGGING_CATEGORY(logLibrary, "runnel.library")

/** The files that a model consists of, as far as they may be split over several. */
QFileInfoList filesOf(const QString& path) {
  const QFileInfo model(path);
  if (model.isDir()) return QDir(path).entryInfoList(QDir::Files, QDir::Name);
  const qsizetype stem = model.fileName().indexOf(QLatin1String("-00001-of-"));
  if (stem < 0) return {model};
  QFileInfoList parts = model.dir().entryInfoList(QDir::Files, QDir::Name);
  parts.removeIf([&](const QFileInfo& file) { return !file.fileName().startsWith(model.fileName().left(stem)); });
  return parts;
}

/** Differs when one of the model's files was changed, replaced, made readable, added or removed. */
QByteArray stateOf(const QString& path) {
  QByteArray state = "files";
  for (const QFileInfo& file : filesOf(path)) {
    state += '\n' + QFile::encodeName(file.fileName());
    for (const qint64 number :
         {file.size(), file.lastModified().toMSecsSinceEpoch(), file.metadataChangeTime().toMSecsSinceEpoch()})
      state += '/' + QByteArray::number(number);
  }
  return state;
}

/** On the inspector's own thread. */
QString problemOf(const QString& path) {
  try {
    (void)runnel::Model::open_without_weights(QFile::encodeName(path).toStdString());
  } catch (const runnel::Error& error) {
    return QString::fromStdString(error.what());
  } catch (const std::exception& error) {
    // Short memory is no fault of the file's: loading it tells.
    qCInfo(logLibrary, "%ls could not be looked at: %s", qUtf16Printable(path), error.what());
  }
  return {};
}

}  // namespace

ModelInspector::ModelInspector(QObject* parent) : QObject(parent) {
  m_pool.setMaxThreadCount(1);
}

ModelInspector::~ModelInspector() {
  m_pool.clear();
  m_pool.waitForDone();
}

void ModelInspector::inspect(const QStringList& paths) {
  for (const QString& path : paths) {
    const QByteArray state = stateOf(path);
    Finding& finding = m_findings[path];
    if (finding.state == state) continue;
    finding = {.state = state, .problem = {}};
    m_pool.start([this, path, state] {
      const Finding found{.state = state, .problem = problemOf(path)};
      QMetaObject::invokeMethod(this, [this, path, found] { note(path, found); });
    });
  }
}

void ModelInspector::note(const QString& path, const Finding& finding) {
  if (m_findings.value(path).state != finding.state) return;  // it has changed again and is looked at again
  m_findings[path] = finding;
  Q_EMIT inspected(path);
}

}  // namespace runnel::app
