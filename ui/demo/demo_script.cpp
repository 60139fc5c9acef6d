#include "ui/demo/demo_script.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include "runnel/error.h"

namespace runnel::ui {

DemoScript DemoScript::builtIn() {
  QFile file(QStringLiteral(":/Runnel/demo.json"));
  if (!file.open(QIODevice::ReadOnly)) throw Error("The demonstration's script demo.json is missing from the program.");
  return parse(file.readAll());
}

DemoScript DemoScript::parse(const QByteArray& json) {
  const QJsonObject object = QJsonDocument::fromJson(json).object();
  DemoScript script;
  script.system = object[QLatin1String("system")].toString();
  for (const QJsonValue& turn : object[QLatin1String("turns")].toArray())
    if (!turn.toString().isEmpty()) script.turns.append(turn.toString());
  if (script.turns.isEmpty())
    throw Error("The demonstration's script demo.json needs \"turns\", a list of at least one text.");
  return script;
}

}  // namespace runnel::ui
