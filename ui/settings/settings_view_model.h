#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>

#include <optional>

#include "app/chat/chat_backend.h"
#include "app/settings/settings.h"

namespace runnel::ui {

/**
 * The settings as the panel shows them.
 *
 * The cache's settings are a draft: they are checked while they are typed and go to the backend together with
 * `applyCache`, which may have to refuse them. Everything else takes effect at once. Lives on the window's thread.
 */
class SettingsViewModel : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(int ctxSize READ ctxSize WRITE setCtxSize NOTIFY draftChanged)
  Q_PROPERTY(int nKeep READ nKeep WRITE setNKeep NOTIFY draftChanged)
  Q_PROPERTY(int nDiscard READ nDiscard WRITE setNDiscard NOTIFY draftChanged)
  Q_PROPERTY(QString kvType READ kvType WRITE setKvType NOTIFY draftChanged)
  Q_PROPERTY(bool wholeMessages READ wholeMessages WRITE setWholeMessages NOTIFY draftChanged)
  Q_PROPERTY(bool cacheEdited READ cacheEdited NOTIFY draftChanged)
  Q_PROPERTY(bool applying READ applying NOTIFY draftChanged)
  Q_PROPERTY(QString cacheProblem READ cacheProblem NOTIFY draftChanged)
  Q_PROPERTY(QString cacheWarning READ cacheWarning NOTIFY draftChanged)
  Q_PROPERTY(QString cacheMemory READ cacheMemory NOTIFY draftChanged)

  Q_PROPERTY(double temperature READ temperature WRITE setTemperature NOTIFY changed)
  Q_PROPERTY(int topK READ topK WRITE setTopK NOTIFY changed)
  Q_PROPERTY(double topP READ topP WRITE setTopP NOTIFY changed)
  Q_PROPERTY(double minP READ minP WRITE setMinP NOTIFY changed)
  Q_PROPERTY(double repetitionPenalty READ repetitionPenalty WRITE setRepetitionPenalty NOTIFY changed)
  Q_PROPERTY(QString seed READ seed WRITE setSeed NOTIFY changed)
  Q_PROPERTY(int maxTokens READ maxTokens WRITE setMaxTokens NOTIFY changed)
  Q_PROPERTY(int threads READ threads WRITE setThreads NOTIFY changed)
  Q_PROPERTY(int defaultThreads READ defaultThreads CONSTANT)
  Q_PROPERTY(QString systemPrompt READ systemPrompt WRITE setSystemPrompt NOTIFY changed)
  Q_PROPERTY(bool keepSystem READ keepSystem WRITE setKeepSystem NOTIFY changed)
  Q_PROPERTY(int snapshotMegabytes READ snapshotMegabytes WRITE setSnapshotMegabytes NOTIFY changed)
  Q_PROPERTY(QString theme READ theme WRITE setTheme NOTIFY changed)
  Q_PROPERTY(double fontScale READ fontScale WRITE setFontScale NOTIFY changed)

 public:
  /** `defaultThreads`: what 0 threads means on this machine. */
  SettingsViewModel(app::Settings& settings, app::ChatBackend& backend, int defaultThreads, QObject* parent = nullptr);

  int ctxSize() const { return m_draft.ctx_size; }
  void setCtxSize(int value);
  int nKeep() const { return m_draft.n_keep; }
  void setNKeep(int value);
  int nDiscard() const { return m_draft.n_discard; }
  void setNDiscard(int value);
  QString kvType() const;
  /** What the engine has no type for is left out. */
  void setKvType(const QString& name);
  bool wholeMessages() const { return m_draft.whole_messages; }
  void setWholeMessages(bool whole);
  bool cacheEdited() const;
  bool applying() const { return m_applying; }
  /** Why the draft can't be applied: the engine's sentence, or the backend's refusal; empty when it can. */
  QString cacheProblem() const { return m_problem; }
  /** What is allowed, but costs more than one might think; empty when nothing does. */
  QString cacheWarning() const;
  /** Memory that the draft needs with the loaded model; empty without one. */
  QString cacheMemory() const;

  double temperature() const;
  void setTemperature(double value);
  int topK() const;
  void setTopK(int value);
  double topP() const;
  void setTopP(double value);
  double minP() const;
  void setMinP(double value);
  double repetitionPenalty() const;
  void setRepetitionPenalty(double value);
  /** Empty: another one for each answer. */
  QString seed() const;
  void setSeed(const QString& text);
  int maxTokens() const;
  void setMaxTokens(int value);
  int threads() const;
  void setThreads(int value);
  int defaultThreads() const { return m_defaultThreads; }
  QString systemPrompt() const;
  void setSystemPrompt(const QString& text);
  bool keepSystem() const;
  void setKeepSystem(bool keep);
  int snapshotMegabytes() const;
  void setSnapshotMegabytes(int megabytes);
  QString theme() const;
  void setTheme(const QString& theme);
  double fontScale() const;
  void setFontScale(double scale);

  Q_INVOKABLE void applyCache();
  Q_INVOKABLE void revertCache();
  Q_INVOKABLE void restoreSamplingDefaults();

  /** The model that the draft is checked against; none: none is loaded. */
  void setModel(std::optional<ModelFacts> facts);

 Q_SIGNALS:
  void draftChanged();
  void changed();

 private:
  void check();
  template <typename Change>
  void changeSampling(Change change);

  app::Settings& m_settings;
  app::ChatBackend& m_backend;
  const int m_defaultThreads;
  CacheSettings m_draft;
  std::optional<ModelFacts> m_model;
  QString m_problem;
  bool m_applying = false;
};

}  // namespace runnel::ui
