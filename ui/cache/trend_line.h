#pragma once

#include <QtQml/qqmlregistration.h>
#include <QColor>
#include <QList>
#include <QQuickPaintedItem>

namespace runnel::ui {

/** A line through evenly spaced values, from 0 at the bottom to `maximum` at the top. Painted only when they change. */
class TrendLine : public QQuickPaintedItem {
  Q_OBJECT
  QML_ELEMENT
  Q_PROPERTY(QList<double> values READ values WRITE setValues NOTIFY changed)
  Q_PROPERTY(double maximum READ maximum WRITE setMaximum NOTIFY changed)
  Q_PROPERTY(int capacity READ capacity WRITE setCapacity NOTIFY changed)
  Q_PROPERTY(QColor color READ color WRITE setColor NOTIFY changed)
  Q_PROPERTY(bool dotted READ dotted WRITE setDotted NOTIFY changed)

 public:
  explicit TrendLine(QQuickItem* parent = nullptr);

  QList<double> values() const { return m_values; }
  void setValues(const QList<double>& values) { set(m_values, values); }
  double maximum() const { return m_maximum; }
  void setMaximum(double maximum) { set(m_maximum, maximum); }
  /** Number of values that fill the width; 0: as many as there are. */
  int capacity() const { return m_capacity; }
  void setCapacity(int capacity) { set(m_capacity, capacity); }
  QColor color() const { return m_color; }
  void setColor(const QColor& color) { set(m_color, color); }
  bool dotted() const { return m_dotted; }
  void setDotted(bool dotted) { set(m_dotted, dotted); }

  void paint(QPainter* painter) override;

 Q_SIGNALS:
  void changed();

 private:
  template <typename T>
  void set(T& member, const T& value) {
    if (member == value) return;
    member = value;
    update();
    Q_EMIT changed();
  }

  QList<double> m_values;
  double m_maximum = 1;
  int m_capacity = 0;
  QColor m_color = Qt::gray;
  bool m_dotted = false;
};

}  // namespace runnel::ui
