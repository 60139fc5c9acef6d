#pragma once

#include <QtQml/qqmlregistration.h>
#include <QAbstractListModel>
#include <QUrl>

#include <optional>

#include "app/chat/chat_backend.h"
#include "app/library/model_inspector.h"
#include "app/settings/settings.h"

namespace runnel::ui {

/**
 * Which model answers: the one that is loaded, what is being loaded, and (as rows) the models in the library's folder.
 * Lives on the window's thread.
 */
class ModelPicker : public QAbstractListModel {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(bool ready READ ready NOTIFY changed)
  Q_PROPERTY(bool loading READ loading NOTIFY changed)
  Q_PROPERTY(double progress READ progress NOTIFY progressChanged)
  Q_PROPERTY(QString name READ name NOTIFY changed)
  Q_PROPERTY(QString detail READ detail NOTIFY changed)
  Q_PROPERTY(QString path READ path NOTIFY changed)

 public:
  enum Roles { NameRole = Qt::UserRole + 1, PathRole, SizeRole, CurrentRole, ProblemRole };

  /** `folder`: the model library, a plain folder of .gguf files and Hugging Face folders. */
  ModelPicker(app::ChatBackend& backend, app::Settings& settings, const QString& folder, QObject* parent = nullptr);

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QHash<int, QByteArray> roleNames() const override;

  bool ready() const { return m_facts.has_value(); }
  bool loading() const { return !m_loadingPath.isEmpty(); }
  double progress() const { return m_progress; }
  QString name() const;
  QString detail() const;
  QString path() const { return m_path; }
  const std::optional<ModelFacts>& facts() const { return m_facts; }

  Q_INVOKABLE void load(const QString& path);
  /** Loads a model of the library, or says why it can't be read when that is known. */
  Q_INVOKABLE void choose(const QString& path);
  Q_INVOKABLE void loadUrl(const QUrl& url);
  Q_INVOKABLE void cancel();
  /** Looks into the library's folder again. */
  Q_INVOKABLE void rescan();

  /** Loads the model used last, or the first in the library; nothing when there is none. */
  void loadDefault();

 Q_SIGNALS:
  void changed();
  void progressChanged();
  void loaded();
  void failed(const QString& message);

 private:
  struct Entry {
    QString name;
    QString path;
    qint64 bytes;
    QString problem;  //!< why it can't be read; empty when it can be or nothing is known

    bool operator==(const Entry&) const = default;
  };

  QList<Entry> found() const;
  void noteProblem(const QString& path);
  void tellCurrent();

  app::ChatBackend& m_backend;
  app::Settings& m_settings;
  const QString m_folder;
  app::ModelInspector m_inspector;
  QList<Entry> m_entries;
  std::optional<ModelFacts> m_facts;
  QString m_path;
  QString m_loadingPath;
  double m_progress = 0;
};

}  // namespace runnel::ui
