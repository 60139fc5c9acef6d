#include <QTest>
#include <climits>

#include "engine/format/temporary_folder.h"
#include "runnel/cache.h"

using namespace runnel;

class CacheSettingsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void accepts_the_limits_of_every_range_data();
  void accepts_the_limits_of_every_range();
  void refuses_with_name_value_and_range_data();
  void refuses_with_name_value_and_range();
  void knows_kv_types_by_name();
};

void CacheSettingsTest::accepts_the_limits_of_every_range_data() {
  QTest::addColumn<CacheSettings>("settings");
  QTest::addColumn<int>("trained");
  QTest::newRow("smallest cache") << CacheSettings{.ctx_size = 16} << 0;
  QTest::newRow("no sinks") << CacheSettings{.ctx_size = 16, .n_keep = 0, .n_discard = 15} << 0;
  QTest::newRow("all but two are sinks") << CacheSettings{.ctx_size = 16, .n_keep = 14, .n_discard = 1} << 0;
  QTest::newRow("drop half") << CacheSettings{.ctx_size = 16, .n_keep = 14, .n_discard = -1} << 0;
  QTest::newRow("whole trained context") << CacheSettings{.ctx_size = 2048} << 2048;
  QTest::newRow("beyond it, explicitly") << CacheSettings{.ctx_size = 4096, .allow_untrained_ctx = true} << 2048;
  QTest::newRow("one token at a time") << CacheSettings{.ctx_size = 16, .batch = 1} << 0;
  QTest::newRow("a batch beyond the headroom is cut, not refused") << CacheSettings{.ctx_size = 16, .batch = 4000} << 0;
}

void CacheSettingsTest::accepts_the_limits_of_every_range() {
  QFETCH(CacheSettings, settings);
  QFETCH(int, trained);
  QCOMPARE(refusal([&] { validate(settings, trained); }), QString());
}

void CacheSettingsTest::refuses_with_name_value_and_range_data() {
  QTest::addColumn<CacheSettings>("settings");
  QTest::addColumn<int>("trained");
  QTest::addColumn<QStringList>("parts");
  QTest::newRow("ctx_size below") << CacheSettings{.ctx_size = 15} << 0 << QStringList{"ctx_size 15", "16"};
  QTest::newRow("ctx_size negative") << CacheSettings{.ctx_size = -7} << 0 << QStringList{"ctx_size -7", "16"};
  QTest::newRow("ctx_size absurd") << CacheSettings{.ctx_size = INT_MAX} << 0
                                   << QStringList{"ctx_size 2147483647", "16777216"};
  QTest::newRow("ctx_size untrained") << CacheSettings{.ctx_size = 2049} << 2048
                                      << QStringList{"ctx_size 2049", "from 16 to 2048", "trained"};
  QTest::newRow("n_keep negative") << CacheSettings{.ctx_size = 64, .n_keep = -1} << 0
                                   << QStringList{"n_keep -1", "0", "62"};
  QTest::newRow("n_keep leaves one") << CacheSettings{.ctx_size = 64, .n_keep = 63} << 0
                                     << QStringList{"n_keep 63", "62"};
  QTest::newRow("n_keep leaves none") << CacheSettings{.ctx_size = 64, .n_keep = 64} << 0
                                      << QStringList{"n_keep 64", "62"};
  QTest::newRow("n_keep overflows") << CacheSettings{.ctx_size = 64, .n_keep = INT_MAX} << 0
                                    << QStringList{"n_keep 2147483647", "62"};
  QTest::newRow("n_discard 0") << CacheSettings{.ctx_size = 64, .n_discard = 0} << 0
                               << QStringList{"n_discard 0", "-1", "59"};
  QTest::newRow("n_discard -2") << CacheSettings{.ctx_size = 64, .n_discard = -2} << 0
                                << QStringList{"n_discard -2", "-1", "59"};
  QTest::newRow("n_discard all") << CacheSettings{.ctx_size = 64, .n_discard = 60} << 0
                                 << QStringList{"n_discard 60", "59"};
  QTest::newRow("batch 0") << CacheSettings{.ctx_size = 64, .batch = 0} << 0 << QStringList{"batch 0", "1"};
}

void CacheSettingsTest::refuses_with_name_value_and_range() {
  QFETCH(CacheSettings, settings);
  QFETCH(int, trained);
  QFETCH(QStringList, parts);
  const QString sentence = refusal([&] { validate(settings, trained); });
  for (const QString& part : parts) QVERIFY2(sentence.contains(part), qPrintable(sentence));
}

void CacheSettingsTest::knows_kv_types_by_name() {
  for (const KvType type : {KvType::f16, KvType::bf16, KvType::q8, KvType::f32})
    QCOMPARE(kv_type_from(name_of(type)), type);
  const QString sentence = refusal([] { kv_type_from("q3"); });
  QVERIFY2(sentence.contains("q3") && sentence.contains("f16") && sentence.contains("f32"), qPrintable(sentence));
}

QTEST_APPLESS_MAIN(CacheSettingsTest)
#include "tst_cache_settings.moc"
