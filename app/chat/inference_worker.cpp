#include "app/chat/inference_worker.h"

#include <QElapsedTimer>
#include <QLoggingCategory>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include "app/chat/cached_conversation.h"
#include "app/chat/model_chat_format.h"
#include "app/failure_sentence.h"
#include "runnel/error.h"

namespace runnel::app {

namespace {

Q_LOGGING_CATEGORY(logWorker, "runnel.worker")

constexpr qint64 kProgressEveryMs = 33;

/** Runs `job`; what it throws reaches `refuse` as a sentence. No failure may end the thread. */
template <typename Job, typename Refuse>
void guarded(const Job& job, const Refuse& refuse) {
  try {
    job();
  } catch (...) {
    refuse(failureSentence());
  }
}

/** What of `settings` a model can have: the ctx_size of the settings page may be meant for a larger one. */
runnel::CacheSettings fitting(runnel::CacheSettings settings, const runnel::ModelFacts& facts) {
  const int trainedContext = facts.trained_context;
  const bool isLimit = facts.learned_positions || !settings.allow_untrained_ctx;
  const bool isTooLarge = trainedContext > 0 && settings.ctx_size > trainedContext && isLimit;
  // The usual n_discard would evaluate the whole cache again for every token.
  if (facts.learned_positions && settings.n_discard == runnel::CacheSettings{}.n_discard) settings.n_discard = -1;
  if (!isTooLarge) return settings;
  settings.ctx_size = trainedContext;
  settings.n_keep = std::clamp(settings.n_keep, 0, std::max(0, trainedContext - 2));
  if (settings.n_discard != -1)
    settings.n_discard = std::clamp(settings.n_discard, 1, std::max(1, trainedContext - settings.n_keep - 1));
  return settings;
}

}  // namespace

InferenceWorker::InferenceWorker(WorkControl& control, SnapshotFolder* snapshots, QObject* parent)
    : QObject(parent), m_control(control), m_keeper(snapshots, this) {
  connect(&m_keeper, &SnapshotKeeper::due, this, &InferenceWorker::keepSnapshot);
}

InferenceWorker::~InferenceWorker() {
  keepSnapshot();
  m_control.setSession(nullptr);
}

void InferenceWorker::load(const LoadRequest& request, const std::stop_token& stop) {
  if (m_control.isQuitting()) return;
  const auto refuse = [this, &stop](const QString& message) {
    Q_EMIT loadFailed(stop.stop_requested() ? tr("Loading was stopped.") : message);
  };
  guarded(
      [&] {
        std::unique_ptr<Engine> engine = loadEngine(request, stop);
        keepSnapshot();
        m_control.setSession(engine->session.get());
        m_engine = std::move(engine);
        m_threads = request.threads;
        bringBack(m_shown, m_lastMessage);
        Q_EMIT loaded(request.path, m_engine->model->facts());
        Q_EMIT cacheSettingsApplied(m_engine->session->settings());
        publish(0);
      },
      refuse);
}

std::unique_ptr<Engine> InferenceWorker::loadEngine(const LoadRequest& request, const std::stop_token& stop) {
  QElapsedTimer sinceProgress;
  const auto progress = [&](double done) {
    if (sinceProgress.isValid() && sinceProgress.elapsed() < kProgressEveryMs && done < 1) return;
    sinceProgress.start();
    Q_EMIT loadProgress(done);
  };
  auto engine = std::make_unique<Engine>();
  const runnel::LoadOptions options{.threads = request.threads};
  engine->model = runnel::Model::load(std::filesystem::path(request.path.toStdString()), options, progress, stop);
  engine->format = std::make_unique<ModelChatFormat>(engine->model);
  const runnel::CacheSettings settings = fitting(m_wanted, engine->model->facts());
  engine->session = std::make_unique<runnel::Session>(engine->model, settings, request.threads);
  engine->watched = m_watched;
  if (stop.stop_requested()) throw runnel::Cancelled();
  return engine;
}

void InferenceWorker::runTurn(const TurnRequest& request, quint64 turn) {
  if (m_control.isQuitting()) return;
  const auto refuse = [&](const QString& message) { Q_EMIT failed(request.conversationId, request.answerId, message); };
  if (!m_engine) return refuse(tr("No model is loaded; choose one first."));
  m_shown = request.conversationId;
  guarded([&] { answer(request, turn); }, refuse);
}

void InferenceWorker::answer(const TurnRequest& request, quint64 turn) {
  const qsizetype messages = request.messages.size();
  bringBack(request.conversationId, messages > 1 ? request.messages.at(messages - 2).id : 0);
  if (m_engine->cached.conversationId != request.conversationId) keepSnapshot();
  m_keeper.noteChange();
  TurnRunner runner(*m_engine, m_control, listener());
  std::optional<TurnStats> stats;
  try {
    stats = runner.run(turn, request);
  } catch (...) {
    // A failure in the middle of a batch leaves the cache and what is known of it apart: then it is made anew.
    if (m_engine->session->fed() != static_cast<qint64>(m_engine->cached.ids.size())) m_engine->reset();
    throw;
  }
  publish(0);
  m_keeper.noteRest();
  if (stats)
    Q_EMIT finished(*stats);
  else
    Q_EMIT promptCancelled(request.conversationId, request.answerId);
}

void InferenceWorker::open(qint64 conversationId, qint64 lastMessage, quint64 number) {
  m_shown = conversationId;
  m_lastMessage = lastMessage;
  if (m_control.isNewestOpening(number) && !m_control.isQuitting()) bringBack(conversationId, lastMessage);
  publish(0);
}

void InferenceWorker::keepSnapshot() {
  if (m_engine) m_keeper.keep(*m_engine);
}

// Instead of reading a conversation again its cache is taken from the disk, where that holds it.
void InferenceWorker::bringBack(qint64 conversationId, qint64 lastMessage) {
  if (!m_engine || !m_keeper.bringBack(*m_engine, conversationId, lastMessage)) return;
  try {
    takeOver();
  } catch (const std::exception& error) {
    qCInfo(logWorker, "Conversation %lld is made anew: %s", conversationId, error.what());
    replaceByEmpty();
  }
}

// The cache came from a snapshot, in the settings of then.
void InferenceWorker::takeOver() {
  const runnel::CacheTelemetry cache = m_engine->session->telemetry();
  if (cache.fed != static_cast<qint64>(m_engine->cached.ids.size())) throw runnel::Error("it counts otherwise");
  m_engine->isSystemPinned =
      std::ranges::any_of(cache.runs, [](const runnel::Run& run) { return run.reason == runnel::Reason::system; });
  applyCacheSettings(fitting(m_wanted, m_engine->model->facts()));
}

// Where a cache can't take over the user's settings, it is of no use. Without memory for another it is emptied.
void InferenceWorker::replaceByEmpty() {
  m_engine->reset();
  try {
    const runnel::CacheSettings settings = fitting(m_wanted, m_engine->model->facts());
    auto session = std::make_unique<runnel::Session>(m_engine->model, settings, m_threads);
    takeSession(std::move(session));
  } catch (const std::exception& error) {
    qCWarning(logWorker, "The cache keeps the settings of a snapshot: %s", error.what());
  }
}

void InferenceWorker::takeSession(std::unique_ptr<runnel::Session> session) {
  m_control.setSession(session.get());
  m_engine->session = std::move(session);
}

void InferenceWorker::watch(Watched watched) {
  m_watched = watched;
  if (!m_engine) return;
  m_engine->watched = watched;
  publish(m_tokensPerSecond);
}

void InferenceWorker::describeToken(qint64 conversationId, qint64 position) {
  QString label;
  guarded(
      [&] {
        if (m_engine && m_engine->cached.conversationId == conversationId) label = m_engine->labelAt(position);
      },
      [](const QString& message) { qCWarning(logWorker, "%ls", qUtf16Printable(message)); });
  Q_EMIT tokenDescribed(conversationId, position, label);
}

void InferenceWorker::setPinned(qint64 conversationId, qint64 messageId, bool pinned) {
  guarded(
      [&] {
        const bool isCached = m_engine && m_engine->cached.conversationId == conversationId;
        if (isCached) {
          m_engine->setPinned(messageId, pinned);
          m_keeper.noteRest();
          publish(m_tokensPerSecond);
        }
        Q_EMIT pinChanged(conversationId, messageId, pinned);
      },
      [&](const QString& message) { Q_EMIT pinRefused(conversationId, messageId, message); });
}

void InferenceWorker::forgetAfter(qint64 conversationId, qint64 messageId) {
  m_keeper.remove(conversationId);
  if (!m_engine || m_engine->cached.conversationId != conversationId) return;
  guarded(
      [&] {
        const std::optional<qint64> end = endOf(m_engine->cached, messageId);
        if (end)
          m_engine->goBack(*end);
        else
          m_engine->reset();
        m_keeper.noteRest();
      },
      [](const QString& message) { qCWarning(logWorker, "%ls", qUtf16Printable(message)); });
  publish(0);
}

// The conversation that is left is kept as it stands, so that it can be opened again at once.
void InferenceWorker::branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages) {
  m_shown = to;
  guarded(
      [&] {
        bringBack(from, lastMessage);
        if (!m_engine || m_engine->cached.conversationId != from) return;
        keepSnapshot();
        if (becomeBranch(m_engine->cached, to, messages, [this](qint64 fed) { m_engine->goBack(fed); }))
          m_keeper.noteRest();
      },
      [](const QString& message) { qCWarning(logWorker, "%ls", qUtf16Printable(message)); });
  publish(0);
}

void InferenceWorker::runInterjections() {
  for (const auto& job : m_control.takeInterjections()) job();
}

void InferenceWorker::setCacheSettings(const runnel::CacheSettings& settings) {
  if (m_control.isQuitting()) return;
  guarded(
      [&] {
        applyCacheSettings(settings);
        m_wanted = settings;
        m_keeper.noteRest();
        Q_EMIT cacheSettingsApplied(m_engine ? m_engine->session->settings() : settings);
        publish(0);
      },
      [this](const QString& message) { Q_EMIT cacheSettingsRefused(message); });
}

void InferenceWorker::applyCacheSettings(const runnel::CacheSettings& settings) {
  if (!m_engine) {
    runnel::CacheSettings chosen = settings;
    chosen.allow_untrained_ctx = true;  // there is no model yet that could limit it
    if (chosen.ctx_size != 0) runnel::validate(chosen, 0);
    return;
  }
  m_engine->session->clear_cancel();
  if (!isInPlace(settings)) return replaceSession(settings);
  const runnel::CacheSettings& now = m_engine->session->settings();
  runnel::CacheChange change{
      .n_keep = settings.n_keep, .n_discard = settings.n_discard, .whole_messages = settings.whole_messages};
  // Naming these two bars the way back behind the change.
  if (settings.ctx_size != 0 && settings.ctx_size != now.ctx_size) change.ctx_size = settings.ctx_size;
  if (settings.kv_type != now.kv_type) change.kv_type = settings.kv_type;
  m_engine->session->set(change);
}

bool InferenceWorker::isInPlace(const runnel::CacheSettings& settings) const {
  const runnel::CacheSettings& now = m_engine->session->settings();
  const bool isUnevicted = m_engine->session->telemetry().evicted == 0;
  return settings.batch == now.batch && settings.allow_untrained_ctx == now.allow_untrained_ctx &&
         (settings.n_keep <= now.n_keep || isUnevicted);
}

// The new session is made first: when its settings or memory don't allow it, nothing has changed.
void InferenceWorker::replaceSession(const runnel::CacheSettings& settings) {
  auto session = std::make_unique<runnel::Session>(m_engine->model, settings, m_threads);
  takeSession(std::move(session));
  try {
    TurnRunner(*m_engine, m_control, listener()).makeAnew();
  } catch (const std::exception& error) {
    qCWarning(logWorker, "The conversation was not evaluated again: %s", error.what());
    m_engine->reset();  // the settings hold all the same; the next turn makes it anew
  }
}

TurnListener InferenceWorker::listener() {
  return {.promptProgress = [this](const PromptProgress& progress) { Q_EMIT promptProgress(progress); },
          .tokens = [this](const TokenBatch& batch) { Q_EMIT tokens(batch); },
          .cacheChanged = [this](double tokensPerSecond) { publish(tokensPerSecond); },
          .stepDone = [this] { runInterjections(); },
          .notice = [this](const QString& message) { Q_EMIT noticed(m_engine->cached.conversationId, message); }};
}

void InferenceWorker::publish(double tokensPerSecond) {
  m_tokensPerSecond = tokensPerSecond;
  if (!m_engine) return;
  CacheSnapshot snapshot;
  snapshot.conversationId = m_shown;
  snapshot.tokensPerSecond = tokensPerSecond;
  if (m_engine->cached.conversationId == m_shown) {
    snapshot.telemetry = m_engine->session->telemetry();
    if (m_watched != Watched::Attention) snapshot.telemetry.attention.clear();
    if (m_watched != Watched::Surprise) snapshot.telemetry.surprise.clear();
    snapshot.spans = m_engine->cached.spans;
  } else {
    runnel::CacheTelemetry& empty = snapshot.telemetry;
    empty.settings = m_engine->session->settings();
    empty.slots = empty.settings.ctx_size + runnel::headroom(empty.settings.ctx_size);
    const runnel::ModelFacts& facts = m_engine->model->facts();
    empty.bytes = runnel::cache_bytes(facts, empty.settings);
    empty.bytes_per_token = runnel::cache_bytes_per_token(facts, empty.settings.kv_type);
  }
  Q_EMIT cacheChanged(snapshot);
}

}  // namespace runnel::app
