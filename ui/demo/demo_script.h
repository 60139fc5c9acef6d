#pragma once

#include <QString>
#include <QStringList>

namespace runnel::ui {

/** What the demonstration says to the model. */
struct DemoScript {
  QString system;
  QStringList turns;

  /** Reads the script that comes with the program (resources/demo.json). Throws Error when it isn't one. */
  static DemoScript builtIn();
  /** Throws Error when `json` has no turns. */
  static DemoScript parse(const QByteArray& json);
};

}  // namespace runnel::ui
