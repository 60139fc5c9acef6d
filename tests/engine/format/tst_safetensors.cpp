#include <QTest>

#include "format/safetensors.h"
#include "safetensors_bytes.h"
#include "temporary_folder.h"

using namespace runnel;

class SafetensorsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void reads_tensors_of_every_weight_type();
  void refuses_another_type_only_when_asked_for();
  void loads_oddities_data();
  void loads_oddities();
  void refuses_damage_data();
  void refuses_damage();
  void refuses_every_truncation_of_a_good_file();

 private:
  SafetensorsFile open(std::string_view bytes) const {
    return SafetensorsFile::open(folder_.write("model.safetensors", bytes));
  }

  TemporaryFolder folder_;
};

void SafetensorsTest::reads_tensors_of_every_weight_type() {
  std::string bytes = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
      R"("h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"data_offsets":[2,4],"shape":[1],"dtype":"BF16"}})",
      28);
  bytes[bytes.size() - 24] = '\x7F';
  const SafetensorsFile file = open(bytes);
  QCOMPARE(file.tensors().size(), 3u);

  const TensorView* w = file.find_tensor("w");
  QVERIFY(w != nullptr);
  QVERIFY(w->type == BlockType::f32);
  QCOMPARE(w->shape, (std::vector<std::int64_t>{2, 3}));
  QCOMPARE(w->data.size(), 24u);
  QVERIFY(w->data[0] == std::byte{0x7F});
  QVERIFY(file.find_tensor("h")->type == BlockType::f16);
  QVERIFY(file.find_tensor("b")->type == BlockType::bf16);
  QVERIFY(file.find_tensor("c") == nullptr);
  QVERIFY(file.find_tensor("__metadata__") == nullptr);
}

void SafetensorsTest::refuses_another_type_only_when_asked_for() {
  const SafetensorsFile file = open(safetensors_bytes(R"({"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
                                                      R"("new":{"dtype":"F7","shape":[1],"data_offsets":[8,9]},)"
                                                      R"("none":{"dtype":"F32","shape":[0,4],"data_offsets":[9,9]}})",
                                                      9));
  QCOMPARE(file.entries().size(), 3u);
  QVERIFY(file.tensors().empty());
  QCOMPARE(file.find_entry("ids")->data.size(), 8u);
  const QString sentence = refusal([&] { file.find_tensor("ids"); });
  QVERIFY2(sentence.endsWith("model.safetensors can't be used: tensor ids has type I64, expected F32, F16 or BF16."),
           qPrintable(sentence));
  QVERIFY(refusal([&] { file.find_tensor("new"); }).contains("tensor new has type F7"));
  QVERIFY(refusal([&] { file.find_tensor("none"); }).contains("tensor none has no values"));
}

void SafetensorsTest::loads_oddities_data() {
  QTest::addColumn<QString>("header");
  QTest::newRow("nothing in it") << "{}";
  QTest::newRow("padding") << "{}      \n";
  QTest::newRow("metadata alone") << R"({"__metadata__":{"format":"pt","dtype":"x"}})";
  QTest::newRow("a number in the metadata") << R"({"__metadata__":{"step":-1.5,"done":true,"x":null}})";
  QTest::newRow("a gap") << R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[7,8]}})";
  QTest::newRow("one value") << R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})";
  QTest::newRow("no values at a used offset")
      << R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})";
  QTest::newRow("a member that nobody knows")
      << R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"origin":"here","n":3}})";
  QTest::newRow("escapes in a name") << R"({"\u00e4\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
}

void SafetensorsTest::loads_oddities() {
  QFETCH(QString, header);
  QCOMPARE(refusal([&] { open(safetensors_bytes(header.toStdString(), 8)); }), QString());
}

void SafetensorsTest::refuses_damage_data() {
  QTest::addColumn<QByteArray>("bytes");
  QTest::addColumn<QString>("sentence");
  const auto raw = [](const char* name, std::string_view bytes, const char* sentence) {
    QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size()))
                        << QString::fromUtf8(sentence);
  };
  const auto row = [&](const char* name, std::string_view header, const char* sentence) {
    raw(name, safetensors_bytes(header, 8), sentence);
  };

  raw("shorter than the length", "1234567", "is shorter than its header says: the length of the header at byte 0");
  raw("a header of 8 EB", std::string(8, '\x7F') + "{}",
      "claims a header of 9187201950435737471 bytes, the file has 10");
  row("another format", "<!DOCTYPE html>", "is no safetensors file: its header begins with \"<\"");
  row("an empty header", "", "is no safetensors file: its header begins with \"\"");
  row("broken JSON", R"({"a":{"dtype":)", "its header is no valid JSON at byte");
  row("text after the header", R"({} {})", "its header is no valid JSON at byte");
  row("broken UTF-8", "{\"a\xFF\":{}}", "its header is no valid JSON at byte");
  row("a number that JSON can't hold", R"({"__metadata__":{"a":1e999}})", "its header is no valid JSON at byte");
  row("a depth bomb", R"({"a":)" + std::string(100000, '['), "is damaged");
  row(
      "a depth bomb of objects",
      [] {
        std::string bomb;
        for (int i = 0; i < 100000; ++i) bomb += R"({"a":)";
        return bomb;
      }(),
      "a of a holds an object where the format has none");
  row("a shape in a shape", R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", "shape of a holds an array");
  row("a tensor that is a number", R"({"a":5})", "a is 5, expected an object");
  row("a tensor without name", R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "a tensor's name is empty");
  row("no dtype", R"({"a":{"shape":[1],"data_offsets":[0,1]}})", "tensor a has no dtype");
  row("a dtype that is a number", R"({"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", "dtype of a holds 8");
  row("no offsets", R"({"a":{"dtype":"U8","shape":[1]}})",
      "data_offsets of tensor a are [], expected a begin and an end");
  row("three offsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})",
      "data_offsets of tensor a are [0, 1, 2]");
  row("offsets backwards", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})",
      "data_offsets of tensor a are [1, 0]");
  row("a negative offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", "data_offsets of a holds -1");
  row("a broken length", R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", "shape of a holds 1.5");
  row("two shapes", R"({"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})", "tensor a has shape twice");
  row("data beyond the end", R"({"blk.w":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})",
      "is shorter than its header says: tensor blk.w needs 9 bytes after the header, the file has 8");
  row("an offset of 2^64 - 1", R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,18446744073709551615]}})",
      "tensor a needs 18446744073709551615 bytes after the header");
  row("another size than shape and type", R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,4]}})",
      "tensor a of type F32 and shape [1, 2] has 4 bytes, expected 8");
  row("values beyond 64 bits", R"({"a":{"dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,8]}})",
      "tensor a claims more values than any file can hold");
  row("values that come to 0 modulo 2^64",
      R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
      "tensor a claims more values than any file can hold");
  row("a length beyond 63 bits beside a zero",
      R"({"a":{"dtype":"U8","shape":[0,18446744073709551615],"data_offsets":[0,0]}})",
      "tensor a claims more values than any file can hold");
  row("tensors that overlap",
      R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
      "tensors a and b overlap");
  row("a tensor twice",
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      "tensor a stands in it twice");
}

void SafetensorsTest::refuses_damage() {
  QFETCH(QByteArray, bytes);
  QFETCH(QString, sentence);
  const QString found = refusal([&] { open(bytes.toStdString()); });
  QVERIFY2(found.contains("model.safetensors ") && found.contains(sentence), qPrintable(found.left(500)));
}

void SafetensorsTest::refuses_every_truncation_of_a_good_file() {
  const std::string bytes = safetensors_bytes(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}})",
      10);
  QCOMPARE(refusal([&] { open(bytes); }), QString());
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    QVERIFY2(!refusal([&] { open(std::string_view(bytes).substr(0, length)); }).isEmpty(),
             qPrintable(QString("cut to %1 bytes").arg(length)));
  }
}

QTEST_APPLESS_MAIN(SafetensorsTest)
#include "tst_safetensors.moc"
