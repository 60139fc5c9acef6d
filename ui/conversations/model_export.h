#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>

#include "app/library/model_saver.h"
#include "app/settings/settings.h"
#include "ui/conversations/model_picker.h"

namespace runnel::ui {

/**
 * Saves the model that answers as a GGUF file in the model library. Its weights are in its source with all their bits,
 * and the file's are rounded: models whose source is rounded already have nothing to save. Lives on the window's
 * thread.
 *
 * A `kind` is what the file's weights are: "Q4_0" (4 bits, as a folder's are in memory), "Q8_0" or "F16".
 */
class ModelExport : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(bool possible READ possible NOTIFY changed)
  Q_PROPERTY(bool saving READ saving NOTIFY changed)
  Q_PROPERTY(double progress READ progress NOTIFY progressChanged)
  Q_PROPERTY(QString fileName READ fileName NOTIFY changed)
  Q_PROPERTY(QString result READ result NOTIFY changed)
  Q_PROPERTY(QString folder READ folder CONSTANT)

 public:
  /** `folder`: the model library; made when it is not there. */
  ModelExport(ModelPicker& models, app::Settings& settings, const QString& folder, QObject* parent = nullptr);

  /** Whether the model that answers can be saved now. */
  bool possible() const;
  bool saving() const { return m_saver.isSaving(); }
  double progress() const { return m_progress; }
  /** Name of the file that is being saved, or was saved last. */
  QString fileName() const { return m_fileName; }
  /** What was saved, as a sentence, until it is dismissed; else empty. */
  QString result() const { return m_result; }
  QString folder() const { return m_folder; }

  /** What a file of this kind is called, unless the user has a better name. */
  Q_INVOKABLE QString suggestedName(const QString& kind) const;
  /** What is wrong with `name` as a file's name, as a sentence; empty when nothing is. */
  Q_INVOKABLE QString nameProblem(const QString& name) const;
  /** Whether saving under `name` replaces a file. */
  Q_INVOKABLE bool isTaken(const QString& name) const;

  /** Saves in the library as `name`, with the ending .gguf added where it lacks. */
  Q_INVOKABLE void save(const QString& name, const QString& kind);
  Q_INVOKABLE void stop();
  Q_INVOKABLE void dismiss();
  /** Loads the file that was saved last. */
  Q_INVOKABLE void use();

 Q_SIGNALS:
  void changed();
  void progressChanged();
  void failed(const QString& message);

 private:
  QString pathOf(const QString& name) const;

  ModelPicker& m_models;
  app::Settings& m_settings;
  const QString m_folder;
  QString m_fileName;
  QString m_result;
  double m_progress = 0;
  app::ModelSaver m_saver;
};

}  // namespace runnel::ui
