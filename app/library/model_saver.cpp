#include "app/library/model_saver.h"

#include <QElapsedTimer>
#include <QFile>

#include <filesystem>
#include <utility>

#include "app/failure_sentence.h"
#include "runnel/error.h"

namespace runnel::app {

namespace {

constexpr qint64 kProgressEveryMs = 33;

std::filesystem::path nativePath(const QString& path) {
  return {QFile::encodeName(path).toStdString()};
}

}  // namespace

ModelSaver::ModelSaver(QObject* parent) : QObject(parent) {}

ModelSaver::~ModelSaver() = default;

void ModelSaver::save(const QString& source, const QString& target, const runnel::QuantizeOptions& options) {
  Q_ASSERT(!m_isSaving);
  m_isSaving = true;
  m_thread = std::jthread(
      [this, source, target, options](const std::stop_token& stop) { work(source, target, options, stop); });
}

void ModelSaver::stop() {
  m_thread.request_stop();
}

template <typename Result>
void ModelSaver::end(Result result) {
  QMetaObject::invokeMethod(this, [this, result = std::move(result)] {
    m_isSaving = false;
    result();
  });
}

void ModelSaver::work(const QString& source, const QString& target, const runnel::QuantizeOptions& options,
                      const std::stop_token& stop) {
  QElapsedTimer sinceProgress;
  const auto progress = [&](double done) {
    if (sinceProgress.isValid() && sinceProgress.elapsed() < kProgressEveryMs && done < 1) return;
    sinceProgress.start();
    QMetaObject::invokeMethod(this, [this, done] { Q_EMIT progressed(done); });
  };
  try {
    const runnel::QuantizeReport report =
        runnel::quantize(nativePath(source), nativePath(target), options, progress, stop);
    end([this, target, bytes = static_cast<qint64>(report.bytes)] { Q_EMIT saved(target, bytes); });
  } catch (const runnel::Cancelled&) {
    end([this] { Q_EMIT stopped(); });
  } catch (...) {
    end([this, message = failureSentence()] { Q_EMIT failed(message); });
  }
}

}  // namespace runnel::app
