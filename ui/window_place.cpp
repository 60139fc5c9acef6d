#include "ui/window_place.h"

#include <QGuiApplication>
#include <QScreen>
#include <QSettings>
#include <QWindow>

#include <algorithm>

namespace runnel::ui {

namespace {

constexpr int kTitleBar = 32;  // room that the window manager's title bar needs above what Qt calls the geometry
constexpr auto kGeometry = "window/geometry";
constexpr auto kMaximized = "window/maximized";

qint64 areaOf(const QRect& rect) {
  return rect.isEmpty() ? 0 : static_cast<qint64>(rect.width()) * static_cast<qint64>(rect.height());
}

QList<QRect> availableScreens() {
  QList<QRect> screens;
  for (const QScreen* screen : QGuiApplication::screens()) screens.append(screen->availableGeometry());
  return screens;
}

}  // namespace

QRect placeOnScreen(const QRect& saved, const QList<QRect>& screens) {
  if (screens.isEmpty()) return saved;
  const auto overlap = [&](const QRect& screen) { return areaOf(screen & saved); };
  const QRect best = *std::ranges::max_element(screens, {}, overlap);
  const QRect room = best.adjusted(0, kTitleBar, 0, 0);
  QRect place(QPoint(0, 0), saved.size().boundedTo(room.size()));
  if (overlap(best) == 0) {
    place.moveCenter(room.center());
  } else {
    place.moveLeft(std::clamp(saved.left(), room.left(), room.right() + 1 - place.width()));
    place.moveTop(std::clamp(saved.top(), room.top(), room.bottom() + 1 - place.height()));
  }
  return place;
}

void restoreWindow(QWindow& window, const QString& file) {
  const QSettings settings(file, QSettings::IniFormat);
  const QRect saved = settings.value(kGeometry).toRect();
  const QSize wanted = saved.isValid() ? saved.size().expandedTo(window.minimumSize()) : window.size();
  const QPoint nowhere(-1'000'000, -1'000'000);
  window.setGeometry(placeOnScreen({saved.isValid() ? saved.topLeft() : nowhere, wanted}, availableScreens()));
  if (settings.value(kMaximized).toBool()) window.setWindowStates(Qt::WindowMaximized);
}

void saveWindow(const QWindow& window, const QString& file) {
  QSettings settings(file, QSettings::IniFormat);
  const bool maximized = window.windowStates().testFlag(Qt::WindowMaximized);
  settings.setValue(kMaximized, maximized);
  if (!maximized) settings.setValue(kGeometry, window.geometry());
}

}  // namespace runnel::ui
