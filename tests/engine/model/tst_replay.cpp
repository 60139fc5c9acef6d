#include <QTest>

#include "engine/model/golden.h"

using namespace runnel;

namespace {

constexpr double tolerance = 2e-3;

void perform(Session& session, const nlohmann::json& operation) {
  const auto name = operation["op"].get<std::string>();
  const auto position = [&operation](const char* key) { return operation.at(key).get<std::int64_t>(); };
  if (name == "feed") session.feed(operation["ids"].get<std::vector<Token>>());
  if (name == "pin") session.pin(position("from"), position("to"));
  if (name == "unpin") session.unpin(position("from"), position("to"));
  if (name == "back") session.back(position("to"));
  if (name == "set") session.set({.ctx_size = operation["ctx_size"].get<int>()});
}

}  // namespace

/// Pins, going back and resizing: scripts and their logits, computed token by token without any of the cache's devices.
class ReplayTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_script_gives_the_logits_of_the_reference_data();
  void every_script_gives_the_logits_of_the_reference();
};

void ReplayTest::every_script_gives_the_logits_of_the_reference_data() {
  QTest::addColumn<QString>("model");
  QTest::addColumn<int>("batch");
  for (const QString model : {"llama_gqa_llama3", "llama_mha", "mistral_window", "mpt"}) {
    for (const int batch : {1, 7, 64, 512})
      QTest::newRow(qPrintable(model + ", batch " + QString::number(batch))) << model << batch;
  }
}

void ReplayTest::every_script_gives_the_logits_of_the_reference() {
  QFETCH(QString, model);
  QFETCH(int, batch);
  const std::string name = model.toStdString();
  const auto loaded = load_exact(name);
  const auto width = static_cast<std::size_t>(loaded->facts().n_vocab);
  const Arrays arrays(fixture("replay") / (name + ".safetensors"));
  for (const auto& script : read_json(fixture("replay") / (name + ".json"))) {
    const std::vector<float> expected = arrays.all<float>(script["tensor"].get<std::string>());
    Session session(loaded,
                    exact_settings(script["ctx_size"].get<int>(), script["n_keep"].get<int>(),
                                   script["n_discard"].get<int>(), batch),
                    batch == 1 ? 1 : 2);
    std::size_t emits = 0;
    for (const auto& operation : script["ops"]) {
      perform(session, operation);
      if (!operation.value("emit", false)) continue;
      const QByteArray where =
          QByteArray::fromStdString(script["tensor"].get<std::string>() + ", emit " + std::to_string(emits));
      QVERIFY2(cached(session) == script["cached_after"][emits].get<std::vector<std::int64_t>>(), where);
      QVERIFY2(difference(session.logits(), row_of(expected, emits, width)) < tolerance, where);
      ++emits;
    }
    QCOMPARE(emits * width, expected.size());
  }
}

QTEST_APPLESS_MAIN(ReplayTest)
#include "tst_replay.moc"
