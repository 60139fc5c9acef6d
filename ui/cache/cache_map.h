#pragma once

#include <QtQml/qqmlregistration.h>
#include <QColor>
#include <QImage>
#include <QPointer>
#include <QQuickItem>

#include <array>
#include <vector>

#include "ui/cache/cache_view_model.h"
#include "ui/cache/cell_grid.h"

namespace runnel::ui {

/**
 * The cache's memory, one cell per slot: coloured by whose token it holds, sinks and pins notched, forgotten tokens
 * faded until they are overwritten, the ring's head outlined. Or coloured by how much attention it gets, or how
 * little it was expected.
 *
 * One image node, so that it also works with Qt's software renderer (which draws no geometry nodes); only cells that
 * changed are painted again.
 */
class CacheMap : public QQuickItem {
  Q_OBJECT
  QML_ELEMENT
  Q_PROPERTY(runnel::ui::CacheViewModel* cache READ cache WRITE setCache NOTIFY cacheChanged REQUIRED)
  Q_PROPERTY(qreal preferredHeight MEMBER m_preferredHeight NOTIFY layoutChanged)
  Q_PROPERTY(QColor freeColor MEMBER m_freeColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor sinkColor MEMBER m_sinkColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor pinnedColor MEMBER m_pinnedColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor systemColor MEMBER m_systemColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor userColor MEMBER m_userColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor assistantColor MEMBER m_assistantColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor headColor MEMBER m_headColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor heatColor MEMBER m_heatColor NOTIFY colorsChanged)
  Q_PROPERTY(QColor unknownColor MEMBER m_unknownColor NOTIFY colorsChanged)
  Q_PROPERTY(bool showsHeat MEMBER m_showsHeat NOTIFY colorsChanged)
  Q_PROPERTY(QColor backgroundColor MEMBER m_backgroundColor NOTIFY colorsChanged)

 public:
  explicit CacheMap(QQuickItem* parent = nullptr);

  CacheViewModel* cache() const { return m_cache; }
  void setCache(CacheViewModel* cache);

  /** The slot beneath a point of the item, -1 when there is none. */
  Q_INVOKABLE int slotAt(qreal x, qreal y) const;
  /** Where the cell of `slot` is. */
  Q_INVOKABLE QRectF rectOf(int slot) const;

  /** How many cells have been painted since the item was made: what tests count. */
  qint64 paintedCells() const { return m_paintedCells; }
  const QImage& image() const { return m_image; }

 Q_SIGNALS:
  void cacheChanged();
  void layoutChanged();
  void colorsChanged();

 protected:
  QSGNode* updatePaintNode(QSGNode* node, UpdatePaintNodeData* data) override;
  void geometryChange(const QRectF& newGeometry, const QRectF& oldGeometry) override;
  void itemChange(ItemChange change, const ItemChangeData& data) override;

 private:
  void layOut();
  void repaintAll();
  void repaintChanged();
  void paintCells(const std::vector<int>& slots);
  QColor colorOf(const Cell& cell) const;
  QColor heatColorOf(const Cell& cell) const;
  qreal devicePixels() const;

  QPointer<CacheViewModel> m_cache;
  CellGrid m_grid;
  QImage m_image;
  std::vector<Cell> m_painted;
  int m_paintedHead = -1;
  qint64 m_paintedCells = 0;
  bool m_textureIsOld = true;

  qreal m_preferredHeight = 260;
  QColor m_freeColor;
  QColor m_sinkColor;
  QColor m_pinnedColor;
  QColor m_systemColor;
  QColor m_userColor;
  QColor m_assistantColor;
  QColor m_headColor;
  QColor m_backgroundColor;
  QColor m_heatColor;
  QColor m_unknownColor;
  bool m_showsHeat = false;
};

}  // namespace runnel::ui
