#include "app/chat/turn_runner.h"

#include <QCoreApplication>

#include <algorithm>
#include <utility>

#include "runnel/answer_reader.h"
#include "runnel/error.h"
#include "runnel/reasoning.h"
#include "runnel/sampler.h"
#include "runnel/token_label.h"
#include "runnel/tokenizer.h"

namespace runnel::app {

namespace {

constexpr qint64 kTokensEveryMs = 16;
constexpr qint64 kCacheEveryMs = 33;

bool isDue(QElapsedTimer& timer, qint64 every) {
  if (timer.isValid() && timer.elapsed() < every) return false;
  timer.start();
  return true;
}

}  // namespace

void Engine::reset() {
  session->reset();
  cached = {};
  isSystemPinned = false;
  isPinRefusalTold = false;
}

void Engine::goBack(qint64 fed) {
  if (!session->back_is_enough(fed)) return reset();
  session->back(fed);
  cutBack(cached, fed);
}

void Engine::setPinned(qint64 messageId, bool pinned) {
  const auto span = std::ranges::find(cached.spans, messageId, &MessageSpan::messageId);
  const bool isHeld = span != cached.spans.end() && session->holds(span->first, span->end);
  if (pinned && !isHeld)
    throw runnel::Error(QCoreApplication::translate("Engine",
                                                    "This message can't be pinned, because the model no longer "
                                                    "remembers all of it. Send it again to pin it.")
                            .toStdString());
  if (span == cached.spans.end()) return;
  if (pinned)
    session->pin(span->first, span->end);
  else
    session->unpin(span->first, span->end);
  span->isPinned = pinned;
}

QString Engine::labelAt(qint64 position) const {
  if (position < 0 || position >= static_cast<qint64>(cached.ids.size())) return {};
  const runnel::Token token = cached.ids[static_cast<std::size_t>(position)];
  return QString::fromStdString(runnel::token_label(model->tokenizer(), token));
}

TurnRunner::TurnRunner(Engine& engine, const WorkControl& control, TurnListener listener)
    : m_engine(engine), m_control(control), m_listener(std::move(listener)) {
  m_clock.start();
}

std::optional<TurnStats> TurnRunner::run(quint64 turn, const TurnRequest& request) {
  m_turn = turn;
  m_request = request;
  m_pending.answerId = request.answerId;
  runnel::validate(request.sampling);
  m_engine.session->clear_cancel();
  const auto isStopped = [this] { return m_control.isStopped(m_turn); };
  if (isStopped()) return std::nullopt;
  takePlan(TurnPlanner(*m_engine.format, m_engine.session->settings().ctx_size).plan(m_engine.cached, request));
  if (!readPrompt(isStopped) || isStopped()) {
    if (m_plan.anew)
      m_engine.reset();
    else
      m_engine.goBack(m_plan.backTo);
    return std::nullopt;
  }
  StopReason reason = StopReason::Failed;
  try {
    reason = answer();
  } catch (...) {
    flush();  // what was sampled before the failure is part of the answer
    throw;
  }
  flush();
  m_listener.cacheChanged(tokensPerSecond());
  return stats(reason);
}

void TurnRunner::makeAnew() {
  const TurnPlanner planner(*m_engine.format, m_engine.session->settings().ctx_size);
  const bool keepsSystem = m_engine.isSystemPinned;
  const qint64 conversationId = m_engine.cached.conversationId;
  TurnPlan plan = planner.planAgain(m_engine.cached);
  m_request.conversationId = conversationId;
  m_request.keepSystem = keepsSystem;
  m_engine.reset();
  if (plan.tokens.empty()) return;
  takePlan(std::move(plan));
  // A stop is meant for turns: only quitting ends this.
  if (!readPrompt([this] { return m_control.isQuitting(); })) throw runnel::Cancelled();
}

void TurnRunner::takePlan(TurnPlan plan) {
  Engine& engine = m_engine;
  if (!plan.anew && engine.session->back_is_enough(plan.backTo))
    engine.session->back(plan.backTo);
  else if (!plan.anew)
    plan = TurnPlanner(*engine.format, engine.session->settings().ctx_size).planAnew(m_request);
  if (plan.anew) engine.reset();
  engine.cached.ids.resize(static_cast<std::size_t>(plan.backTo));
  engine.cached.conversationId = m_request.conversationId;
  engine.cached.spans = plan.spans;
  engine.cached.prefix = plan.prefix;
  for (const MessageSpan& span : plan.spans)
    if (span.first >= plan.backTo) beginMessage(span);
  m_plan = std::move(plan);
}

void TurnRunner::beginMessage(const MessageSpan& span) {
  m_engine.session->begin_message(beginOf(span, m_engine.format->answerOpening()));
}

bool TurnRunner::readPrompt(const std::function<bool()>& isStopped) {
  const std::span<const runnel::Token> tokens(m_plan.tokens);
  reportProgress(true);
  // The pins must hold before what follows them pushes anything out.
  const auto prefix = static_cast<std::size_t>(m_plan.anew ? m_plan.prefix : 0);
  if (!feed(tokens.first(prefix), isStopped)) return false;
  pinSystem(m_request.keepSystem);
  const auto before = static_cast<std::size_t>(m_plan.anew ? std::max(m_plan.promptFirst, m_plan.prefix) : 0);
  if (!feed(tokens.subspan(prefix, before - prefix), isStopped)) return false;
  if (m_plan.anew) pinMessages();
  if (!feed(tokens.subspan(before), isStopped)) return false;
  reportProgress(true);
  m_listener.cacheChanged(0);
  return true;
}

bool TurnRunner::feed(std::span<const runnel::Token> tokens, const std::function<bool()>& isStopped) {
  m_engine.session->watch_attention(m_engine.watched == Watched::Attention);
  m_engine.session->watch_surprise(m_engine.watched == Watched::Surprise);
  std::size_t done = 0;
  while (done < tokens.size()) {
    if (isStopped()) return false;
    std::size_t reported = 0;
    try {
      m_engine.session->feed(tokens.subspan(done), [&](std::size_t evaluated) {
        note(evaluated - reported);
        done += evaluated - reported;
        reported = evaluated;
        reportProgress(false);
        if (isDue(m_sinceCache, kCacheEveryMs)) m_listener.cacheChanged(0);
        m_listener.stepDone();
      });
    } catch (const runnel::Cancelled&) {
      m_engine.session->clear_cancel();  // it may have been meant for a turn that has ended: then go on
    }
  }
  return true;
}

void TurnRunner::note(std::size_t tokens) {
  const auto first = m_plan.tokens.begin() + m_read;
  m_engine.cached.ids.insert(m_engine.cached.ids.end(), first, first + static_cast<std::ptrdiff_t>(tokens));
  m_read += static_cast<qint64>(tokens);
}

// A prefix that would leave too little to roll is not pinned; the conversation goes on without, and the user hears of
// it once.
void TurnRunner::pinSystem(bool keep) {
  Engine& engine = m_engine;
  const qint64 prefix = engine.cached.prefix;
  if (keep == engine.isSystemPinned || prefix == 0) return;
  try {
    if (keep)
      engine.session->pin(0, prefix, runnel::Reason::system);
    else
      engine.session->unpin(0, prefix, runnel::Reason::system);
    engine.isSystemPinned = keep;
  } catch (const runnel::Error& error) {
    if (!std::exchange(engine.isPinRefusalTold, true))
      m_listener.notice(QCoreApplication::translate("TurnRunner",
                                                    "The system prompt will be forgotten as the conversation rolls on, "
                                                    "because it can't be kept for ever. %1")
                            .arg(QString::fromStdString(error.what())));
  }
}

// What was pinned before the cache was made anew is pinned again, as far as there is room.
void TurnRunner::pinMessages() {
  for (MessageSpan& span : m_engine.cached.spans) {
    if (!span.isPinned || span.end > m_read) continue;
    try {
      m_engine.session->pin(span.first, span.end);
    } catch (const runnel::Error& error) {
      span.isPinned = false;
      m_listener.notice(QCoreApplication::translate("TurnRunner", "A pinned message will be forgotten. %1")
                            .arg(QString::fromStdString(error.what())));
    }
  }
}

runnel::Sampler TurnRunner::preparedSampler() {
  runnel::Sampler sampler(m_request.sampling);
  m_seed = sampler.seed();
  const std::vector<runnel::Token>& fed = m_engine.cached.ids;
  const auto window = m_request.sampling.repetition_window < 0
                          ? fed.size()
                          : std::min(fed.size(), static_cast<std::size_t>(m_request.sampling.repetition_window));
  std::for_each(fed.end() - static_cast<std::ptrdiff_t>(window), fed.end(),
                [&](runnel::Token token) { sampler.accept(token); });
  return sampler;
}

StopReason TurnRunner::answer() {
  const runnel::Tokenizer& tokenizer = m_engine.model->tokenizer();
  runnel::Sampler sampler = preparedSampler();
  const auto start = static_cast<qint64>(m_engine.cached.ids.size());
  m_engine.cached.spans.append(
      {.messageId = m_request.answerId, .role = Role::Assistant, .first = start, .end = start});
  beginMessage(m_engine.cached.spans.last());

  runnel::AnswerReader reader(tokenizer, m_engine.format->stopMarks(),
                              runnel::reasoning_opening(tokenizer, m_engine.cached.ids));
  StopReason reason = StopReason::Length;
  while (reason == StopReason::Length && m_answerIds.size() < m_request.maxTokens) {
    const runnel::Token token = m_engine.session->next(sampler);
    if (say(token, reader.push(token))) reason = StopReason::Stopped;
    if (reader.ended()) reason = StopReason::EndOfTurn;
  }
  m_pending.text += QString::fromStdString(reader.finish());
  m_answerSeconds = static_cast<double>(m_clock.nsecsElapsed()) / 1e9 - m_firstTokenSeconds;
  m_sampled = m_answerIds.size();
  keepOfAnswer(static_cast<qsizetype>(reader.kept()));
  return reason;
}

// What the template writes after an answer comes with the next message, so that what the model wrote of it goes, where
// the cache can still do without.
void TurnRunner::keepOfAnswer(qsizetype tokens) {
  CachedConversation& cached = m_engine.cached;
  const qint64 position = cached.spans.last().first + tokens;
  if (tokens == m_answerIds.size() || !m_engine.session->back_is_enough(position)) return;
  m_engine.session->back(position);
  cached.ids.resize(static_cast<std::size_t>(position));
  cached.spans.last().end = position;
  m_answerIds.resize(tokens);
}

// What was shown is fed, so that the text and the cache stay the same: a cancel that meets the token is only noted.
bool TurnRunner::say(runnel::Token token, const std::string& text) {
  if (m_answerIds.isEmpty()) m_firstTokenSeconds = static_cast<double>(m_clock.nsecsElapsed()) / 1e9;
  m_sampledAt.push_back(m_clock.elapsed());
  m_answerIds.append(token);
  m_pending.ids.append(token);
  m_pending.text += QString::fromStdString(text);
  if (isDue(m_sinceFlush, kTokensEveryMs)) flush();
  // Watching takes time: only the tokens that the map will show are watched.
  const bool isShown = isDue(m_sinceCache, kCacheEveryMs);
  m_engine.session->watch_attention(isShown && m_engine.watched == Watched::Attention);
  for (bool isFed = false; !isFed && !m_control.isQuitting();) {
    try {
      m_engine.session->feed(std::span(&token, 1));
      isFed = true;
    } catch (const runnel::Cancelled&) {
      m_engine.session->clear_cancel();
    }
  }
  m_engine.cached.ids.push_back(token);
  ++m_engine.cached.spans.last().end;
  if (isShown) m_listener.cacheChanged(tokensPerSecond());
  m_listener.stepDone();
  return m_control.isStopped(m_turn);
}

void TurnRunner::flush() {
  if (m_pending.ids.isEmpty() && m_pending.text.isEmpty()) return;
  m_listener.tokens(m_pending);
  m_pending.text.clear();
  m_pending.ids.clear();
}

void TurnRunner::reportProgress(bool always) {
  if (!isDue(m_sinceProgress, kCacheEveryMs) && !always) return;
  const auto total = static_cast<qint64>(m_plan.tokens.size());
  const double seconds = static_cast<double>(m_clock.nsecsElapsed()) / 1e9;
  const double left = m_read > 0 ? seconds / static_cast<double>(m_read) * static_cast<double>(total - m_read) : -1;
  m_listener.promptProgress({.done = m_read,
                             .total = total,
                             .secondsLeft = left,
                             .anew = m_plan.anew && m_plan.promptFirst > 0,
                             .answerId = m_request.answerId});
}

double TurnRunner::tokensPerSecond() {
  const qint64 now = m_clock.elapsed();
  while (!m_sampledAt.empty() && m_sampledAt.front() < now - 1000) m_sampledAt.pop_front();
  if (m_sampledAt.size() < 2 || m_sampledAt.back() == m_sampledAt.front()) return 0;
  return 1000.0 * static_cast<double>(m_sampledAt.size() - 1) /
         static_cast<double>(m_sampledAt.back() - m_sampledAt.front());
}

TurnStats TurnRunner::stats(StopReason reason) const {
  const std::vector<runnel::Token>& ids = m_engine.cached.ids;
  const MessageSpan& answer = m_engine.cached.spans.last();
  TurnStats stats;
  stats.conversationId = m_request.conversationId;
  stats.answerId = m_request.answerId;
  stats.stopReason = reason;
  stats.promptIds = QList<qint32>(ids.begin() + m_plan.promptFirst, ids.begin() + answer.first);
  stats.promptPrefix = m_plan.promptPrefix;
  stats.tokenizer = m_engine.format->fingerprint();
  stats.answerIds = m_answerIds;
  stats.promptEvaluated = static_cast<qint64>(m_plan.tokens.size());
  stats.firstTokenSeconds = m_firstTokenSeconds;
  if (m_sampled > 1) stats.tokensPerSecond = static_cast<double>(m_sampled - 1) / m_answerSeconds;
  stats.seed = m_seed;
  return stats;
}

}  // namespace runnel::app
