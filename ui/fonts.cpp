#include "ui/fonts.h"

#include <QFont>
#include <QGuiApplication>

namespace runnel::ui {

void prepareFonts() {
  // Without this, half of the emoji come black and white from other fonts.
  for (const char* family : {"Inter", "JetBrains Mono"})
    QFont::insertSubstitutions(QString::fromLatin1(family), {QStringLiteral("Noto Color Emoji")});
  QFont font(QStringLiteral("Inter"));
  font.setPixelSize(13);
  QGuiApplication::setFont(font);
}

}  // namespace runnel::ui
