#pragma once

#include <QtQml/qqmlregistration.h>
#include <QColor>
#include <QQuickPaintedItem>
#include <QSvgRenderer>

namespace runnel::ui {

/** One of our icons (resources/icons, strokes in `currentColor`), drawn in any colour and size by either renderer. */
class Icon : public QQuickPaintedItem {
  Q_OBJECT
  QML_ELEMENT
  Q_PROPERTY(QString name READ name WRITE setName NOTIFY nameChanged)
  Q_PROPERTY(QColor color READ color WRITE setColor NOTIFY colorChanged)

 public:
  explicit Icon(QQuickItem* parent = nullptr);

  QString name() const { return m_name; }
  void setName(const QString& name);
  QColor color() const { return m_color; }
  void setColor(const QColor& color);

  void paint(QPainter* painter) override;

 Q_SIGNALS:
  void nameChanged();
  void colorChanged();

 private:
  void load();

  QString m_name;
  QColor m_color = Qt::gray;
  QSvgRenderer m_svg;
  bool m_visible = false;
};

}  // namespace runnel::ui
