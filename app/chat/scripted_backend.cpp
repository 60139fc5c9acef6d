#include "app/chat/scripted_backend.h"

#include <QFileInfo>

#include <algorithm>
#include <utility>

#include "runnel/error.h"
#include "runnel/token_label.h"

namespace runnel::app {

namespace {

constexpr int kDefaultCtxSize = 4096;  // what a session takes when it is asked for none
constexpr int kLoadSteps = 10;
constexpr int kPublishEveryMs = 33;
constexpr std::size_t kBytesPerToken = 23'040;  // 30 layers, 3 key-value heads of 64, keys and values in f16

runnel::ModelFacts scriptedFacts() {
  runnel::ModelFacts facts;
  facts.architecture = "script";
  facts.format = "script";
  facts.quantization = "Q4_1";
  facts.parameters = 134'515'008;
  facts.weight_bytes = 91'726'848;
  facts.file_bytes = 91'726'848;
  facts.n_layers = 30;
  facts.n_embd = 576;
  facts.n_ff = 1536;
  facts.n_heads = 9;
  facts.n_kv_heads = 3;
  facts.head_dim = 64;
  facts.n_vocab = 49'152;
  facts.trained_context = 8192;
  facts.rope = "rope, base 100000";
  facts.tokenizer = "words";
  facts.has_chat_template = true;
  facts.tensor_types = {{"Q4_1", 211}, {"F32", 61}};
  return facts;
}

}  // namespace

struct ScriptedBackend::Load {
  LoadRequest request;
  int done = 0;
};

struct ScriptedBackend::Turn {
  TurnRequest request;
  CachedConversation before;
  TurnPlan plan;
  qsizetype read = 0;  // of the plan's tokens
  QStringList words;
  qsizetype said = 0;
  QList<qint32> answerIds;
  QElapsedTimer clock;
  double firstTokenSeconds = 0;
};

ScriptedBackend::ScriptedBackend(QObject* parent)
    : ChatBackend(parent),
      m_answers({QStringLiteral("This is a scripted answer. It has **two** sentences.")}),
      m_facts(scriptedFacts()) {
  registerChatValues();
  noteWords(QString::fromLatin1(ScriptedFormat::kDefaultSystem));
  connect(&m_timer, &QTimer::timeout, this, &ScriptedBackend::step);
}

ScriptedBackend::~ScriptedBackend() = default;

void ScriptedBackend::setAnswers(const QStringList& answers) {
  m_answers = answers;
  m_nextAnswer = 0;
}

void ScriptedBackend::setInterval(int milliseconds) {
  m_timer.setInterval(milliseconds);
}

void ScriptedBackend::setPromptBatch(int tokens) {
  m_promptBatch = std::max(1, tokens);
}

void ScriptedBackend::setFacts(const runnel::ModelFacts& facts) {
  m_facts = facts;
}

void ScriptedBackend::failNextLoad(const QString& message) {
  m_loadFailure = message;
}

void ScriptedBackend::failNextTurn(const QString& message, int afterTokens) {
  m_turnFailure = message;
  m_failAfter = afterTokens;
}

bool ScriptedBackend::isBusy() const {
  return m_load || m_turn || !m_waiting.empty();
}

void ScriptedBackend::enqueue(Job job) {
  m_waiting.push_back(std::move(job));
  m_timer.start();
}

void ScriptedBackend::finishJob() {
  m_load.reset();
  m_turn.reset();
  if (m_waiting.empty()) m_timer.stop();
}

void ScriptedBackend::step() {
  if (m_load) {
    stepLoad();
  } else if (m_turn) {
    if (m_turn->read < static_cast<qsizetype>(m_turn->plan.tokens.size()))
      stepPrompt();
    else
      stepAnswer();
  } else if (!m_waiting.empty()) {
    const Job job = std::move(m_waiting.front());
    m_waiting.pop_front();
    job();
  } else {
    m_timer.stop();
  }
}

void ScriptedBackend::load(const LoadRequest& request) {
  enqueue([this, request] {
    m_load = std::make_unique<Load>(Load{request});
    Q_EMIT loadProgress(0);
  });
}

void ScriptedBackend::cancelLoad() {
  if (!m_load) return;
  finishJob();
  Q_EMIT loadFailed(tr("Loading was stopped."));
}

void ScriptedBackend::stepLoad() {
  ++m_load->done;
  Q_EMIT loadProgress(double(m_load->done) / kLoadSteps);
  if (!m_load) return;  // a receiver cancelled it
  if (m_loadFailure && m_load->done * 2 >= kLoadSteps) {
    const QString message = std::exchange(m_loadFailure, std::nullopt).value_or(QString());
    finishJob();
    Q_EMIT loadFailed(message);
    return;
  }
  if (m_load->done < kLoadSteps) return;
  const QString path = m_load->request.path;
  finishJob();
  m_facts.name = QFileInfo(path).completeBaseName().toStdString();
  m_hasModel = true;
  m_cached = {};
  runnel::CacheSettings fitting = m_wanted;
  if (fitting.ctx_size == 0) fitting.ctx_size = kDefaultCtxSize;
  if (!fitting.allow_untrained_ctx) fitting.ctx_size = std::min(fitting.ctx_size, m_facts.trained_context);
  m_cache = std::make_unique<ScriptedCache>(fitting, m_facts.trained_context, kBytesPerToken);
  m_cache->watch(m_watched);
  Q_EMIT loaded(path, m_facts);
  Q_EMIT cacheSettingsApplied(m_cache->settings());
  publish(Publish::Now);
}

void ScriptedBackend::send(const TurnRequest& turn) {
  ++m_waitingTurns;
  enqueue([this, turn] { beginTurn(turn); });
}

void ScriptedBackend::beginTurn(const TurnRequest& request) {
  m_turn = std::make_unique<Turn>();
  m_turn->request = request;
  m_turn->before = m_cached;
  m_turn->clock.start();
  --m_waitingTurns;
  if (std::exchange(m_stopNextTurn, false)) return cancelPrompt();
  if (!m_hasModel) return failTurn(tr("No model is loaded; choose one first."));
  if (!m_answers.isEmpty()) m_turn->words = ScriptedFormat::words(m_answers.at(m_nextAnswer++ % m_answers.size()));
  try {
    planTurn();
  } catch (const runnel::Error& error) {
    failTurn(QString::fromStdString(error.what()));
  }
}

void ScriptedBackend::planTurn() {
  for (const ChatMessage& message : m_turn->request.messages) noteWords(message.text);
  const TurnPlanner planner(m_format, m_cache->settings().ctx_size);
  TurnPlan plan = planner.plan(m_cached, m_turn->request);
  try {
    if (!plan.anew) m_cache->back(plan.backTo);
  } catch (const runnel::Error&) {
    plan = planner.planAnew(m_turn->request);
  }
  if (plan.anew) m_cache->reset();
  m_cached.conversationId = m_turn->request.conversationId;
  m_cached.ids.resize(static_cast<std::size_t>(plan.backTo));
  m_cached.spans = plan.spans;
  m_cached.prefix = plan.prefix;
  beginMessages(plan.backTo);
  m_turn->plan = std::move(plan);
  m_shown = m_cached.conversationId;
  Q_EMIT promptProgress({.done = 0,
                         .total = static_cast<qint64>(m_turn->plan.tokens.size()),
                         .secondsLeft = -1,
                         .anew = m_turn->plan.anew,
                         .answerId = m_turn->request.answerId});
}

void ScriptedBackend::noteWords(const QString& text) {
  for (const QString& word : ScriptedFormat::words(text)) m_words.insert(ScriptedFormat::idOf(word), word);
}

void ScriptedBackend::beginMessages(qint64 from) {
  for (const MessageSpan& span : m_cached.spans)
    if (span.first >= from) m_cache->beginMessage(beginOf(span, m_format.answerOpening()));
}

void ScriptedBackend::stepPrompt() {
  const std::vector<runnel::Token>& tokens = m_turn->plan.tokens;
  const auto count = std::min<qsizetype>(m_promptBatch, static_cast<qsizetype>(tokens.size()) - m_turn->read);
  m_cache->feed(count);
  m_cached.ids.insert(m_cached.ids.end(), tokens.begin() + m_turn->read, tokens.begin() + m_turn->read + count);
  m_turn->read += count;
  pinAgain();
  const auto total = static_cast<qint64>(tokens.size());
  const double perToken = m_turn->clock.elapsed() / 1000.0 / static_cast<double>(m_turn->read);
  Q_EMIT promptProgress({.done = m_turn->read,
                         .total = total,
                         .secondsLeft = perToken * static_cast<double>(total - m_turn->read),
                         .anew = m_turn->plan.anew,
                         .answerId = m_turn->request.answerId});
  publish(m_turn->read == total ? Publish::Now : Publish::WhenDue);
}

void ScriptedBackend::stepAnswer() {
  Turn& turn = *m_turn;
  if (turn.answerIds.isEmpty()) {
    turn.firstTokenSeconds = turn.clock.elapsed() / 1000.0;
    const qint64 end = m_cache->fed();
    m_cached.spans.append({.messageId = turn.request.answerId, .role = Role::Assistant, .first = end, .end = end});
    beginMessages(end);
  }
  if (m_turnFailure && turn.answerIds.size() >= m_failAfter)
    return failTurn(std::exchange(m_turnFailure, std::nullopt).value_or(QString()));
  if (turn.answerIds.size() >= turn.request.maxTokens) return endTurn(StopReason::Length);
  if (turn.said == turn.words.size()) {
    feedAnswer(ScriptedFormat::kClosing, {});
    return endTurn(StopReason::EndOfTurn);
  }
  const QString word = turn.words.at(turn.said++);
  feedAnswer(ScriptedFormat::idOf(word), word);
}

void ScriptedBackend::feedAnswer(runnel::Token id, const QString& text) {
  m_cache->feed(1);
  m_cached.ids.push_back(id);
  noteWords(text);
  ++m_cached.spans.last().end;
  m_turn->answerIds.append(id);
  Q_EMIT tokens({.answerId = m_turn->request.answerId, .text = text, .ids = {id}});
  publish(Publish::WhenDue);
}

void ScriptedBackend::endTurn(StopReason reason) {
  const Turn& turn = *m_turn;
  TurnStats stats;
  stats.conversationId = turn.request.conversationId;
  stats.answerId = turn.request.answerId;
  stats.stopReason = reason;
  const qint64 promptEnd = m_cache->fed() - turn.answerIds.size();
  stats.promptIds = QList<qint32>(m_cached.ids.begin() + turn.plan.promptFirst, m_cached.ids.begin() + promptEnd);
  stats.promptPrefix = turn.plan.promptPrefix;
  stats.tokenizer = m_format.fingerprint();
  stats.answerIds = turn.answerIds;
  stats.promptEvaluated = static_cast<qint64>(turn.plan.tokens.size());
  stats.firstTokenSeconds = turn.firstTokenSeconds;
  const double seconds = turn.clock.elapsed() / 1000.0 - turn.firstTokenSeconds;
  stats.tokensPerSecond = seconds > 0 ? static_cast<double>(turn.answerIds.size()) / seconds : 0;
  stats.seed = turn.request.sampling.seed.value_or(0);
  publish(Publish::Now);
  finishJob();
  Q_EMIT finished(stats);
}

void ScriptedBackend::failTurn(const QString& message) {
  const TurnRequest request = m_turn->request;
  finishJob();
  Q_EMIT failed(request.conversationId, request.answerId, message);
}

void ScriptedBackend::stop() {
  if (!m_turn) {
    m_stopNextTurn = m_waitingTurns > 0;
    return;
  }
  if (m_turn->read == static_cast<qsizetype>(m_turn->plan.tokens.size())) {
    if (m_turn->answerIds.isEmpty()) stepAnswer();  // the prompt is read: one token of the answer is known
    if (m_turn) endTurn(StopReason::Stopped);
    return;
  }
  m_cache->back(m_turn->plan.backTo);
  m_cached = m_turn->before;
  cutBack(m_cached, m_turn->plan.backTo);
  cancelPrompt();
}

void ScriptedBackend::cancelPrompt() {
  const TurnRequest request = m_turn->request;
  publish(Publish::Now);
  finishJob();
  Q_EMIT promptCancelled(request.conversationId, request.answerId);
}

void ScriptedBackend::open(qint64 conversationId, const QList<ChatMessage>& messages) {
  Q_UNUSED(messages);
  m_shown = conversationId;
  publish(Publish::Now);
}

void ScriptedBackend::setCacheSettings(const runnel::CacheSettings& settings) {
  enqueue([this, settings] { applyCacheSettings(settings); });
}

void ScriptedBackend::applyCacheSettings(const runnel::CacheSettings& settings) {
  try {
    if (!m_cache) {
      ScriptedCache(settings, m_facts.trained_context, kBytesPerToken);
    } else if (m_cache->isInPlace(settings)) {
      m_cache->apply(settings);
    } else {
      auto cache = std::make_unique<ScriptedCache>(settings, m_facts.trained_context, kBytesPerToken);
      m_cache = std::move(cache);
      makeAnew();
    }
  } catch (const runnel::Error& error) {
    finishJob();
    Q_EMIT cacheSettingsRefused(QString::fromStdString(error.what()));
    return;
  }
  m_wanted = settings;
  finishJob();
  Q_EMIT cacheSettingsApplied(settings);
  publish(Publish::Now);
}

void ScriptedBackend::makeAnew() {
  TurnPlan plan = TurnPlanner(m_format, m_cache->settings().ctx_size).planAgain(m_cached);
  const auto total = static_cast<qint64>(plan.tokens.size());
  Q_EMIT promptProgress({.done = 0, .total = total, .secondsLeft = -1, .anew = true, .answerId = 0});
  m_cached.spans = plan.spans;
  beginMessages(0);
  m_cache->feed(total);
  m_cached.ids = std::move(plan.tokens);
  pinAgain();
  Q_EMIT promptProgress({.done = total, .total = total, .secondsLeft = 0, .anew = true, .answerId = 0});
}

// What was pinned before the cache was made anew.
void ScriptedBackend::pinAgain() {
  for (MessageSpan& span : m_cached.spans) {
    if (!span.isPinned || span.end > m_cache->fed()) continue;
    try {
      m_cache->pin(span.first, span.end, runnel::Reason::pin);
    } catch (const runnel::Error&) {
      span.isPinned = false;
    }
  }
}

void ScriptedBackend::setPinned(qint64 conversationId, qint64 messageId, bool pinned) {
  const auto span = std::ranges::find(m_cached.spans, messageId, &MessageSpan::messageId);
  const bool isCached = m_cache && m_cached.conversationId == conversationId && span != m_cached.spans.end();
  try {
    if (isCached && pinned)
      m_cache->pin(span->first, span->end, runnel::Reason::pin);
    else if (isCached)
      m_cache->unpin(span->first, span->end, runnel::Reason::pin);
  } catch (const runnel::Error& error) {
    Q_EMIT pinRefused(conversationId, messageId, QString::fromStdString(error.what()));
    return;
  }
  if (isCached) span->isPinned = pinned;
  publish(Publish::Now);
  Q_EMIT pinChanged(conversationId, messageId, pinned);
}

void ScriptedBackend::forgetAfter(qint64 conversationId, qint64 messageId) {
  if (m_cached.conversationId != conversationId) return;
  goBack(endOf(m_cached, messageId).value_or(0));
  publish(Publish::Now);
}

void ScriptedBackend::branch(qint64 from, qint64 lastMessage, qint64 to, const QHash<qint64, qint64>& messages) {
  Q_UNUSED(lastMessage);
  m_shown = to;
  if (m_cached.conversationId == from) becomeBranch(m_cached, to, messages, [this](qint64 fed) { goBack(fed); });
  publish(Publish::Now);
}

void ScriptedBackend::watch(Watched watched) {
  m_watched = watched;
  if (m_cache) m_cache->watch(watched);
  publish(Publish::Now);
}

void ScriptedBackend::describeToken(qint64 conversationId, qint64 position) {
  const QString label = m_cached.conversationId == conversationId ? labelAt(position) : QString();
  const auto answer = [this, conversationId, position, label] {
    Q_EMIT tokenDescribed(conversationId, position, label);
  };
  QMetaObject::invokeMethod(this, answer, Qt::QueuedConnection);  // never before the call returns, as elsewhere
}

QString ScriptedBackend::labelAt(qint64 position) const {
  if (position < 0 || position >= static_cast<qint64>(m_cached.ids.size())) return {};
  const runnel::Token id = m_cached.ids[static_cast<std::size_t>(position)];
  if (id == ScriptedFormat::kOpening) return QStringLiteral("<opening>");
  if (id == ScriptedFormat::kClosing) return QStringLiteral("<closing>");
  return QString::fromStdString(runnel::label_of_bytes(m_words.value(id).toStdString()));
}

void ScriptedBackend::goBack(qint64 fed) {
  try {
    m_cache->back(fed);
    cutBack(m_cached, fed);
  } catch (const runnel::Error&) {
    m_cache->reset();
    m_cached = {};
  }
}

void ScriptedBackend::setThreads(int threads) {
  Q_UNUSED(threads);
}

void ScriptedBackend::publish(Publish when) {
  if (!m_cache) return;
  if (when == Publish::WhenDue && m_sincePublished.isValid() && m_sincePublished.elapsed() < kPublishEveryMs) return;
  m_sincePublished.start();
  CacheSnapshot snapshot;
  snapshot.conversationId = m_shown;
  if (m_cached.conversationId == m_shown || m_turn) {
    snapshot.conversationId = m_cached.conversationId;
    snapshot.telemetry = m_cache->telemetry();
    snapshot.spans = m_cached.spans;
    if (m_turn && !m_turn->answerIds.isEmpty()) {
      const double seconds = m_turn->clock.elapsed() / 1000.0 - m_turn->firstTokenSeconds;
      snapshot.tokensPerSecond = seconds > 0 ? static_cast<double>(m_turn->answerIds.size()) / seconds : 0;
    }
  } else {
    snapshot.telemetry = ScriptedCache(m_cache->settings(), m_facts.trained_context, kBytesPerToken).telemetry();
  }
  Q_EMIT cacheChanged(snapshot);
}

}  // namespace runnel::app
