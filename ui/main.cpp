#include <QCommandLineParser>
#include <QDir>
#include <QGuiApplication>
#include <QIcon>
#include <QQmlApplicationEngine>
#include <QQuickWindow>
#include <QStandardPaths>
#include <QtQml/qqmlextensionplugin.h>

#include <memory>

#include "app/chat/scripted_backend.h"
#include "runnel/threads.h"
#include "ui/app_controller.h"
#include "ui/fonts.h"
#include "ui/window_place.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace {

struct Options {
  QString model;
  QString dataFolder;
  QString backend;
};

Options parse(const QCoreApplication& application) {
  QCommandLineParser parser;
  parser.setApplicationDescription(QObject::tr("Chat with language models on this computer, without end."));
  parser.addHelpOption();
  parser.addVersionOption();
  const QCommandLineOption model(QStringLiteral("model"), QObject::tr("Load this .gguf file or folder."),
                                 QObject::tr("file"));
  const QCommandLineOption data(QStringLiteral("data-dir"),
                                QObject::tr("Keep conversations, settings and models here."), QObject::tr("folder"));
  QCommandLineOption backend(QStringLiteral("backend"), {}, QStringLiteral("name"), QStringLiteral("local"));
  backend.setFlags(QCommandLineOption::HiddenFromHelp);
  parser.addOptions({model, data, backend});
  parser.process(application);
  return {parser.value(model), parser.value(data), parser.value(backend)};
}

}  // namespace

int main(int argc, char** argv) {
  QGuiApplication application(argc, argv);
  QGuiApplication::setApplicationName(QStringLiteral("runnel"));
  QGuiApplication::setApplicationDisplayName(QStringLiteral("Runnel"));
  QGuiApplication::setApplicationVersion(QStringLiteral(RUNNEL_VERSION));
  QGuiApplication::setDesktopFileName(QStringLiteral(RUNNEL_APP_ID));
  QGuiApplication::setWindowIcon(QIcon(QStringLiteral(":/Runnel/icons/runnel.svg")));
  const Options options = parse(application);
  runnel::ui::prepareFonts();

  const QDir data(options.dataFolder.isEmpty() ? QStandardPaths::writableLocation(QStandardPaths::AppDataLocation)
                                               : options.dataFolder);
  runnel::app::Settings settings(options.dataFolder.isEmpty() ? QString() : data.filePath("settings.ini"));
  runnel::app::ConversationStore store;
  const bool opened = store.open(data.filePath(QStringLiteral("conversations.db")));

  runnel::app::ScriptedBackend backend;
  backend.setInterval(30);
  backend.setAnswers({QStringLiteral(
      "The **Pont du Gard** carries the Nîmes aqueduct across the Gardon. Over its whole length of 50 km the channel "
      "falls only 12.6 m, so the builders had to survey to within a few millimetres per kilometre:\n\n```python\nslope = "
      "12.6 / 50_000\nprint(f\"{slope:.6f}\")\n```\n\n* first\n* second")});

  runnel::ui::AppController controller({.backend = backend,
                                        .store = store,
                                        .settings = settings,
                                        .modelFolder = data.filePath(QStringLiteral("models")),
                                        .defaultThreads = runnel::default_threads()});
  if (!opened) controller.showProblem(store.error());

  QQmlApplicationEngine engine;
  engine.addImportPath(QStringLiteral(":/"));
  engine.setInitialProperties({{QStringLiteral("app"), QVariant::fromValue(&controller)}});
  engine.load(QUrl(QStringLiteral("qrc:/Runnel/Main.qml")));
  if (engine.rootObjects().isEmpty()) return 1;
  auto* window = qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
  const QString place = data.filePath(QStringLiteral("window.ini"));
  runnel::ui::restoreWindow(*window, place);
  window->show();
  controller.start(options.model);
  const int result = QGuiApplication::exec();
  runnel::ui::saveWindow(*window, place);
  return result;
}
