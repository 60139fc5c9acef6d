#pragma once

#include <QObject>
#include <QString>

#include <stop_token>
#include <thread>

#include "runnel/quantize.h"

namespace runnel::app {

/**
 * Saves models as GGUF files, one at a time, on a thread of its own: a conversation can go on meanwhile. Its functions
 * are called and its signals come on the thread it lives on. Destroying it stops what is running and waits for it;
 * nothing of an unfinished file remains.
 */
class ModelSaver : public QObject {
  Q_OBJECT

 public:
  explicit ModelSaver(QObject* parent = nullptr);
  ~ModelSaver() override;

  bool isSaving() const { return m_isSaving; }

  /** Ends in exactly one of `saved`, `stopped`, `failed`. Call it only while nothing is being saved. */
  void save(const QString& source, const QString& target, const runnel::QuantizeOptions& options);
  void stop();

 Q_SIGNALS:
  void progressed(double done);  //!< 0 … 1
  void saved(const QString& target, qint64 bytes);
  void stopped();
  void failed(const QString& message);

 private:
  void work(const QString& source, const QString& target, const runnel::QuantizeOptions& options,
            const std::stop_token& stop);
  /** Ends the saving on the thread of this object and tells `result` there. */
  template <typename Result>
  void end(Result result);

  bool m_isSaving = false;
  std::jthread m_thread;
};

}  // namespace runnel::app
