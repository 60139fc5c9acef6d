#include <QTest>

#include "format/printable.h"

using namespace runnel;

class PrintableTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void shows_text_on_one_line_of_valid_utf8_data();
  void shows_text_on_one_line_of_valid_utf8();
  void is_valid_utf8_for_every_pair_of_bytes();
};

void PrintableTest::shows_text_on_one_line_of_valid_utf8_data() {
  QTest::addColumn<QByteArray>("text");
  QTest::addColumn<QByteArray>("shown");
  QTest::newRow("plain") << QByteArray("blk.0.attn_q.weight") << QByteArray("blk.0.attn_q.weight");
  QTest::newRow("letters of other scripts") << QByteArray("käse 模型 🦙") << QByteArray("käse 模型 🦙");
  QTest::newRow("controls") << QByteArray("a\n\x1B[31m\x7F") << QByteArray("a\\x0a\\x1b[31m\\x7f");
  QTest::newRow("a zero") << QByteArray("a\0b", 3) << QByteArray("a\\x00b");
  QTest::newRow("C1 controls") << QByteArray("\xC2\x85") << QByteArray("\\xc2\\x85");
  QTest::newRow("text direction") << QByteArray("\xE2\x80\xAE") << QByteArray("\\xe2\\x80\\xae");
  QTest::newRow("a stray byte") << QByteArray("\x80") << QByteArray("\\x80");
  QTest::newRow("a cut character") << QByteArray("\xE6\xA8") << QByteArray("\\xe6\\xa8");
  QTest::newRow("an overlong form") << QByteArray("\xC0\xAF") << QByteArray("\\xc0\\xaf");
  QTest::newRow("a surrogate") << QByteArray("\xED\xA0\x80") << QByteArray("\\xed\\xa0\\x80");
  QTest::newRow("beyond Unicode") << QByteArray("\xF4\x90\x80\x80") << QByteArray("\\xf4\\x90\\x80\\x80");
  QTest::newRow("120 bytes") << QByteArray(120, 'a') << QByteArray(120, 'a');
  QTest::newRow("too long") << QByteArray(121, 'a') << QByteArray(120, 'a') + "…";
  QTest::newRow("cut before a character") << QByteArray(119, 'a') + "ä" << QByteArray(119, 'a') + "…";
}

void PrintableTest::shows_text_on_one_line_of_valid_utf8() {
  QFETCH(QByteArray, text);
  QFETCH(QByteArray, shown);
  QCOMPARE(QByteArray::fromStdString(printable(text.toStdString())), shown);
}

void PrintableTest::is_valid_utf8_for_every_pair_of_bytes() {
  for (int i = 0; i < 65536; ++i) {
    const std::string text = {static_cast<char>(i >> 8), static_cast<char>(i), 'x'};
    const std::string shown = printable(text);
    QVERIFY2(!QString::fromStdString(shown).contains(QChar::ReplacementCharacter), qPrintable(QString::number(i, 16)));
  }
}

QTEST_APPLESS_MAIN(PrintableTest)
#include "tst_printable.moc"
