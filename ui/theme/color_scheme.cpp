#include "ui/theme/color_scheme.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDBusVariant>
#include <QGuiApplication>
#include <QPalette>

namespace runnel::ui {

namespace {

constexpr auto kService = "org.freedesktop.portal.Desktop";
constexpr auto kPath = "/org/freedesktop/portal/desktop";
constexpr auto kInterface = "org.freedesktop.portal.Settings";
constexpr auto kNamespace = "org.freedesktop.appearance";
constexpr auto kKey = "color-scheme";
constexpr uint kDark = 1;

/** `Read` answers with a variant in a variant, the change signal with one: unwrap whatever there is. */
QVariant unwrapped(QVariant value) {
  while (value.userType() == qMetaTypeId<QDBusVariant>()) value = value.value<QDBusVariant>().variant();
  return value;
}

bool paletteIsDark() {
  return QGuiApplication::palette().color(QPalette::Window).lightness() < 128;
}

}  // namespace

ColorScheme::ColorScheme(QObject* parent) : QObject(parent), m_systemDark(paletteIsDark()) {
  askPortal();
  // A slot with (QString, QString, QDBusVariant) is refused by Qt 6.4; the whole message is not.
  QDBusConnection::sessionBus().connect(kService, kPath, kInterface, QStringLiteral("SettingChanged"), this,
                                        SLOT(onSettingChanged(QDBusMessage)));
}

bool ColorScheme::dark() const {
  if (m_choice == QLatin1String("dark")) return true;
  if (m_choice == QLatin1String("light")) return false;
  return m_systemDark;
}

void ColorScheme::setChoice(const QString& choice) {
  // The signal may have been missed while another choice ruled, so ask again on the way back to the system's.
  if (choice != m_choice && choice == QLatin1String("system")) askPortal();
  update(choice, m_systemDark);
}

void ColorScheme::setSystemScheme(uint scheme) {
  update(m_choice, scheme == kDark);
}

void ColorScheme::askPortal() {
  auto bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) return;
  auto call = QDBusMessage::createMethodCall(kService, kPath, kInterface, QStringLiteral("Read"));
  call << QString::fromLatin1(kNamespace) << QString::fromLatin1(kKey);
  auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(call), this);
  connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
    const QDBusPendingReply<QDBusVariant> reply = *watcher;
    if (reply.isValid()) setSystemScheme(unwrapped(QVariant::fromValue(reply.value())).toUInt());
    watcher->deleteLater();
  });
}

void ColorScheme::onSettingChanged(const QDBusMessage& message) {
  const QVariantList arguments = message.arguments();
  if (arguments.size() < 3 || arguments[0].toString() != QLatin1String(kNamespace) ||
      arguments[1].toString() != QLatin1String(kKey))
    return;
  setSystemScheme(unwrapped(arguments[2]).toUInt());
}

void ColorScheme::update(QString choice, bool systemDark) {
  const bool before = dark();
  m_choice = std::move(choice);
  m_systemDark = systemDark;
  if (dark() != before) Q_EMIT darkChanged();
}

}  // namespace runnel::ui
