#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>

#include "app/chat/chat_backend.h"
#include "app/chat/conversation.h"
#include "app/settings/settings.h"
#include "app/store/conversation_store.h"
#include "app/store/snapshot_folder.h"
#include "ui/cache/cache_view_model.h"
#include "ui/conversations/conversation_list_model.h"
#include "ui/conversations/model_export.h"
#include "ui/conversations/model_picker.h"
#include "ui/settings/settings_view_model.h"
#include "ui/theme/color_scheme.h"
#include "ui/transcript/chat_view_model.h"
#include "ui/transcript/transcript_model.h"

namespace runnel::ui {

/** Ties the window's view models to what they show. Lives on the window's thread. */
class AppController : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(runnel::ui::ConversationListModel* conversations READ conversations CONSTANT)
  Q_PROPERTY(runnel::ui::ModelPicker* models READ models CONSTANT)
  Q_PROPERTY(runnel::ui::ModelExport* exporter READ exporter CONSTANT)
  Q_PROPERTY(runnel::ui::TranscriptModel* transcript READ transcript CONSTANT)
  Q_PROPERTY(runnel::ui::ChatViewModel* chat READ chat CONSTANT)
  Q_PROPERTY(runnel::ui::CacheViewModel* cache READ cache CONSTANT)
  Q_PROPERTY(runnel::ui::SettingsViewModel* settings READ settings CONSTANT)
  Q_PROPERTY(double currentId READ currentId NOTIFY currentChanged)
  Q_PROPERTY(QString currentTitle READ currentTitle NOTIFY currentChanged)
  Q_PROPERTY(QString problem READ problem NOTIFY problemChanged)
  Q_PROPERTY(QString damage READ damage NOTIFY damageChanged)
  Q_PROPERTY(bool dark READ dark NOTIFY darkChanged)

 public:
  /** What the window works with; everything outlives the controller. */
  struct Parts {
    app::ChatBackend& backend;
    app::ConversationStore& store;
    app::Settings& settings;
    QString modelFolder;                       //!< the model library
    int defaultThreads;                        //!< what "0 threads" means here
    app::SnapshotFolder* snapshots = nullptr;  //!< of the backend, if it has one
  };

  explicit AppController(const Parts& parts, QObject* parent = nullptr);

  ConversationListModel* conversations() { return &m_conversations; }
  ModelPicker* models() { return &m_models; }
  ModelExport* exporter() { return &m_export; }
  TranscriptModel* transcript() { return &m_transcript; }
  ChatViewModel* chat() { return &m_chat; }
  CacheViewModel* cache() { return &m_cache; }
  SettingsViewModel* settings() { return &m_settingsView; }
  double currentId() const { return static_cast<double>(m_session.conversationId()); }
  QString currentTitle() const { return m_conversations.titleOf(m_session.conversationId()); }
  QString problem() const { return m_problem; }
  /** Why the stored conversations can't be read, when their file is damaged; empty otherwise. */
  QString damage() const { return m_damage; }
  bool dark() const { return m_scheme.dark(); }

  /** Loads `model`, or the one used last when it is empty. */
  void start(const QString& model);

  Q_INVOKABLE void newConversation();
  Q_INVOKABLE void openConversation(qint64 id);
  /** Opens the conversation `step` places further down the list. */
  Q_INVOKABLE void openNeighbour(int step);
  Q_INVOKABLE void dismissProblem();
  void showProblem(const QString& sentence);
  /** Keeps the damaged file under another name and begins with an empty one. */
  Q_INVOKABLE void replaceDamagedStore();

 Q_SIGNALS:
  void currentChanged();
  void problemChanged();
  void damageChanged();
  void darkChanged();

 private:
  void connectModels();
  void connectSnapshots(app::SnapshotFolder& snapshots);
  void clearCache();

  app::ChatBackend& m_backend;
  app::ConversationStore& m_store;
  app::Settings& m_settings;
  app::ConversationSession m_session;
  ColorScheme m_scheme;
  TranscriptModel m_transcript;
  CacheViewModel m_cache;
  int m_snapshotMegabytes = -1;  // as the folder knows it
  ConversationListModel m_conversations;
  ModelPicker m_models;
  ModelExport m_export;
  SettingsViewModel m_settingsView;
  ChatViewModel m_chat;
  QString m_problem;
  QString m_loadProblem;  //!< why the last model that failed could not be loaded: over once another one is
  QString m_damage;
};

}  // namespace runnel::ui
