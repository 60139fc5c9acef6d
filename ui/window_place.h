#pragma once

#include <QList>
#include <QRect>
#include <QString>

class QWindow;

namespace runnel::ui {

/** Where a window of geometry `saved` may be put: wholly on one of `screens` (their available areas, the first being
 *  the main one), the one it overlaps most, cut to that screen's size. */
QRect placeOnScreen(const QRect& saved, const QList<QRect>& screens);

/** Puts the window where it was when it was last closed, or in the middle of the screen. `file`: an .ini file. */
void restoreWindow(QWindow& window, const QString& file);
void saveWindow(const QWindow& window, const QString& file);

}  // namespace runnel::ui
