#include <QTest>
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "format/gguf_writer.h"
#include "temporary_folder.h"

using namespace runnel;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::byte> bytes_counting_up(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

std::ptrdiff_t n_files(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

}  // namespace

class GgufWriterTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void what_is_written_reads_back();
  void a_file_copied_value_by_value_is_the_same();
  void a_key_set_again_keeps_its_place();
  void refuses_what_no_reader_would_take();
  void a_failure_leaves_the_old_file_and_nothing_else();
};

void GgufWriterTest::what_is_written_reads_back() {
  const TemporaryFolder folder;
  const std::vector<std::byte> blocks = bytes_counting_up(3 * 18);
  GgufWriter writer;
  writer.set("general.architecture", "llama");
  writer.set("i8", std::int8_t{-3});
  writer.set("u16", std::uint16_t{65535});
  writer.set("i64", std::int64_t{-1} << 40);
  writer.set("f64", 0.1);
  writer.set("flag", true);
  writer.set("tokens", std::vector<std::string>{"a", "", "ä"});
  writer.set("pattern", std::vector<bool>{true, false});
  writer.add_tensor({.name = "w", .type = BlockType::q4_0, .shape = {3, 32}, .data = blocks});
  writer.add_tensor({.name = "made", .type = BlockType::f16, .shape = {2, 1, 5}, .data = {}},
                    [] { return bytes_counting_up(20); });
  writer.write(folder.path("m.gguf"));

  const GgufFile file = GgufFile::open(folder.path("m.gguf"));
  QCOMPARE(file.version(), 3u);
  QCOMPARE(file.get<std::string>("general.architecture"), std::string("llama"));
  QCOMPARE(file.get<int>("i8"), -3);
  QCOMPARE(file.get<int>("u16"), 65535);
  QCOMPARE(file.get<std::int64_t>("i64"), std::int64_t{-1} << 40);
  QCOMPARE(file.get<double>("f64"), 0.1);
  QCOMPARE(file.get<bool>("flag"), true);
  QCOMPARE(file.get<std::vector<std::string>>("tokens"), (std::vector<std::string>{"a", "", "ä"}));
  QCOMPARE(file.get<std::vector<bool>>("pattern"), (std::vector<bool>{true, false}));
  QVERIFY(file.find_tensor("w")->type == BlockType::q4_0);
  QVERIFY(std::ranges::equal(file.find_tensor("w")->data, blocks));
  QCOMPARE(file.find_tensor("made")->shape, (std::vector<std::int64_t>{2, 1, 5}));
  QVERIFY(std::ranges::equal(file.find_tensor("made")->data, bytes_counting_up(20)));
  QCOMPARE(n_files(folder.path()), 1);
}

void GgufWriterTest::a_file_copied_value_by_value_is_the_same() {
  const TemporaryFolder folder;
  const GgufFile original = GgufFile::open(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf");
  GgufWriter writer;
  for (const GgufValue& value : original.values()) writer.copy(original, value);
  for (const TensorView& tensor : original.tensors()) writer.add_tensor(tensor);
  writer.write(folder.path("copy.gguf"));
  QVERIFY(contents(folder.path("copy.gguf")) == contents(RUNNEL_FIXTURES "/format/llama_tied_bias.gguf"));
}

void GgufWriterTest::a_key_set_again_keeps_its_place() {
  const TemporaryFolder folder;
  GgufWriter writer;
  writer.set("first", 1);
  writer.set("second", 2);
  writer.set("first", "changed");
  writer.write(folder.path("m.gguf"));
  const GgufFile file = GgufFile::open(folder.path("m.gguf"));
  QCOMPARE(file.values().size(), 2u);
  QCOMPARE(file.values()[0].key, std::string("first"));
  QCOMPARE(file.get<std::string>("first"), std::string("changed"));
}

void GgufWriterTest::refuses_what_no_reader_would_take() {
  const std::vector<std::byte> data(18);
  const auto add = [&](const char* name, std::vector<std::int64_t> shape, BlockType type = BlockType::q4_0) {
    GgufWriter writer;
    writer.set("known", 1);
    return refusal([&] { writer.add_tensor({.name = name, .type = type, .shape = std::move(shape), .data = data}); });
  };
  QCOMPARE(add("w", {1, 32}), QString());
  QVERIFY(add("w", {2, 16}).contains("Tensor w can't be written as Q4_0: its shape is [2, 16]"));
  QVERIFY(add("w", {2, 32}).contains("Tensor w can't be written: it has 18 bytes, its shape asks for 36"));
  QVERIFY(add("w", {9, 0}, BlockType::f16).contains("Tensor w can't be written"));
  QVERIFY(add("w", {1, 1, 1, 1, 9}, BlockType::f16).contains("its shape is [1, 1, 1, 1, 9]"));
  QVERIFY(!add("", {1, 32}).isEmpty());

  GgufWriter writer;
  QVERIFY(!refusal([&] { writer.set("", 1); }).isEmpty());
  writer.add_tensor({.name = "w", .type = BlockType::q4_0, .shape = {32}, .data = data});
  QVERIFY(refusal([&] {
            writer.add_tensor({.name = "w", .type = BlockType::q4_0, .shape = {32}, .data = data});
          }).contains("Tensor w can't be written twice"));
}

void GgufWriterTest::a_failure_leaves_the_old_file_and_nothing_else() {
  const TemporaryFolder folder;
  folder.write("m.gguf", "old");
  GgufWriter writer;
  writer.add_tensor({.name = "w", .type = BlockType::f32, .shape = {2}, .data = {}},
                    [] { return bytes_counting_up(7); });
  const QString sentence = refusal([&] { writer.write(folder.path("m.gguf")); });
  QVERIFY2(sentence.contains("m.gguf can't be written: tensor w came out with 7 bytes"), qPrintable(sentence));
  QCOMPARE(contents(folder.path("m.gguf")), std::string("old"));
  QCOMPARE(n_files(folder.path()), 1);

  const QString no_folder = refusal([&] { GgufWriter().write(folder.path("gone") / "m.gguf"); });
  QVERIFY2(no_folder.endsWith("gone/m.gguf can't be written: No such file or directory."), qPrintable(no_folder));
}

QTEST_APPLESS_MAIN(GgufWriterTest)
#include "tst_gguf_writer.moc"
