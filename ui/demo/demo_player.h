#pragma once

#include <QObject>
#include <QQuickWindow>

#include <functional>

#include "app/chat/chat_backend.h"
#include "app/settings/settings.h"
#include "ui/app_controller.h"
#include "ui/demo/cache_report.h"
#include "ui/demo/demo_script.h"

namespace runnel::ui {

/**
 * Plays the prepared conversation through the real window, with key presses, twice: forgetting one token at a time, and
 * half of them at once. Writes the transcript and the cache's events to the standard output and pictures of the window
 * into a folder.
 */
class DemoPlayer : public QObject {
  Q_OBJECT

 public:
  static constexpr int kCtxSize = 256;
  static constexpr qint64 kEvictedAtLeast = 512;

  struct Parts {
    AppController& app;
    app::ChatBackend& backend;
    app::Settings& settings;
    QQuickWindow& window;
    QString folder;  //!< of the pictures
  };

  explicit DemoPlayer(const Parts& parts, QObject* parent = nullptr);

  /** Runs the whole demonstration, in an event loop of its own. Throws Error with a sentence when anything in it did
   * not happen. The settings must be temporary ones: they are changed. */
  void run();

 private:
  void prepare(int nDiscard);
  void playUntilForgotten(int nDiscard);
  void sendThroughWindow(const QString& text);
  void printLastAnswer();
  void showSettings();
  void takeWatchedPictures();
  void picture(const QString& name);
  void takePicture(const QString& name);
  void waitUntil(const std::function<bool()>& condition, const QString& otherwise);

  AppController& m_app;
  app::ChatBackend& m_backend;
  app::Settings& m_settings;
  QQuickWindow& m_window;
  const QString m_folder;
  const DemoScript m_script;
  CacheReport m_report;
  QStringList m_pictures;
  QString m_failure;
  bool m_watching = false;
};

}  // namespace runnel::ui
