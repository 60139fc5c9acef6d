#include <QTest>

#include "format/hf_folder.h"
#include "safetensors_bytes.h"
#include "temporary_folder.h"

using namespace runnel;

namespace {

/// A file with one F32 value under this name.
std::string file_with_tensor(const QString& name) {
  const QString header = R"({"%1":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  return safetensors_bytes(header.arg(name).toStdString(), 4);
}

}  // namespace

class HfFolderTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void reads_a_single_file();
  void reads_shards();
  void refuses_damage_data();
  void refuses_damage();
  void says_what_is_missing();
};

void HfFolderTest::reads_a_single_file() {
  const TemporaryFolder folder;
  folder.write("config.json", R"({"model_type":"llama"})");
  folder.write("model.safetensors", file_with_tensor("lm_head.weight"));
  const HfFolder opened = HfFolder::open(folder.path());
  QCOMPARE(opened.config().at("model_type").get<std::string>(), std::string("llama"));
  QCOMPARE(opened.tensor_names(), (std::vector<std::string_view>{"lm_head.weight"}));
  QVERIFY(opened.find_tensor("lm_head.weight") != nullptr);
  QVERIFY(opened.find_tensor("lm_head.bias") == nullptr);
}

void HfFolderTest::reads_shards() {
  const TemporaryFolder folder;
  folder.write("config.json", "{}");
  folder.write("one.safetensors", file_with_tensor("a"));
  folder.write("two.safetensors", file_with_tensor("b"));
  folder.write("model.safetensors.index.json",
               R"({"metadata":{"total_size":8},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}})");
  const HfFolder opened = HfFolder::open(folder.path());
  QCOMPARE(opened.files().size(), 2u);
  QCOMPARE(opened.tensor_names(), (std::vector<std::string_view>{"a", "b"}));
  QCOMPARE(opened.find_tensor("b")->name, std::string("b"));
  opened.release(*opened.find_tensor("b"));
  QVERIFY(opened.find_tensor("b")->data[0] == std::byte{0});
}

void HfFolderTest::refuses_damage_data() {
  QTest::addColumn<QString>("config");
  QTest::addColumn<QString>("index");
  QTest::addColumn<QString>("sentence");
  const auto index = [](const char* name, const QString& text, const char* sentence) {
    QTest::newRow(name) << "{}" << text << sentence;
  };
  const auto shard = [&](const char* name, const char* file, const char* shown) {
    index(
        name, QString(R"({"weight_map":{"w":%1}})").arg(file),
        qPrintable(QString("index.json is damaged: it places tensor w in %1, expected the name of a file").arg(shown)));
  };

  QTest::newRow("config is no JSON") << "{" << "{}" << "config.json is damaged: it is no valid JSON at byte 2";
  QTest::newRow("config is a list") << "[]" << "{}" << "config.json is damaged: it is no JSON object";
  QTest::newRow("config is a depth bomb") << QString("[").repeated(100000) << "{}"
                                          << "config.json is damaged: it nests more than 64 levels deep";
  index("index is no JSON", "x", "index.json is damaged: it is no valid JSON at byte 1");
  index("no weight_map", "{}", "index.json is damaged: weight_map is no object");
  index("weight_map is a list", R"({"weight_map":["a"]})", "index.json is damaged: weight_map is no object");
  index("weight_map is empty", R"({"weight_map":{}})", "index.json is damaged: weight_map is no object");
  shard("a shard in the folder above", R"("../one.safetensors")", "../one.safetensors");
  shard("a shard by absolute path", R"("/etc/passwd")", "/etc/passwd");
  shard("a shard in a folder below", R"("below/one.safetensors")", "below/one.safetensors");
  shard("the folder itself", R"(".")", ".");
  shard("the folder above", R"("..")", "..");
  shard("a shard without name", R"("")", "");
  shard("a shard that is a number", "5", "no file");
  shard("a shard whose name ends at a zero", R"("one.safetensors\u0000x")", "one.safetensors\\x00x");
  index("a shard that is missing", R"({"weight_map":{"w":"gone.safetensors"}})", "gone.safetensors does not exist");
  index("a tensor in the wrong shard", R"({"weight_map":{"w":"one.safetensors"}})",
        "index.json places tensor w in one.safetensors, which does not hold it");
}

void HfFolderTest::refuses_damage() {
  QFETCH(QString, config);
  QFETCH(QString, index);
  QFETCH(QString, sentence);
  const TemporaryFolder folder;
  folder.write("config.json", config.toStdString());
  folder.write("one.safetensors", file_with_tensor("a"));
  folder.write("model.safetensors.index.json", index.toStdString());
  const QString found = refusal([&] { HfFolder::open(folder.path()); });
  QVERIFY2(found.contains(sentence), qPrintable(found));
}

void HfFolderTest::says_what_is_missing() {
  const TemporaryFolder folder;
  QVERIFY(refusal([&] { HfFolder::open(folder.path("gone")); }).endsWith("gone is not a folder that can be opened."));
  QVERIFY(refusal([&] { HfFolder::open(folder.path()); }).endsWith("config.json does not exist."));
  folder.write("config.json", "{}");
  QVERIFY(refusal([&] {
            HfFolder::open(folder.path());
          }).endsWith("has neither model.safetensors nor model.safetensors.index.json."));
  folder.write("pytorch_model.bin", "x");
  QVERIFY(refusal([&] { HfFolder::open(folder.path()); }).contains("pytorch_model.bin must be converted"));
}

QTEST_APPLESS_MAIN(HfFolderTest)
#include "tst_hf_folder.moc"
