#include "ui/app_controller.h"

#include <utility>

namespace runnel::ui {

namespace {

app::Watched watchedFor(CacheViewModel::Colouring colouring) {
  switch (colouring) {
    case CacheViewModel::Attention:
      return app::Watched::Attention;
    case CacheViewModel::Surprise:
      return app::Watched::Surprise;
    case CacheViewModel::Whose:
      break;
  }
  return app::Watched::Nothing;
}

}  // namespace

AppController::AppController(const Parts& parts, QObject* parent)
    : QObject(parent),
      m_backend(parts.backend),
      m_store(parts.store),
      m_settings(parts.settings),
      m_session(parts.backend, parts.store, parts.settings),
      m_conversations(parts.store, m_session),
      m_models(parts.backend, parts.settings, parts.modelFolder),
      m_export(m_models, parts.settings, parts.modelFolder),
      m_settingsView(parts.settings, parts.backend, parts.defaultThreads),
      m_chat(parts.backend, m_session, m_transcript) {
  m_scheme.setChoice(m_settings.theme());
  connect(&m_scheme, &ColorScheme::darkChanged, this, &AppController::darkChanged);
  connect(&m_settings, &app::Settings::changed, this, [this] { m_scheme.setChoice(m_settings.theme()); });
  connect(&parts.store, &app::ConversationStore::failed, this, &AppController::showProblem);
  connectModels();
  if (parts.snapshots != nullptr) connectSnapshots(*parts.snapshots);
  clearCache();
  if (m_store.isDamaged())
    m_damage = m_store.error();
  else
    m_problem = m_store.error().isEmpty() ? m_settings.problem() : m_store.error();
}

void AppController::connectModels() {
  connect(&m_session, &app::ConversationSession::conversationChanged, this, &AppController::currentChanged);
  connect(&m_chat, &ChatViewModel::failed, this, &AppController::showProblem);
  connect(&m_chat, &ChatViewModel::pinRefused, this, &AppController::showProblem);
  connect(&m_conversations, &QAbstractItemModel::dataChanged, this, &AppController::currentChanged);
  connect(&m_conversations, &QAbstractItemModel::modelReset, this, &AppController::currentChanged);
  connect(&m_conversations, &ConversationListModel::removed, this, [this](qint64 id) {
    if (id == m_session.conversationId()) newConversation();
  });
  connect(&m_models, &ModelPicker::failed, this, &AppController::showProblem);
  connect(&m_export, &ModelExport::failed, this, &AppController::showProblem);
  connect(&m_backend, &app::ChatBackend::loadFailed, this,
          [this](const QString& sentence) { m_loadProblem = sentence; });
  connect(&m_models, &ModelPicker::loaded, this, [this] {
    if (m_problem == m_loadProblem) dismissProblem();
    m_settingsView.setModel(m_models.facts());
    const std::string& templateProblem = m_models.facts()->template_problem;
    if (!templateProblem.empty())
      showProblem(tr("%1 Messages are written as is usual for models of this kind instead.")
                      .arg(QString::fromStdString(templateProblem)));
  });
  connect(&m_backend, &app::ChatBackend::cacheChanged, this, [this](const app::CacheSnapshot& snapshot) {
    if (snapshot.conversationId != m_session.conversationId()) return;
    m_cache.update(snapshot);
  });
  connect(&m_backend, &app::ChatBackend::noticed, this, [this](qint64 conversationId, const QString& sentence) {
    if (conversationId == m_session.conversationId()) showProblem(sentence);
  });
  connect(&m_cache, &CacheViewModel::colouringChanged, this,
          [this] { m_backend.watch(watchedFor(m_cache.colouring())); });
  connect(&m_cache, &CacheViewModel::tokenAsked, &m_backend, &app::ChatBackend::describeToken);
  connect(&m_backend, &app::ChatBackend::tokenDescribed, &m_cache, &CacheViewModel::takeTokenLabel);
  connect(&m_cache, &CacheViewModel::changed, this, [this] {
    if (m_cache.shown().conversationId != m_session.conversationId()) return;
    m_transcript.setRemembered(m_cache.shown());
    m_chat.noteSpeed(m_cache.tokensPerSecond());
  });
}

void AppController::connectSnapshots(app::SnapshotFolder& snapshots) {
  constexpr qint64 kMegabyte = 1'000'000;
  const auto setBudget = [this, &snapshots] {
    const int megabytes = m_settings.snapshotMegabytes();
    if (std::exchange(m_snapshotMegabytes, megabytes) != megabytes) snapshots.setBudget(megabytes * kMegabyte);
  };
  setBudget();
  connect(&m_settings, &app::Settings::changed, this, setBudget);
  connect(&m_session, &app::ConversationSession::conversationRemoved, this,
          [&snapshots](qint64 id) { snapshots.forget(id); });
  if (!m_store.error().isEmpty()) return;  // what conversations there are is not known
  QList<qint64> known;
  for (const app::Conversation& conversation : m_store.conversations()) known.append(conversation.id);
  snapshots.keepOnly(known);
}

void AppController::start(const QString& model) {
  m_backend.setThreads(m_settings.threads());
  m_backend.setCacheSettings(m_settings.cache());
  if (model.isEmpty())
    m_models.loadDefault();
  else
    m_models.load(model);
}

void AppController::newConversation() {
  clearCache();
  m_chat.open(0);
}

void AppController::openConversation(qint64 id) {
  if (id == m_session.conversationId()) return;
  clearCache();
  m_chat.open(id);
}

void AppController::openNeighbour(int step) {
  const qint64 id = m_conversations.neighbour(m_session.conversationId(), step);
  if (id > 0) openConversation(id);
}

void AppController::replaceDamagedStore() {
  const auto kept = m_store.replaceDamaged();
  m_damage.clear();
  Q_EMIT damageChanged();
  showProblem(kept ? tr("The damaged file is kept as %1.").arg(*kept) : m_store.error());
}

void AppController::clearCache() {
  m_cache.clear(m_settings.cache());
}

void AppController::showProblem(const QString& sentence) {
  m_problem = sentence;
  Q_EMIT problemChanged();
}

void AppController::dismissProblem() {
  showProblem({});
}

}  // namespace runnel::ui
