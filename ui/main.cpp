#include <QtQml/qqmlextensionplugin.h>
#include <malloc.h>
#include <QDir>
#include <QGuiApplication>
#include <QIcon>
#include <QQmlApplicationEngine>
#include <QQuickWindow>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTimer>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "app/chat/local_backend.h"
#include "app/chat/scripted_backend.h"
#include "runnel/error.h"
#include "runnel/threads.h"
#include "ui/app_controller.h"
#include "ui/command_line.h"
#include "ui/demo/demo_player.h"
#include "ui/fonts.h"
#include "ui/window_place.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

// The only place that knows all the parts.

namespace {

using runnel::ui::CommandLine;

QString userFolder(const CommandLine& options) {
  return options.dataFolder.isEmpty() ? QStandardPaths::writableLocation(QStandardPaths::AppDataLocation)
                                      : options.dataFolder;
}

std::unique_ptr<runnel::app::ChatBackend> makeBackend(bool scripted, runnel::app::SnapshotFolder& snapshots) {
  if (!scripted) return std::make_unique<runnel::app::LocalBackend>(&snapshots);
  auto backend = std::make_unique<runnel::app::ScriptedBackend>();
  backend->setInterval(0);
  backend->setAnswers({QStringLiteral("A prepared answer with **some** words, so that the cache has something to roll "
                                      "over while the window is tried:\n\n* one thing\n* another thing\n\nAnd a last "
                                      "sentence that is neither short nor long, as sentences go."),
                       QStringLiteral("Another one, shorter.")});
  return backend;
}

int runDemo(runnel::ui::DemoPlayer& player) {
  try {
    player.run();
    return 0;
  } catch (const runnel::Error& error) {
    std::fprintf(stderr, "runnel: %s\n", error.what());
    return 1;
  }
}

/** Shows the window over the data in `folder` until it is closed, or until the demonstration is over. */
int showWindow(const CommandLine& options, const QDir& folder, const QString& settingsFile) {
  runnel::app::Settings settings(settingsFile);
  runnel::app::ConversationStore store;
  store.open(folder.filePath(QStringLiteral("conversations.db")));
  runnel::app::SnapshotFolder snapshots(folder.filePath(QStringLiteral("snapshots")));
  const auto backend = makeBackend(options.scripted, snapshots);
  runnel::ui::AppController controller({.backend = *backend,
                                        .store = store,
                                        .settings = settings,
                                        .modelFolder = QDir(userFolder(options)).filePath(QStringLiteral("models")),
                                        .defaultThreads = runnel::default_threads(),
                                        .snapshots = &snapshots});
  QQmlApplicationEngine engine;
  engine.addImportPath(QStringLiteral(":/"));
  engine.setInitialProperties({{QStringLiteral("app"), QVariant::fromValue(&controller)}});
  engine.load(QUrl(QStringLiteral("qrc:/Runnel/Main.qml")));
  auto* window =
      engine.rootObjects().isEmpty() ? nullptr : qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
  if (window == nullptr) {
    std::fputs("runnel: The window can't be made; a QML module of Qt is missing (the lines above name it).\n", stderr);
    return 1;
  }
  const QString place = folder.filePath(QStringLiteral("window.ini"));
  runnel::ui::restoreWindow(*window, place);
  window->show();
  controller.start(options.model);
  if (options.demo) {
    runnel::ui::DemoPlayer player({.app = controller,
                                   .backend = *backend,
                                   .settings = settings,
                                   .window = *window,
                                   .folder = options.screenshots});
    return runDemo(player);
  }
  const int result = QGuiApplication::exec();
  runnel::ui::saveWindow(*window, place);
  return result;
}

int runDemoInTemporaryFolder(const CommandLine& options) {
  const QTemporaryDir folder;
  if (!folder.isValid()) {
    std::fprintf(stderr, "runnel: No temporary folder can be made: %s.\n", qPrintable(folder.errorString()));
    return 1;
  }
  const QString settingsFile = folder.filePath(QStringLiteral("settings.ini"));
  {
    runnel::app::Settings settings(settingsFile);
    settings.setTheme(QStringLiteral("dark"));
    runnel::SamplerSettings sampling;
    sampling.seed = 7;
    settings.setSampling(sampling);
  }
  return showWindow(options, QDir(folder.path()), settingsFile);
}

/** Whether only text is asked for, which needs no display. */
bool asksForText(int argc, char** argv) {
  static constexpr std::array questions{"--help", "-h", "--help-all", "--version", "-v"};
  return std::any_of(argv + 1, argv + argc, [](const char* argument) {
    return std::any_of(questions.begin(), questions.end(),
                       [argument](const char* question) { return std::strcmp(argument, question) == 0; });
  });
}

/**
 * One arena of the allocator for all threads. With one for each, what a thread frees stays with it, and changing models
 * leaves the process a quarter larger.
 */
void shareFreedMemory() {
  mallopt(M_ARENA_MAX, 1);
}

}  // namespace

int main(int argc, char** argv) {
  shareFreedMemory();
  std::unique_ptr<QCoreApplication> application;
  if (asksForText(argc, argv)) {
    application = std::make_unique<QCoreApplication>(argc, argv);
  } else {
    application = std::make_unique<QGuiApplication>(argc, argv);
  }
  QGuiApplication::setApplicationName(QStringLiteral("runnel"));
  QGuiApplication::setApplicationVersion(QStringLiteral(RUNNEL_VERSION));
  const CommandLine options = CommandLine::parse(*application);
  QGuiApplication::setApplicationDisplayName(QStringLiteral("Runnel"));
  QGuiApplication::setDesktopFileName(QStringLiteral(RUNNEL_APP_ID));
  QGuiApplication::setWindowIcon(QIcon(QStringLiteral(":/Runnel/icons/runnel.svg")));
  runnel::ui::prepareFonts();
  if (options.demo) return runDemoInTemporaryFolder(options);
  const QDir folder(userFolder(options));
  return showWindow(options, folder,
                    options.dataFolder.isEmpty() ? QString() : folder.filePath(QStringLiteral("settings.ini")));
}
