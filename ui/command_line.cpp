#include "ui/command_line.h"

#include <QCommandLineParser>
#include <QCoreApplication>

namespace runnel::ui {

CommandLine CommandLine::parse(const QCoreApplication& application) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("CommandLine", text); };
  QCommandLineParser parser;
  parser.setApplicationDescription(tr("Chat with language models on this computer, without end."));
  parser.addHelpOption();
  parser.addVersionOption();
  const QCommandLineOption model(QStringLiteral("model"), tr("Load this .gguf file or Hugging Face folder."),
                                 tr("file"));
  const QCommandLineOption data(QStringLiteral("data-dir"), tr("Keep conversations, settings and models there."),
                                tr("folder"));
  const QCommandLineOption demo(QStringLiteral("demo"),
                                tr("Show a prepared conversation, save pictures of the window, and end."));
  const QCommandLineOption screenshots(QStringLiteral("screenshots"),
                                       tr("Folder for the pictures of --demo; the current one unless named."),
                                       tr("folder"), QStringLiteral("."));
  QCommandLineOption backend(QStringLiteral("backend"), {}, QStringLiteral("name"), QStringLiteral("local"));
  backend.setFlags(QCommandLineOption::HiddenFromHelp);
  parser.addOptions({model, data, demo, screenshots, backend});
  parser.addPositionalArgument(QStringLiteral("file"), tr("Load this model, as --model does."),
                               QStringLiteral("[file]"));
  parser.process(application);
  const QString file = parser.positionalArguments().value(0);
  return {.model = parser.isSet(model) ? parser.value(model) : file,
          .dataFolder = parser.value(data),
          .screenshots = parser.value(screenshots),
          .demo = parser.isSet(demo),
          .scripted = parser.value(backend) == QLatin1String("scripted")};
}

}  // namespace runnel::ui
