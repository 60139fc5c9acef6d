#pragma once

#include <QtQml/qqmlregistration.h>
#include <QObject>

namespace runnel::ui {

/** The system's clipboard, as plain text. */
class Clipboard : public QObject {
  Q_OBJECT
  QML_ELEMENT
  QML_SINGLETON

 public:
  using QObject::QObject;

  Q_INVOKABLE void copy(const QString& text) const;
  Q_INVOKABLE QString text() const;
};

}  // namespace runnel::ui
