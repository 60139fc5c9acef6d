#include "ui/controls/icon.h"

#include <QFile>
#include <QPainter>

namespace runnel::ui {

Icon::Icon(QQuickItem* parent) : QQuickPaintedItem(parent) {
  setImplicitSize(16, 16);
  setAntialiasing(true);
}

void Icon::setName(const QString& name) {
  if (name == m_name) return;
  m_name = name;
  load();
  Q_EMIT nameChanged();
}

void Icon::setColor(const QColor& color) {
  if (color == m_color) return;
  m_color = color;
  load();
  Q_EMIT colorChanged();
}

void Icon::load() {
  QFile file(QStringLiteral(":/Runnel/icons/%1.svg").arg(m_name));
  m_visible = !m_name.isEmpty() && file.open(QIODevice::ReadOnly) &&
              m_svg.load(file.readAll().replace("currentColor", m_color.name().toLatin1()));
  update();
}

void Icon::paint(QPainter* painter) {
  if (m_visible) m_svg.render(painter, boundingRect());
}

}  // namespace runnel::ui
