#include <QTest>

#include "ui/markdown/markdown_guard.h"

using namespace runnel::ui;

class MarkdownGuardTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void what_was_guarded_comes_out_as_it_was_written_data();
  void what_was_guarded_comes_out_as_it_was_written();
  void lines_say_where_they_begin();
  void nothing_that_qt_takes_for_its_own_passes();
  void nesting_of_a_line_is_bounded();
  void follows_web_and_mail_addresses_only_data();
  void follows_web_and_mail_addresses_only();
};

void MarkdownGuardTest::what_was_guarded_comes_out_as_it_was_written_data() {
  QTest::addColumn<QString>("text");
  QTest::newRow("entities") << "&lt; &#60; &copy; & &&amp;";
  QTest::newRow("image") << "![a *b*](http://x/y.png \"t\") ![";
  QTest::newRow("links") << "[a](http://x) [b](javascript:x) [c](<https://y>) [d]( mailto:z)";
  QTest::newRow("formulas") << "$x_1*y$ \\(a\\\\b\\) \\[c\\] $$d$$ $5 and $6";
  QTest::newRow("displayed formula") << "$$\na_1 * b\n\\\\\n$$\n\\[\n# x\n\\]\n";
  QTest::newRow("line breaks") << "a\n\nb\n";
  QTest::newRow("too many specials") << QString(6000, u'*') + "a\\*b|c&lt;";
  QTest::newRow("many short rows") << "|a|b|c|d|e|f|g|h|\n|-|-|-|-|-|-|-|-|\n" + QString("x\n").repeated(9000) +
                                          "```\nend";
  QTest::newRow("deep") << QString(50, u'>') + " a\n" + QString(100, u' ') + "- b";
}

void MarkdownGuardTest::what_was_guarded_comes_out_as_it_was_written() {
  QFETCH(QString, text);
  // As in a code block, where the parser leaves every character alone.
  QCOMPARE(withoutMarks(guardMarkdown(text).text), text);
}

void MarkdownGuardTest::lines_say_where_they_begin() {
  const GuardedText guarded = guardMarkdown(u"one\r\ntwo\rthree\n\nfive");
  QList<qsizetype> offsets;
  for (const GuardedLine& line : guarded.lines) offsets.append(line.offset);
  QCOMPARE(offsets, (QList<qsizetype>{0, 5, 9, 15, 16}));
  QVERIFY(!guarded.lastLineComplete);
  QVERIFY(guardMarkdown(u"one\n").lastLineComplete);
}

void MarkdownGuardTest::nothing_that_qt_takes_for_its_own_passes() {
  QString text;
  for (char16_t c : {0xFDD0, 0xFDD1, 0xFDD2, 0xFDEF, 0xFFFC, 0xFFFE, 0xFFFF, 0x0001, 0x007F}) text += QChar(c);
  QCOMPARE(guardMarkdown(text).text, QString(text.size(), QChar(QChar::ReplacementCharacter)));
  QCOMPARE(guardMarkdown(QString(QChar(0))).text, QString(QChar(QChar::ReplacementCharacter)));
}

void MarkdownGuardTest::nesting_of_a_line_is_bounded() {
  const QString guarded = guardMarkdown(QString(100000, u'>')).text;
  QVERIFY(!guarded.startsWith(QString(17, u'>')));
}

void MarkdownGuardTest::follows_web_and_mail_addresses_only_data() {
  QTest::addColumn<QString>("address");
  QTest::addColumn<bool>("followed");
  for (const char* good : {"http://a", "https://a.b/c?d=e#f", "HTTPS://A", "mailto:a@b.c"}) {
    QTest::newRow(good) << good << true;
  }
  for (const char* bad : {"",
                          "a",
                          "//a/b",
                          "/etc/passwd",
                          "file:///etc/passwd",
                          "javascript:alert(1)",
                          "data:text/html,x",
                          "http:",
                          "http://",
                          "http:///a",
                          "https://?a",
                          "http:\\\\a",
                          "http://a b",
                          "http://a\nb",
                          " http://a",
                          "ftp://a",
                          "vbscript:x",
                          "qrc:/x",
                          "mailto:",
                          "http ://a"}) {
    QTest::newRow(qPrintable(QStringLiteral("no: %1").arg(bad))) << bad << false;
  }
}

void MarkdownGuardTest::follows_web_and_mail_addresses_only() {
  QFETCH(QString, address);
  QFETCH(bool, followed);
  QCOMPARE(isSafeLink(address), followed);
}

QTEST_APPLESS_MAIN(MarkdownGuardTest)
#include "tst_markdown_guard.moc"
