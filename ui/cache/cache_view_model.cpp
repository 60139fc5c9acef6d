#include "ui/cache/cache_view_model.h"

#include <QLocale>

#include <algorithm>
#include <cmath>

namespace runnel::ui {

namespace {

QString sizeText(double bytes) {
  return QLocale().formattedDataSize(static_cast<qint64>(bytes), 1, QLocale::DataSizeSIFormat);
}

}  // namespace

CacheViewModel::CacheViewModel(QObject* parent) : QObject(parent) {
  m_frame.setSingleShot(true);
  m_frame.setInterval(kFrameMilliseconds);
  connect(&m_frame, &QTimer::timeout, this, &CacheViewModel::flush);
}

void CacheViewModel::update(const app::CacheSnapshot& snapshot) {
  m_waiting = snapshot;
  if (!m_frame.isActive()) flush();
}

void CacheViewModel::flush() {
  if (!m_waiting) return;
  show(*std::exchange(m_waiting, std::nullopt));
  m_frame.start();
}

void CacheViewModel::clear(const CacheSettings& settings) {
  m_waiting.reset();
  m_speeds.clear();
  m_speedNotedAt = 0;
  m_cells.clear();
  app::CacheSnapshot empty;
  empty.telemetry.settings = settings;
  empty.telemetry.slots = settings.ctx_size + headroom(settings.ctx_size);
  show(empty);
}

void CacheViewModel::show(const app::CacheSnapshot& snapshot) {
  const bool sameCache = snapshot.conversationId == m_shown.conversationId;
  if (!sameCache) {
    m_speeds.clear();
    m_describedPosition = -1;
  }
  m_cells = cellsOf(snapshot, sameCache ? m_cells : std::vector<Cell>());
  m_shown = snapshot;
  m_shown.telemetry.events.clear();
  m_sinks = m_pinned = m_window = 0;
  for (const Run& run : m_shown.telemetry.runs) {
    if (run.reason == Reason::sink)
      m_sinks += run.length;
    else if (run.reason == Reason::window)
      m_window += run.length;
    else
      m_pinned += run.length;
  }
  noteSpeed();
  Q_EMIT changed();
  if (m_hoveredSlot >= 0) updateHovered();
}

void CacheViewModel::noteSpeed() {
  const qint64 fed = m_shown.telemetry.fed;
  if (fed < m_speedNotedAt) m_speedNotedAt = fed;
  if (m_shown.tokensPerSecond <= 0 || fed - m_speedNotedAt < kTokensPerSpeedPoint) return;
  m_speedNotedAt = fed;
  m_speeds.append(m_shown.tokensPerSecond);
  if (m_speeds.size() > kSpeedPoints) m_speeds.removeFirst();
}

double CacheViewModel::unboundedBytes() const {
  return static_cast<double>(m_shown.telemetry.fed) * static_cast<double>(m_shown.telemetry.bytes_per_token);
}

double CacheViewModel::topSpeed() const {
  return m_speeds.isEmpty() ? 1 : std::ranges::max(m_speeds);
}

QString CacheViewModel::bytesText() const {
  return sizeText(bytes());
}

QString CacheViewModel::unboundedBytesText() const {
  return sizeText(unboundedBytes());
}

QString CacheViewModel::settingsLine() const {
  const CacheSettings& settings = m_shown.telemetry.settings;
  return QStringLiteral("ctx_size %1  n_keep %2  n_discard %3")
      .arg(settings.ctx_size)
      .arg(settings.n_keep)
      .arg(settings.n_discard);
}

QString CacheViewModel::rollingLine() const {
  const CacheSettings& settings = m_shown.telemetry.settings;
  if (m_shown.telemetry.evicted == 0) {
    const QString room = QLocale().toString(std::max(0, settings.ctx_size - m_shown.telemetry.cached));
    return tr("room for %1 more tokens before the oldest are forgotten").arg(room);
  }
  const QString full = QLocale().toString(settings.ctx_size);
  if (settings.n_discard == 1) return tr("full since token %1: one token forgotten for each new one").arg(full);
  if (settings.n_discard < 0) return tr("full since token %1: half is forgotten whenever it is full").arg(full);
  return tr("full since token %1: %2 tokens forgotten at a time").arg(full, QLocale().toString(settings.n_discard));
}

void CacheViewModel::setColouring(Colouring colouring) {
  if (colouring == m_colouring) return;
  m_colouring = colouring;
  Q_EMIT colouringChanged();
}

void CacheViewModel::setHoveredSlot(int slot) {
  if (slot == m_hoveredSlot) return;
  m_hoveredSlot = slot;
  updateHovered();
}

// Asks with each snapshot, not only when the pointer moves: after going back another token may be at the position. What
// was told last stays until then.
void CacheViewModel::updateHovered() {
  const Cell* cell = cellAt(m_hoveredSlot);
  const qint64 position = cell != nullptr && cell->kind != CellKind::Free ? cell->position : -1;
  if (position != m_describedPosition) m_tokenLabel.clear();
  m_describedPosition = position;
  Q_EMIT hoveredChanged();
  if (position >= 0) Q_EMIT tokenAsked(m_shown.conversationId, position);
}

void CacheViewModel::takeTokenLabel(qint64 conversationId, qint64 position, const QString& label) {
  const bool isAwaited = conversationId == m_shown.conversationId && position == m_describedPosition;
  if (!isAwaited || label == m_tokenLabel) return;
  m_tokenLabel = label;
  Q_EMIT hoveredChanged();
}

const Cell* CacheViewModel::cellAt(int slot) const {
  return slot >= 0 && slot < static_cast<int>(m_cells.size()) ? &m_cells[static_cast<std::size_t>(slot)] : nullptr;
}

QString CacheViewModel::cellTitle(int slot) const {
  const Cell* cell = cellAt(slot);
  if (cell == nullptr) return {};
  if (cell->kind == CellKind::Free) return tr("free");
  const QString position = QLocale().toString(static_cast<qlonglong>(cell->position));
  const QString title = cell->evicted ? tr("token %1, forgotten").arg(position) : tr("token %1").arg(position);
  const bool isDescribed = cell->position == m_describedPosition && !m_tokenLabel.isEmpty();
  return isDescribed ? title + QStringLiteral("  ") + m_tokenLabel : title;
}

QString CacheViewModel::cellDetail(int slot) const {
  const Cell* cell = cellAt(slot);
  if (cell == nullptr) return {};
  if (cell->kind == CellKind::Free) return tr("slot %1").arg(QLocale().toString(slot));
  const app::MessageSpan* span = spanAt(m_shown.spans, cell->position);
  QString owner = tr("template");
  if (span != nullptr)
    owner = span->role == app::Role::System ? tr("system prompt")
            : span->role == app::Role::User ? tr("you")
                                            : tr("assistant");
  if (cell->kind == CellKind::Sink) owner = tr("sink, %1").arg(owner);
  if (cell->kind == CellKind::Pinned) owner = tr("pinned, %1").arg(owner);
  const qint64 age = m_shown.telemetry.fed - 1 - cell->position;
  const QString whose = tr("%1 · age %2").arg(owner, QLocale().toString(age));
  const QString watched = watchedOf(slot);
  return watched.isEmpty() ? whose : tr("%1 · %2").arg(whose, watched);
}

// In words, what the colour of a cell tells; empty where that is whose it is, or nothing.
QString CacheViewModel::watchedOf(int slot) const {
  const auto at = static_cast<std::size_t>(slot);
  const CacheTelemetry& telemetry = m_shown.telemetry;
  if (m_colouring == Attention && at < telemetry.attention.size()) {
    const double share = 100.0 * static_cast<double>(telemetry.attention[at]);
    return tr("%1 % of attention").arg(QLocale().toString(share, 'f', 1));
  }
  if (m_colouring != Surprise || at >= telemetry.surprise.size()) return {};
  if (std::isnan(telemetry.surprise[at])) return tr("not known how expected");
  const double share = 100.0 * std::exp(-static_cast<double>(telemetry.surprise[at]));
  constexpr double least = 0.05;
  return share < least ? tr("hardly expected") : tr("expected with %1 %").arg(QLocale().toString(share, 'f', 1));
}

qint64 CacheViewModel::messageAt(int slot) const {
  const Cell* cell = cellAt(slot);
  if (cell == nullptr) return 0;
  const app::MessageSpan* span = spanAt(m_shown.spans, cell->position);
  return span != nullptr ? span->messageId : 0;
}

}  // namespace runnel::ui
