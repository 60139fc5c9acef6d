#pragma once

#include <QObject>

class QDBusMessage;
class QDBusVariant;

namespace runnel::ui {

/**
 * Whether the window is dark: what the user chose ("light", "dark"), or what the desktop prefers ("system").
 *
 * Qt 6.4 has no colour scheme of its own, so the desktop is asked through the portal
 * (org.freedesktop.portal.Settings, `color-scheme`: 0 no preference, 1 dark, 2 light) and its change signal is
 * followed. Without a portal, or without a preference, light. Lives on the window's thread.
 */
class ColorScheme : public QObject {
  Q_OBJECT
  Q_PROPERTY(bool dark READ dark NOTIFY darkChanged)

 public:
  explicit ColorScheme(QObject* parent = nullptr);

  bool dark() const;

  /** "system", "light" or "dark"; anything else counts as "system". */
  void setChoice(const QString& choice);

  /** The portal's value; 0 and what is unknown mean no preference. */
  void setSystemScheme(uint scheme);

 Q_SIGNALS:
  void darkChanged();

 private Q_SLOTS:
  void onSettingChanged(const QDBusMessage& message);

 private:
  void askPortal();
  void update(QString choice, bool systemDark);

  QString m_choice = QStringLiteral("system");
  bool m_systemDark = false;
};

}  // namespace runnel::ui
