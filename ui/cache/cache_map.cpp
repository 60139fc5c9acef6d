#include "ui/cache/cache_map.h"

#include <QPainter>
#include <QQuickWindow>
#include <QSGImageNode>

#include <cmath>
#include <memory>
#include <numeric>

namespace runnel::ui {

namespace {

constexpr qreal kLargestPitch = 20;       // logical pixels
constexpr int kSmallestRounded = 6;       // device pixels: below, a cell is a plain square
constexpr double kEvictedStrength = 0.3;  // how much of its colour a forgotten token keeps
constexpr double kLeastHeat = 0.12;

QColor blend(const QColor& front, const QColor& back, double amount) {
  const auto mix = [amount](float f, float b) { return b + (f - b) * static_cast<float>(amount); };
  return QColor::fromRgbF(mix(front.redF(), back.redF()), mix(front.greenF(), back.greenF()),
                          mix(front.blueF(), back.blueF()));
}

bool isNotched(const Cell& cell) {
  return cell.kind == CellKind::Sink || cell.kind == CellKind::Pinned;
}

}  // namespace

CacheMap::CacheMap(QQuickItem* parent) : QQuickItem(parent) {
  setFlag(ItemHasContents);
  connect(this, &CacheMap::colorsChanged, this, &CacheMap::repaintAll);
  connect(this, &CacheMap::layoutChanged, this, &CacheMap::layOut);
}

void CacheMap::setCache(CacheViewModel* cache) {
  if (cache == m_cache) return;
  if (m_cache) m_cache->disconnect(this);
  m_cache = cache;
  if (m_cache) connect(m_cache, &CacheViewModel::changed, this, &CacheMap::repaintChanged);
  layOut();
  Q_EMIT cacheChanged();
}

int CacheMap::slotAt(qreal x, qreal y) const {
  const qreal pixels = devicePixels();
  return m_grid.cellAt({static_cast<int>(std::floor(x * pixels)), static_cast<int>(std::floor(y * pixels))});
}

QRectF CacheMap::rectOf(int slot) const {
  const QRect rect = m_grid.rectOf(slot);
  const qreal pixels = devicePixels();
  return {rect.x() / pixels, rect.y() / pixels, rect.width() / pixels, rect.height() / pixels};
}

qreal CacheMap::devicePixels() const {
  return window() != nullptr ? window()->effectiveDevicePixelRatio() : 1;
}

void CacheMap::geometryChange(const QRectF& newGeometry, const QRectF& oldGeometry) {
  QQuickItem::geometryChange(newGeometry, oldGeometry);
  if (newGeometry.width() != oldGeometry.width()) layOut();
}

void CacheMap::itemChange(ItemChange change, const ItemChangeData& data) {
  QQuickItem::itemChange(change, data);
  if (change == ItemSceneChange || change == ItemDevicePixelRatioHasChanged) layOut();
}

void CacheMap::layOut() {
  if (!m_cache || width() < 1) return;
  const qreal pixels = devicePixels();
  m_grid = CellGrid::fit(static_cast<int>(m_cache->cells().size()), static_cast<int>(width() * pixels),
                         static_cast<int>(m_preferredHeight * pixels), static_cast<int>(kLargestPitch * pixels));
  m_image = QImage(std::max(1, m_grid.width()), std::max(1, m_grid.height()), QImage::Format_ARGB32_Premultiplied);
  setImplicitHeight(m_grid.height() / pixels);
  repaintAll();
}

void CacheMap::repaintAll() {
  if (!m_cache || m_image.isNull()) return;
  m_image.fill(Qt::transparent);
  m_painted = m_cache->cells();
  m_paintedHead = m_cache->head();
  std::vector<int> all(m_painted.size());
  std::iota(all.begin(), all.end(), 0);
  paintCells(all);
}

void CacheMap::repaintChanged() {
  const std::vector<Cell>& cells = m_cache->cells();
  if (cells.size() != m_painted.size()) {
    layOut();
    return;
  }
  const int head = m_cache->head();
  std::vector<int> changed;
  for (std::size_t slot = 0; slot < cells.size(); ++slot) {
    const bool looksSame = cells[slot].kind == m_painted[slot].kind && cells[slot].evicted == m_painted[slot].evicted &&
                           (!m_showsHeat || cells[slot].heat == m_painted[slot].heat);
    const bool headMoved =
        head != m_paintedHead && (static_cast<int>(slot) == head || static_cast<int>(slot) == m_paintedHead);
    if (!looksSame || headMoved) changed.push_back(static_cast<int>(slot));
  }
  m_painted = cells;
  m_paintedHead = head;
  if (!changed.empty()) paintCells(changed);
}

void CacheMap::paintCells(const std::vector<int>& slots) {
  QPainter painter(&m_image);
  const bool rounded = m_grid.pitch >= kSmallestRounded;
  painter.setRenderHint(QPainter::Antialiasing, rounded);
  painter.setCompositionMode(QPainter::CompositionMode_Source);
  for (const int slot : slots) {
    const QRect rect = m_grid.rectOf(slot);
    const Cell& cell = m_painted[static_cast<std::size_t>(slot)];
    if (!rounded) {
      painter.fillRect(rect, slot == m_paintedHead ? m_headColor : colorOf(cell));
      continue;
    }
    painter.fillRect(rect, Qt::transparent);
    painter.setCompositionMode(QPainter::CompositionMode_SourceOver);
    const qreal radius = std::min(3.0, m_grid.pitch / 5.0);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colorOf(cell));
    painter.drawRoundedRect(rect, radius, radius);
    if (isNotched(cell) && !cell.evicted) {
      const qreal notch = rect.width() / 3.0;
      const QRectF middle(rect.x() + notch, rect.y() + notch, notch, notch);
      painter.setBrush(m_backgroundColor);
      painter.drawRoundedRect(middle, notch / 3, notch / 3);
    }
    if (slot == m_paintedHead) {
      const qreal stroke = std::max(1.0, m_grid.pitch / 7.0);
      painter.setPen(QPen(m_headColor, stroke));
      painter.setBrush(Qt::NoBrush);
      painter.drawRoundedRect(QRectF(rect).adjusted(stroke / 2, stroke / 2, -stroke / 2, -stroke / 2), radius, radius);
    }
    painter.setCompositionMode(QPainter::CompositionMode_Source);
  }
  m_paintedCells += static_cast<qint64>(slots.size());
  m_textureIsOld = true;
  update();
}

QColor CacheMap::colorOf(const Cell& cell) const {
  if (m_showsHeat) return heatColorOf(cell);
  const auto color = [&]() -> const QColor& {
    switch (cell.kind) {
      case CellKind::Sink:
        return m_sinkColor;
      case CellKind::Pinned:
        return m_pinnedColor;
      case CellKind::System:
        return m_systemColor;
      case CellKind::User:
        return m_userColor;
      case CellKind::Assistant:
        return m_assistantColor;
      case CellKind::Free:
        break;
    }
    return m_freeColor;
  }();
  return cell.evicted ? blend(color, m_backgroundColor, kEvictedStrength) : color;
}

// A token without heat still differs from a free slot.
QColor CacheMap::heatColorOf(const Cell& cell) const {
  if (cell.kind == CellKind::Free || cell.evicted) return m_freeColor;
  if (cell.heat == kUnknownHeat) return m_unknownColor;
  const double share = static_cast<double>(cell.heat) / kMostHeat;
  return blend(m_heatColor, m_freeColor, kLeastHeat + (1 - kLeastHeat) * share);
}

QSGNode* CacheMap::updatePaintNode(QSGNode* old, UpdatePaintNodeData*) {
  if (m_image.isNull()) {
    delete old;
    return nullptr;
  }
  auto* node = static_cast<QSGImageNode*>(old);
  if (node == nullptr) {
    node = window()->createImageNode();
    node->setOwnsTexture(true);
    node->setFiltering(QSGTexture::Nearest);
    m_textureIsOld = true;
  }
  if (m_textureIsOld) {
    node->setTexture(window()->createTextureFromImage(m_image));
    m_textureIsOld = false;
  }
  const qreal pixels = devicePixels();
  node->setRect(0, 0, m_image.width() / pixels, m_image.height() / pixels);
  return node;
}

}  // namespace runnel::ui
