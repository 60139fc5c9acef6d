#pragma once

#include <QObject>
#include <QString>

#include <memory>

#include "runnel/cache.h"
#include "runnel/sampler.h"

class QSettings;
class QVariant;

namespace runnel::app {

/**
 * What the user has chosen, kept by QSettings. Values read from the file are checked: what is out of range becomes the
 * default. Lives on the window's thread.
 */
class Settings : public QObject {
  Q_OBJECT

 public:
  /** `file`: an .ini file, for tests; empty: the user's own. */
  explicit Settings(const QString& file = {}, QObject* parent = nullptr);
  ~Settings() override;

  /** What of the file can't be used, as a sentence that names the file and the values; empty when all can be. */
  QString problem() const;

  runnel::CacheSettings cache() const;  //!< default ctx_size 4096, n_keep 4, n_discard 1, f16
  void setCache(const runnel::CacheSettings& settings);

  runnel::SamplerSettings sampling() const;
  void setSampling(const runnel::SamplerSettings& settings);

  int maxTokens() const;  //!< of an answer, 1 … 1,000,000; default 1024
  void setMaxTokens(int tokens);

  int threads() const;  //!< 0: default_threads()
  void setThreads(int threads);

  QString systemPrompt() const;  //!< empty: the template's own
  void setSystemPrompt(const QString& text);

  /** Whether what precedes the first user message's text stays in the cache for ever; default true. */
  bool keepSystem() const;
  void setKeepSystem(bool keep);

  /** Megabytes that the caches of conversations may take on the disk, 0 … 1,000,000; default 2,000. */
  int snapshotMegabytes() const;
  void setSnapshotMegabytes(int megabytes);

  QString modelPath() const;  //!< the model that was used last
  void setModelPath(const QString& path);

  /** "system", "light" or "dark". */
  QString theme() const;
  void setTheme(const QString& theme);

  double fontScale() const;  //!< 0.75 … 2
  void setFontScale(double scale);

 Q_SIGNALS:
  void changed();

 private:
  void store(const QString& key, const QVariant& value);

  std::unique_ptr<QSettings> m_settings;
};

}  // namespace runnel::app
