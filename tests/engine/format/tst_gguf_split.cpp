#include <QTest>
#include <cstring>
#include <memory>
#include <utility>

#include "format/gguf_file.h"
#include "gguf_bytes.h"
#include "temporary_folder.h"

using namespace runnel;

namespace {

/// What a part begins with; `number` from 0 as in the file.
GgufBytes part_header(int tensors, std::uint16_t number, std::uint16_t count, std::uint32_t n_tensors) {
  GgufBytes bytes;
  bytes.header(tensors, number == 0 ? 4 : 3);
  if (number == 0) bytes.key("general.architecture", GgufType::string).text("llama");
  bytes.key("split.no", GgufType::u16).number(number);
  bytes.key("split.count", GgufType::u16).number(count);
  bytes.key("split.tensors.count", GgufType::u32).number(n_tensors);
  return bytes;
}

std::string part_without_tensors(std::uint16_t number, std::uint16_t count) {
  return part_header(0, number, count, 3).bytes();
}

/// A part with one tensor of one value, of a model with `n_tensors`.
std::string part(std::uint16_t number, std::uint16_t count, std::string_view tensor, std::uint32_t n_tensors = 3) {
  GgufBytes bytes = part_header(1, number, count, n_tensors);
  return bytes.tensor(tensor, {1}, 0, 0).data(0).number(static_cast<float>(number)).bytes();
}

}  // namespace

class GgufSplitTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();
  void loads_from_any_part_data();
  void loads_from_any_part();
  void a_model_in_one_part_needs_no_name();
  void names_the_file_at_fault_data();
  void names_the_file_at_fault();
  void says_that_a_cut_file_must_be_joined_data();
  void says_that_a_cut_file_must_be_joined();

 private:
  QString refusal_of(const char* name) const {
    return refusal([&] { GgufFile::open(folder_->path(name)); });
  }

  std::unique_ptr<TemporaryFolder> folder_;
};

void GgufSplitTest::init() {
  folder_ = std::make_unique<TemporaryFolder>();
  folder_->write("m-00001-of-00003.gguf", part(0, 3, "a"));
  folder_->write("m-00002-of-00003.gguf", part(1, 3, "b"));
  folder_->write("m-00003-of-00003.gguf", part(2, 3, "c"));
}

void GgufSplitTest::loads_from_any_part_data() {
  QTest::addColumn<QString>("name");
  for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}) {
    QTest::newRow(name) << name;
  }
}

void GgufSplitTest::loads_from_any_part() {
  QFETCH(QString, name);
  const GgufFile file = GgufFile::open(folder_->path(name.toStdString()));
  QCOMPARE(file.get<std::string>("general.architecture"), std::string("llama"));
  QCOMPARE(file.tensors().size(), 3u);
  for (const auto& [tensor, expected] : {std::pair("a", 0.0f), std::pair("b", 1.0f), std::pair("c", 2.0f)}) {
    const TensorView* found = file.find_tensor(tensor);
    QVERIFY(found != nullptr);
    const QString holder = QStringLiteral("m-0000%1-of-00003.gguf").arg(1 + static_cast<int>(expected));
    QCOMPARE(QString::fromStdString(file.file_of(*found).path().filename().string()), holder);
    file.release(*found);
    float value = -1;
    std::memcpy(&value, found->data.data(), sizeof value);
    QCOMPARE(value, expected);
  }
  QCOMPARE(file.file_bytes(), part(0, 3, "a").size() + 2 * part(1, 3, "b").size());
}

void GgufSplitTest::a_model_in_one_part_needs_no_name() {
  folder_->write("single.gguf", part(0, 1, "a", 1));
  QCOMPARE(refusal_of("single.gguf"), QString());
}

void GgufSplitTest::names_the_file_at_fault_data() {
  QTest::addColumn<QString>("changed");
  QTest::addColumn<QByteArray>("bytes");
  QTest::addColumn<QString>("opened");
  QTest::addColumn<QString>("sentence");
  const auto row = [](const char* name, const char* changed, const std::string& bytes, const char* opened,
                      const char* sentence) {
    QTest::newRow(name) << changed << QByteArray::fromStdString(bytes) << opened << sentence;
  };
  const char* first = "m-00001-of-00003.gguf";
  const char* second = "m-00002-of-00003.gguf";
  row("the second missing", second, "", first, "m-00002-of-00003.gguf does not exist.");
  row("the first missing", first, "", second, "m-00001-of-00003.gguf does not exist.");
  row("one renamed", "copy.gguf", part(1, 3, "b"), "copy.gguf",
      "copy.gguf says that it is part 2 of 3 of a model, so its name should end in -00002-of-00003.gguf.");
  row("nothing before the ending", "-00002-of-00003.gguf", part(1, 3, "b"), "-00002-of-00003.gguf",
      "so its name should end in -00002-of-00003.gguf.");
  row("a number beyond the count", "m-00005-of-00003.gguf", part(4, 3, "b"), "m-00005-of-00003.gguf",
      "says that it is part 5 of 3");
  row("another count", second, part(1, 4, "b"), first,
      "m-00002-of-00003.gguf does not belong to the model's other files: its name says part 2 of 3, its metadata part "
      "2 of 4.");
  row("parts exchanged", second, part(2, 3, "c"), first, "its name says part 2 of 3, its metadata part 3 of 3.");
  row("no part at all", second, GgufBytes().header(0, 0).bytes(), first,
      "m-00002-of-00003.gguf does not belong to the model's other files");
  row("a tensor in two parts", second, part(1, 3, "a"), first, "m-00002-of-00003.gguf does not belong to ");
  row("of another model", second, part(1, 3, "b", 7), first,
      "m-00001-of-00003.gguf: it is of a model with 7 tensors, that of one with 3.");
  row("without its tensor", second, part_without_tensors(1, 3), first, "hold 2 tensors together, expected 3");
  row("a damaged part", second, part(1, 3, "b").substr(0, 40), first,
      "m-00002-of-00003.gguf is shorter than its header says");
}

void GgufSplitTest::names_the_file_at_fault() {
  QFETCH(QString, changed);
  QFETCH(QByteArray, bytes);
  QFETCH(QString, opened);
  QFETCH(QString, sentence);
  std::filesystem::remove(folder_->path(changed.toStdString()));
  if (!bytes.isEmpty()) folder_->write(changed.toStdString(), bytes.toStdString());
  const QString found = refusal_of(qPrintable(opened));
  QVERIFY2(found.contains(sentence), qPrintable(found));
}

void GgufSplitTest::says_that_a_cut_file_must_be_joined_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<bool>("is_piece");
  QTest::newRow("first") << "x.gguf.part1of2" << true;
  QTest::newRow("last") << "x.gguf.part12of12" << true;
  QTest::newRow("another name") << "counterpart1of.gguf" << false;
  QTest::newRow("no number") << "x.gguf.partof2" << false;
}

void GgufSplitTest::says_that_a_cut_file_must_be_joined() {
  QFETCH(QString, name);
  QFETCH(bool, is_piece);
  folder_->write(name.toStdString(), "GG");
  const QString found = refusal_of(qPrintable(name));
  QCOMPARE(
      found.endsWith(name + " is one piece of a file that was cut; join all pieces, in order, into one file first."),
      is_piece);
  QVERIFY(!found.isEmpty());
}

QTEST_APPLESS_MAIN(GgufSplitTest)
#include "tst_gguf_split.moc"
