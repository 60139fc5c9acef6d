#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include "app/settings/settings.h"

using runnel::app::Settings;

class SettingsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void begins_with_the_defaults();
  void reads_back_what_was_set();
  void replaces_values_out_of_range_by_defaults_data();
  void replaces_values_out_of_range_by_defaults();
  void checks_cache_settings_against_each_other();
  void announces_every_change();

 private:
  QString file() const { return m_folder.filePath(QString::fromLatin1(QTest::currentTestFunction()) + ".ini"); }

  QTemporaryDir m_folder;
};

void SettingsTest::begins_with_the_defaults() {
  const Settings settings(file());
  const runnel::CacheSettings cache = settings.cache();
  QCOMPARE(cache.ctx_size, 4096);
  QCOMPARE(cache.n_keep, 4);
  QCOMPARE(cache.n_discard, 1);
  QCOMPARE(cache.kv_type, runnel::KvType::f16);
  QVERIFY(!cache.allow_untrained_ctx);
  QVERIFY(!cache.whole_messages);
  QCOMPARE(settings.maxTokens(), 1024);
  QCOMPARE(settings.threads(), 0);
  QCOMPARE(settings.theme(), QStringLiteral("system"));
  QCOMPARE(settings.fontScale(), 1.0);
  QVERIFY(!settings.sampling().seed);
  QCOMPARE(settings.problem(), QString());
  QVERIFY(settings.systemPrompt().isEmpty());
  QVERIFY(settings.keepSystem());
}

void SettingsTest::reads_back_what_was_set() {
  const QString prompt = QStringLiteral("Zeile \"eins\"\n; [zwei] = %20 \\ 🦙, ü");
  {
    Settings settings(file());
    settings.setCache({.ctx_size = 512,
                       .n_keep = 8,
                       .n_discard = -1,
                       .kv_type = runnel::KvType::f32,
                       .batch = 64,
                       .allow_untrained_ctx = true,
                       .whole_messages = true});
    settings.setSampling({.repetition_penalty = 1.1F,
                          .repetition_window = -1,
                          .top_k = 0,
                          .top_p = 0.9F,
                          .min_p = 0.02F,
                          .temperature = 0.0F,
                          .seed = 18446744073709551615U});
    settings.setMaxTokens(7);
    settings.setThreads(3);
    settings.setSystemPrompt(prompt);
    settings.setKeepSystem(false);
    settings.setModelPath(QStringLiteral("/models/ä b.gguf"));
    settings.setTheme(QStringLiteral("dark"));
    settings.setFontScale(1.25);
  }
  const Settings settings(file());
  const runnel::CacheSettings cache = settings.cache();
  QCOMPARE(cache.ctx_size, 512);
  QCOMPARE(cache.n_keep, 8);
  QCOMPARE(cache.n_discard, -1);
  QCOMPARE(cache.kv_type, runnel::KvType::f32);
  QCOMPARE(cache.batch, 64);
  QVERIFY(cache.allow_untrained_ctx);
  QVERIFY(cache.whole_messages);
  const runnel::SamplerSettings sampling = settings.sampling();
  QCOMPARE(sampling.repetition_penalty, 1.1F);
  QCOMPARE(sampling.repetition_window, -1);
  QCOMPARE(sampling.top_k, 0);
  QCOMPARE(sampling.top_p, 0.9F);
  QCOMPARE(sampling.min_p, 0.02F);
  QCOMPARE(sampling.temperature, 0.0F);
  QCOMPARE(sampling.seed.value(), std::uint64_t{18446744073709551615U});
  QCOMPARE(settings.maxTokens(), 7);
  QCOMPARE(settings.threads(), 3);
  QCOMPARE(settings.systemPrompt(), prompt);
  QVERIFY(!settings.keepSystem());
  QCOMPARE(settings.modelPath(), QStringLiteral("/models/ä b.gguf"));
  QCOMPARE(settings.theme(), QStringLiteral("dark"));
  QCOMPARE(settings.fontScale(), 1.25);
  QCOMPARE(settings.problem(), QString());
}

void SettingsTest::replaces_values_out_of_range_by_defaults_data() {
  QTest::addColumn<QString>("key");
  QTest::addColumn<QString>("value");
  const QList<std::pair<const char*, QStringList>> hostile = {
      {"cache/ctx_size", {"15", "-1", "99999999999", "many", ""}},
      {"cache/n_keep", {"-1", "4095", "x"}},
      {"cache/n_discard", {"0", "-2", "4092"}},
      {"cache/kv_type", {"q17", ""}},
      {"cache/batch", {"0", "-5"}},
      {"sampling/repetition_penalty", {"0", "-1", "nan"}},
      {"sampling/top_p", {"1.5", "-0.1", "nan", "inf"}},
      {"sampling/min_p", {"2", "nan"}},
      {"sampling/temperature", {"-1", "nan", "inf", "warm"}},
      {"sampling/seed", {"-1", "x", "18446744073709551616"}},
      {"answer/max_tokens", {"0", "-1", "1000001"}},
      {"engine/threads", {"-1", "100000"}},
      {"chat/keep_system", {"maybe", "0", ""}},
      {"cache/allow_untrained_ctx", {"1", "yes"}},
      {"window/theme", {"pink", ""}},
      {"window/font_scale", {"0.5", "3", "nan"}},
  };
  for (const auto& [key, values] : hostile)
    for (const QString& value : values)
      QTest::newRow(qPrintable(QString::fromLatin1(key) + u'=' + value)) << QString::fromLatin1(key) << value;
}

void SettingsTest::replaces_values_out_of_range_by_defaults() {
  QFETCH(QString, key);
  QFETCH(QString, value);
  const QString path = m_folder.filePath(QStringLiteral("hostile.ini"));
  {
    QSettings raw(path, QSettings::IniFormat);
    raw.clear();
    raw.setValue(key, value);
  }
  const Settings settings(path);
  QVERIFY(settings.problem().contains(path));
  QVERIFY(settings.problem().contains(key + QStringLiteral(" = ") + value));
  const runnel::SamplerSettings defaults;
  QCOMPARE(settings.cache().ctx_size, 4096);
  QCOMPARE(settings.cache().n_keep, 4);
  QCOMPARE(settings.cache().n_discard, 1);
  QCOMPARE(settings.cache().kv_type, runnel::KvType::f16);
  QCOMPARE(settings.cache().batch, 512);
  QCOMPARE(settings.sampling().repetition_penalty, defaults.repetition_penalty);
  QCOMPARE(settings.sampling().top_p, defaults.top_p);
  QCOMPARE(settings.sampling().min_p, defaults.min_p);
  QCOMPARE(settings.sampling().temperature, defaults.temperature);
  QVERIFY(!settings.sampling().seed);
  QVERIFY(!settings.cache().allow_untrained_ctx);
  QVERIFY(settings.keepSystem());
  QCOMPARE(settings.maxTokens(), 1024);
  QCOMPARE(settings.threads(), 0);
  QCOMPARE(settings.theme(), QStringLiteral("system"));
  QCOMPARE(settings.fontScale(), 1.0);
}

void SettingsTest::checks_cache_settings_against_each_other() {
  Settings settings(file());
  settings.setCache({.ctx_size = 16, .n_keep = 15, .n_discard = 12});
  QCOMPARE(settings.cache().n_keep, 4);
  QCOMPARE(settings.cache().n_discard, 1);
  settings.setCache({.ctx_size = 16, .n_keep = 14, .n_discard = 1});
  QCOMPARE(settings.cache().n_keep, 14);
}

void SettingsTest::announces_every_change() {
  Settings settings(file());
  QSignalSpy changed(&settings, &Settings::changed);
  settings.setCache({.ctx_size = 64});
  settings.setSampling({});
  settings.setMaxTokens(5);
  settings.setThreads(1);
  settings.setSystemPrompt(QStringLiteral("x"));
  settings.setModelPath(QStringLiteral("y"));
  settings.setTheme(QStringLiteral("light"));
  settings.setFontScale(2);
  QCOMPARE(changed.count(), 8);
}

QTEST_GUILESS_MAIN(SettingsTest)
#include "tst_settings.moc"
