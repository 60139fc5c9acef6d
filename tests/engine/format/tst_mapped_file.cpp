#include <sys/mman.h>
#include <sys/stat.h>

#include <QTest>
#include <algorithm>
#include <utility>

#include "format/mapped_file.h"
#include "temporary_folder.h"

using namespace runnel;

class MappedFileTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void holds_the_bytes_of_the_file();
  void names_the_file_it_refuses_data();
  void names_the_file_it_refuses();
  void bytes_go_with_a_move();
  void released_pages_are_read_again_data();
  void released_pages_are_read_again();

 private:
  TemporaryFolder folder_;
};

void MappedFileTest::holds_the_bytes_of_the_file() {
  const MappedFile file(folder_.write("five", "12345"));
  QCOMPARE(file.bytes().size(), 5u);
  QVERIFY(file.bytes()[4] == std::byte{'5'});
}

void MappedFileTest::names_the_file_it_refuses_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QString>("sentence");
  QTest::newRow("missing") << "missing" << "missing does not exist.";
  QTest::newRow("folder") << "folder" << "folder is a folder, a file was expected.";
  QTest::newRow("empty") << "empty" << "empty is empty.";
  QTest::newRow("named pipe") << "pipe" << "pipe is not a regular file.";
  QTest::newRow("below a file") << "empty/below" << "empty/below can't be opened: Not a directory.";
  QTest::newRow("a name with a line break") << "a\nb" << "a\\x0ab does not exist.";
}

void MappedFileTest::names_the_file_it_refuses() {
  QFETCH(QString, name);
  QFETCH(QString, sentence);
  folder_.write("empty", "");
  std::filesystem::create_directory(folder_.path("folder"));
  ::mkfifo(folder_.path("pipe").c_str(), 0600);
  const QString found = refusal([&] { MappedFile{folder_.path(name.toStdString())}; });
  QVERIFY2(found.endsWith(sentence), qPrintable(found));
}

void MappedFileTest::bytes_go_with_a_move() {
  MappedFile first(folder_.write("first", "first"));
  const std::byte* data = first.bytes().data();
  MappedFile second(folder_.write("second", "second"));
  second = std::move(first);
  QCOMPARE(second.bytes().data(), data);
  QCOMPARE(second.bytes().size(), 5u);
  const MappedFile third = std::move(second);
  QCOMPARE(third.bytes().data(), data);
}

void MappedFileTest::released_pages_are_read_again_data() {
  QTest::addColumn<quint64>("offset");
  QTest::addColumn<quint64>("length");
  QTest::newRow("all") << quint64{0} << quint64{5 * 4096 + 7};
  QTest::newRow("inside a page") << quint64{100} << quint64{200};
  QTest::newRow("across pages") << quint64{4000} << quint64{9000};
  QTest::newRow("nothing") << quint64{4096} << quint64{0};
  QTest::newRow("beyond the end") << quint64{4096} << ~quint64{0};
  QTest::newRow("after the end") << quint64{1} << (~quint64{0} - 5);
}

void MappedFileTest::released_pages_are_read_again() {
  QFETCH(quint64, offset);
  QFETCH(quint64, length);
  std::string bytes(5 * 4096 + 7, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
  const MappedFile file(folder_.write("pages", bytes));
  const auto same = [&] { return std::ranges::equal(std::as_bytes(std::span(bytes)), file.bytes()); };
  QVERIFY(same());
  file.release(offset, length);
  QVERIFY(same());
  file.release(file.bytes().subspan(4096));
  QVERIFY(same());
  file.release(std::as_bytes(std::span(bytes)));
  QCOMPARE(bytes[250], static_cast<char>(250));  // memory that is not the file's was left alone
}

QTEST_APPLESS_MAIN(MappedFileTest)
#include "tst_mapped_file.moc"
