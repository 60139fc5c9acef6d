#pragma once

#include <QByteArray>
#include <QHash>
#include <QObject>
#include <QString>
#include <QStringList>
#include <QThreadPool>

namespace runnel::app {

/**
 * Knows which models can't be read, as far as that shows without their weights: what `runnel-cli inspect` says of them.
 * Looks at one after the other on a thread of its own, and again only when a model's files have changed. Its functions
 * are called and its signal comes on the thread it lives on. Destroying it waits for the model it is looking at.
 */
class ModelInspector : public QObject {
  Q_OBJECT

 public:
  explicit ModelInspector(QObject* parent = nullptr);
  ~ModelInspector() override;

  /** Looks at those of `paths` whose files are not as they were last time; `inspected` follows for each of them. */
  void inspect(const QStringList& paths);

  /** Why the model can't be read, as a sentence; empty when it can be, and as long as that is not known. */
  QString problem(const QString& path) const { return m_findings.value(path).problem; }

 Q_SIGNALS:
  void inspected(const QString& path);

 private:
  struct Finding {
    QByteArray state;  //!< of the model's files when it was looked at
    QString problem;
  };

  void note(const QString& path, const Finding& finding);

  QHash<QString, Finding> m_findings;
  QThreadPool m_pool;
};

}  // namespace runnel::app
