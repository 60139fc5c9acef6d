#pragma once

#include <QString>

class QCoreApplication;

namespace runnel::ui {

/** What the program was started with. */
struct CommandLine {
  QString model;        //!< file or folder to load; empty: the one used last
  QString dataFolder;   //!< of conversations, settings and models; empty: the user's own
  QString screenshots;  //!< folder for the demonstration's pictures
  bool demo = false;
  bool scripted = false;  //!< prepared answers in place of a model, for tests

  /** Ends the program after --help, --version, or an error in the options. */
  static CommandLine parse(const QCoreApplication& application);
};

}  // namespace runnel::ui
