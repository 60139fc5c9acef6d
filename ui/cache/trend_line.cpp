#include "ui/cache/trend_line.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace runnel::ui {

namespace {

constexpr qreal kStroke = 1.5;

}  // namespace

TrendLine::TrendLine(QQuickItem* parent) : QQuickPaintedItem(parent) {
  setAntialiasing(true);
}

void TrendLine::paint(QPainter* painter) {
  if (m_values.size() < 2 || m_maximum <= 0) return;
  const qsizetype steps = std::max<qsizetype>(m_capacity, m_values.size()) - 1;
  const qreal room = height() - 2 * kStroke;
  QPolygonF line;
  line.reserve(m_values.size());
  for (qsizetype i = 0; i < m_values.size(); ++i) {
    const qreal share = std::clamp(m_values[i] / m_maximum, 0.0, 1.0);
    line.append({width() * static_cast<qreal>(i) / static_cast<qreal>(steps), kStroke + room * (1 - share)});
  }
  QPen pen(m_color, kStroke, m_dotted ? Qt::CustomDashLine : Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
  if (m_dotted) pen.setDashPattern({0.1, 3});
  painter->setPen(pen);
  painter->drawPolyline(line);
}

}  // namespace runnel::ui
