#pragma once

#include <QProcess>
#include <QStringList>
#include <QTemporaryDir>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace runnel {

/// What a run of runnel-cli gave.
struct Outcome {
  int code = -1;  ///< −1: it crashed, or did not end
  QByteArray out{};
  QByteArray error{};

  nlohmann::json json() const { return nlohmann::json::parse(out.toStdString(), nullptr, false); }
};

/// Runs runnel-cli to its end. `input` goes to its standard input.
inline Outcome run(const QStringList& arguments, const QByteArray& input = {}) {
  QProcess process;
  process.start(RUNNEL_CLI, arguments);
  process.write(input);
  process.closeWriteChannel();
  constexpr int most_ms = 240'000;
  const bool ended = process.waitForFinished(most_ms) && process.exitStatus() == QProcess::NormalExit;
  return {.code = ended ? process.exitCode() : -1,
          .out = process.readAllStandardOutput(),
          .error = process.readAllStandardError()};
}

/// Why an outcome is no failure as documented: exit code 1 and one line "runnel-cli: error: …" that holds `parts`.
inline QString no_failure(const Outcome& outcome, const QStringList& parts) {
  const QString line = QString::fromUtf8(outcome.error);
  if (outcome.code != 1) return QString("exit code %1: ").arg(outcome.code) + line;
  if (!line.startsWith("runnel-cli: error: ") || line.count('\n') != 1 || !line.endsWith('\n'))
    return "not one line: " + line;
  for (const QString& part : parts) {
    if (!line.contains(part)) return "\"" + part + "\" is missing in: " + line;
  }
  return {};
}

/// A folder for what a test writes and reads.
class Files {
 public:
  QString path(const QString& name) const { return folder_.filePath(name); }
  QString write(const QString& name, const QByteArray& bytes) const {
    std::ofstream(path(name).toStdString(), std::ios::binary).write(bytes.data(), bytes.size());
    return path(name);
  }
  QByteArray read(const QString& name) const {
    std::ifstream file(path(name).toStdString(), std::ios::binary);
    return QByteArray::fromStdString({std::istreambuf_iterator<char>(file), {}});
  }
  nlohmann::json json(const QString& name) const {
    return nlohmann::json::parse(read(name).toStdString(), nullptr, false);
  }

 private:
  QTemporaryDir folder_;
};

}  // namespace runnel
