#include <QRandomGenerator>
#include <QTest>

#include "tests/ui/markdown/strict_rich_text.h"
#include "ui/markdown/markdown_document.h"
#include "ui/markdown/rich_text.h"

using namespace runnel::ui;
using Kind = MarkdownBlock::Kind;

namespace {

QList<MarkdownBlock> blocksOf(const QString& text) {
  MarkdownDocument document;
  document.setText(text);
  return document.blocks();
}

/** What a reader sees of the blocks, a line for each line. */
QString seen(const QList<MarkdownBlock>& blocks) {
  QStringList lines;
  for (const MarkdownBlock& block : blocks) {
    const QString text = block.kind == Kind::Code ? block.code : plainText(block.rich);
    lines.append((block.marker.isEmpty() ? QString() : block.marker + u' ') + text);
    for (const QStringList& row : block.table.rows) {
      QStringList cells;
      for (const QString& cell : row) cells.append(plainText(cell));
      lines.append(cells.join(u'|'));
    }
  }
  return lines.join(u'\n');
}

QString faultOf(const QList<MarkdownBlock>& blocks) {
  for (const MarkdownBlock& block : blocks) {
    QString fault = richTextFault(block.rich);
    for (const QStringList& row : block.table.rows) {
      for (const QString& cell : row) fault += richTextFault(cell);
    }
    if (!fault.isEmpty()) return fault;
  }
  return {};
}

/** Text that is rich in what means something to Markdown. */
QString randomText(QRandomGenerator& random, int pieces) {
  static const QStringList alphabet{"a",
                                    "b ",
                                    " ",
                                    "\n",
                                    "\n\n",
                                    "\r\n",
                                    "*",
                                    "**",
                                    "_",
                                    "~~",
                                    "`",
                                    "``",
                                    "```\n",
                                    "~~~\n",
                                    "```cpp\n",
                                    "[",
                                    "]",
                                    "](",
                                    "](http://x",
                                    "](file:///x",
                                    ")",
                                    "(",
                                    "!",
                                    "![",
                                    "<",
                                    ">",
                                    "<b>",
                                    "</b>",
                                    "<a href=\"x\">",
                                    "<img src=x>",
                                    "<!--",
                                    "-->",
                                    "<script>",
                                    "&",
                                    "&lt;",
                                    "&#60;",
                                    "\\",
                                    "\\(",
                                    "\\]",
                                    "\\[\n",
                                    "$",
                                    "$$",
                                    "$$\n",
                                    "|",
                                    "|-|-|\n",
                                    "| a | b |\n",
                                    "- ",
                                    "\n- ",
                                    "\n1. ",
                                    "  ",
                                    "    ",
                                    "\t",
                                    "> ",
                                    "\n> ",
                                    "# ",
                                    "\n# ",
                                    "---\n",
                                    "===\n",
                                    "\n-",
                                    "[x] ",
                                    "- [ ] ",
                                    "http://y.z",
                                    "https://",
                                    "<http://q>",
                                    "<m@n.o>",
                                    ":",
                                    "[r]: u\n",
                                    "\"",
                                    "'",
                                    "😀",
                                    "é",
                                    "א",
                                    "\u2028",
                                    "\uFDD0",
                                    "\uFDD1",
                                    "\uFDD2"};
  QString text;
  for (int i = 0; i < pieces; ++i) text += alphabet[random.bounded(alphabet.size())];
  return text;
}

}  // namespace

class MarkdownDocumentTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void text_is_shown_exactly_as_written_data();
  void text_is_shown_exactly_as_written();
  void markdown_becomes_blocks_data();
  void markdown_becomes_blocks();
  void inlines_become_our_own_rich_text_data();
  void inlines_become_our_own_rich_text();
  void lists_and_quotes_become_depths();
  void tables_keep_their_alignment();
  void a_fence_that_is_still_open_is_a_code_block();
  void long_blocks_are_cut_into_pieces();
  void hostile_text_is_bounded_data();
  void hostile_text_is_bounded();
  void the_pieces_a_text_comes_in_make_no_difference();
  void what_is_too_much_for_a_view_stays_readable();
  void earlier_blocks_are_not_parsed_again();
  void random_text_yields_our_own_rich_text_only();
};

void MarkdownDocumentTest::text_is_shown_exactly_as_written_data() {
  QTest::addColumn<QString>("text");
  for (const char* text : {
           // angle brackets and entities
           "<smirk> waffles!",
           "<smirk> waffles! waffles! waffles!",
           "<smirk>",
           "<b>x</b>",
           "a < b > c",
           "<script>alert(1)</script>",
           "std::vector<int>",
           "<img src=http://127.0.0.1:9/x>",
           "&lt;",
           "&amp;lt;",
           "&#60;b&#62; &copy; &unknown; &",
           "<!-- x -->",
           "a <!-- x --> b",
           "<?php x ?>",
           "<![CDATA[x]]>",
           "<div>\n  <p>*not emphasis*</p>\n</div>",
           "<details><summary>s</summary>",
           "<http::x>",
           "<file:///etc/passwd>",
           "John <john@example.org>",
           "<https://example.org/?a=1&lt;b>",
           "<table background=x>",
           // images
           "![alt](http://127.0.0.1:9/x.png)",
           "![a *b* c](file:///etc/passwd \"title\")",
           "a ![](x) b",
           "![a [b] c](d(e)f)",
           "![a][b]",
           // links that aren't followed
           "[x](javascript:alert(1))",
           "[x](file:///etc/passwd)",
           "[x](//host/x)",
           "[x](/etc/passwd)",
           "[x](x.md)",
           "[x](<file:///y>)",
           "[x](data:text/html,y)",
           "[x]: http://y",
           "[x][y]",
           "[x](JavaScript:y)",
           "[x]( file:///y 'z')",
           // dollars and formulas
           "I have $24000 and you have $40000",
           "costs $5 to $10",
           "$HOME and $PATH",
           "$x^2$",
           "\\(x\\)",
           "\\[x_1*y_2*z\\]",
           "$$ a_1 * b *c* $$",
           "$$\nx_{1}\n+ y \\\\\n- z\n= 1\n$$",
           "\\[\n\\frac{a}{b} \\, \\{c\\}\n\\]",
           "$$ not closed *a",
           "$a_1 b_2$",
           "\\( a < b & c \\)",
           "$",
       }) {
    QTest::newRow(text) << text;
  }
}

void MarkdownDocumentTest::text_is_shown_exactly_as_written() {
  QFETCH(QString, text);
  QCOMPARE(seen(blocksOf(text)), text);
  QCOMPARE(faultOf(blocksOf(text)), QString());
  QCOMPARE(seen(blocksOf("```\n" + text + "\n```")), text);
  if (!text.contains(u'\n')) {
    QCOMPARE(seen(blocksOf("- " + text)), "• " + text);
    QCOMPARE(seen(blocksOf("`` " + text + " ``")), text);
  }
}

void MarkdownDocumentTest::markdown_becomes_blocks_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<QList<int>>("kinds");
  const auto kinds = [](std::initializer_list<Kind> list) {
    QList<int> numbers;
    for (Kind kind : list) numbers.append(int(kind));
    return numbers;
  };
  QTest::newRow("empty") << "" << kinds({});
  QTest::newRow("paragraphs") << "a\nb\n\nc" << kinds({Kind::Paragraph, Kind::Paragraph});
  QTest::newRow("heading") << "## a\nb" << kinds({Kind::Heading, Kind::Paragraph});
  QTest::newRow("underlined heading") << "a\n===\nb\n---\nc" << kinds({Kind::Heading, Kind::Heading, Kind::Paragraph});
  QTest::newRow("list begins") << "a\n-" << kinds({Kind::Paragraph});
  QTest::newRow("rule") << "a\n\n---\n" << kinds({Kind::Paragraph, Kind::Rule});
  QTest::newRow("code") << "a\n```\nb\n```\nc" << kinds({Kind::Paragraph, Kind::Code, Kind::Paragraph});
  QTest::newRow("table below text") << "a\n|b|\n|-|\n|c|\n\nd"
                                    << kinds({Kind::Paragraph, Kind::Table, Kind::Paragraph});
  QTest::newRow("code in a list") << "- ```\n  a\n  ```" << kinds({Kind::Paragraph, Kind::Code});
}

void MarkdownDocumentTest::markdown_becomes_blocks() {
  QFETCH(QString, text);
  QFETCH(QList<int>, kinds);
  QList<int> found;
  for (const MarkdownBlock& block : blocksOf(text)) found.append(int(block.kind));
  QCOMPARE(found, kinds);
}

void MarkdownDocumentTest::inlines_become_our_own_rich_text_data() {
  QTest::addColumn<QString>("text");
  QTest::addColumn<QString>("rich");
  QTest::newRow("styles") << "**a** *b* ~~c~~ `d`" << "<b>a</b> <i>b</i> <s>c</s> <code>d</code>";
  QTest::newRow("one tilde") << "~5 to ~6" << "~5 to ~6";
  QTest::newRow("nested alike") << "**a **b** c**" << "<b>a b c</b>";
  QTest::newRow("code is escaped") << "`<b>&lt;`" << "<code>&lt;b&gt;&amp;lt;</code>";
  QTest::newRow("line break") << "a\nb" << "a<br>b";
  QTest::newRow("link") << "[a *b*](https://c.d \"e\")" << "<a href=\"https://c.d\">a <i>b</i></a>";
  QTest::newRow("address is escaped") << "[a](https://c?d=\"e'&f)"
                                      << "<a href=\"https://c?d=&quot;e&#39;&amp;f\">a</a>";
  QTest::newRow("image in a link") << "[![a](https://b)](https://c)" << "<a href=\"https://c\">![a](https://b)</a>";
  QTest::newRow("bare address") << "(see https://a.b/c_(d))."
                                << "(see <a href=\"https://a.b/c_(d)\">https://a.b/c_(d)</a>).";
  QTest::newRow("bare address with dots") << "https://a.b..." << "<a href=\"https://a.b\">https://a.b</a>...";
  QTest::newRow("address in brackets") << "<https://a.b>" << "&lt;<a href=\"https://a.b\">https://a.b</a>&gt;";
  QTest::newRow("refused") << "[a](file:///b)" << "[a](file:///b)";
  QTest::newRow("dollars around bold") << "**$x** or **$y**" << "<b>$x</b> or <b>$y</b>";
  QTest::newRow("variables in code") << "`$A` and `$B`" << "<code>$A</code> and <code>$B</code>";
  QTest::newRow("escaped sign") << "\\*a\\*" << "*a*";
}

void MarkdownDocumentTest::inlines_become_our_own_rich_text() {
  QFETCH(QString, text);
  QFETCH(QString, rich);
  const QList<MarkdownBlock> blocks = blocksOf(text);
  QCOMPARE(blocks.size(), 1);
  QCOMPARE(blocks[0].rich, rich);
}

void MarkdownDocumentTest::lists_and_quotes_become_depths() {
  const QList<MarkdownBlock> blocks = blocksOf("> - [x] a\n>   1. b\n>\n>      c\n> - [ ] d\n\n7) e");
  QStringList lines;
  for (const MarkdownBlock& block : blocks) {
    lines.append(QStringLiteral("%1%2 %3 %4 %5")
                     .arg(block.quoteDepth)
                     .arg(block.listDepth)
                     .arg(block.marker)
                     .arg(int(block.check))
                     .arg(block.rich));
  }
  QCOMPARE(lines, (QStringList{"11 • 2 a", "12 1. 0 b", "12  0 c", "11 • 1 d", "01 7) 0 e"}));
}

void MarkdownDocumentTest::tables_keep_their_alignment() {
  const QList<MarkdownBlock> blocks = blocksOf("| a | b | c |\n|:--|:-:|--:|\n| **d** | e |\n");
  QCOMPARE(blocks.size(), 1);
  QCOMPARE(blocks[0].table.alignments, (QList<Qt::Alignment>{Qt::AlignLeft, Qt::AlignHCenter, Qt::AlignRight}));
  QCOMPARE(blocks[0].table.rows, (QList<QStringList>{{"a", "b", "c"}, {"<b>d</b>", "e", ""}}));
}

void MarkdownDocumentTest::a_fence_that_is_still_open_is_a_code_block() {
  const QList<MarkdownBlock> blocks = blocksOf("a\n```c++ numbered\nint b<c>;\n  &lt;");
  QCOMPARE(blocks.size(), 2);
  QCOMPARE(blocks[1].language, QString("c++"));
  QCOMPARE(blocks[1].code, QString("int b<c>;\n  &lt;"));
}

void MarkdownDocumentTest::long_blocks_are_cut_into_pieces() {
  const QString words = QString("some **words** and ").repeated(450) + "end";
  QList<MarkdownBlock> blocks = blocksOf("- " + words);
  QVERIFY(blocks.size() > 1);
  QCOMPARE(blocks[0].marker, QString("•"));
  QString joined;
  for (const MarkdownBlock& block : blocks) {
    QVERIFY(plainText(block.rich).size() < 6000);
    QCOMPARE(block.continued, !joined.isEmpty());
    joined += plainText(block.rich);
  }
  QCOMPARE(joined, QString("some words and ").repeated(450) + "end");
  QCOMPARE(faultOf(blocks), QString());

  blocks = blocksOf("```\n" + QString(20000, u'x') + "\n" + QString("line\n").repeated(9000) + "```");
  joined.clear();
  for (const MarkdownBlock& block : blocks) {
    QVERIFY(block.code.size() < 10000);
    if (block.continued && !block.sameLine) joined += u'\n';
    joined += block.code;
  }
  QCOMPARE(joined, QString(20000, u'x') + "\n" + QString("line\n").repeated(9000).chopped(1));
}

void MarkdownDocumentTest::hostile_text_is_bounded_data() {
  QTest::addColumn<QString>("text");
  const auto row = [](const char* name, const QString& pattern) {
    QTest::newRow(name) << pattern.repeated(150000 / pattern.size());
  };
  row("one line", "x");
  row("quotes", ">");
  row("brackets", "[");
  row("links", "[a](");
  row("images", "![[]()");
  row("declarations", "<!A ");
  row("instructions", "<?");
  row("emphasis", "*a_ ");
  row("strong", "**x* ");
  row("backticks", "`a``b");
  row("formulas", "$a ");
  row("formula brackets", "\\(");
  row("rulers", "|\n|-|\n");
  row("lists in a line", "- ");
  row("items", "- a\n");
  row("paragraphs", "a\n\n");
  row("headings", "# a\n");
  row("rules", "---\n");
  row("fences", "```\n");
  row("definitions", "[a]: b\n");
  row("addresses", "(http:///)))");
  row("escapes", "\\");
  QTest::newRow("short rows") << "|" + QString("a|").repeated(150) + "\n|" + QString("-|").repeated(150) + "\n" +
                                     QString("a\n").repeated(100000);
  QTest::newRow("many short tables") << ("|" + QString("a|").repeated(150) + "\n|" + QString("-|").repeated(150) +
                                         "\n" + QString("a\n").repeated(300) + "\n")
                                            .repeated(200);
  QTest::newRow("many columns") << "|" + QString("a|").repeated(20000) + "\n|" + QString("-|").repeated(20000) + "\n" +
                                       QString("a\n").repeated(20000);
  QString nested;
  for (int depth = 0; depth < 700; ++depth) nested += QString(2 * depth, u' ') + "- a\n";
  QTest::newRow("nested lists") << nested + QString(100000, u'\n');
}

void MarkdownDocumentTest::hostile_text_is_bounded() {
  QFETCH(QString, text);
  const QList<MarkdownBlock> blocks = blocksOf(text);
  QVERIFY2(blocks.size() < 4000, qPrintable(QString::number(blocks.size())));
  for (const MarkdownBlock& block : blocks) {
    QVERIFY(plainText(block.rich).size() <= 6000);
    QVERIFY(block.code.size() < 10000);
    QVERIFY(block.table.rows.size() * block.table.alignments.size() <= 1500);
    QVERIFY(block.quoteDepth <= 100 && block.listDepth <= 100);
  }
  QCOMPARE(faultOf(blocks), QString());
}

void MarkdownDocumentTest::the_pieces_a_text_comes_in_make_no_difference() {
  QRandomGenerator random(7);
  for (int round = 0; round < 1000; ++round) {
    const QString text = randomText(random, 60);
    MarkdownDocument grown;
    for (qsizetype at = 0; at < text.size();) {
      at = std::min(text.size(), at + 1 + random.bounded(12));
      grown.setText(text.first(at));
    }
    const bool same = grown.blocks() == blocksOf(text);
    if (!same)
      qWarning().noquote() << "text:" << text << "\npieces:" << seen(grown.blocks())
                           << "\nwhole:" << seen(blocksOf(text));
    QVERIFY(same);
    grown.setText(text.first(text.size() / 2));
    QVERIFY(grown.blocks() == blocksOf(text.first(text.size() / 2)));
  }
}

void MarkdownDocumentTest::what_is_too_much_for_a_view_stays_readable() {
  const QString text =
      QString("- *a*\n").repeated(2100) + "\n---\n\n```\nb\n```\n# c\n| d | e |\n|---|---|\n| f | g |\n";
  const QList<MarkdownBlock> blocks = blocksOf(text);
  QCOMPARE(blocks.size(), 2001);
  QVERIFY(seen(blocks).endsWith("\n• a\n• a\n---\nb\nc\n| d | e |\n| f | g |\n"));
  QCOMPARE(seen(blocks).count("• a\n"), 2100);
  MarkdownDocument grown;
  for (qsizetype at = 0; at < text.size(); at += 97) grown.setText(text.first(at));
  grown.setText(text);
  QVERIFY(grown.blocks() == blocks);
}

void MarkdownDocumentTest::earlier_blocks_are_not_parsed_again() {
  MarkdownDocument document;
  document.setText(QString("a paragraph\n\n").repeated(500) + "b");
  const MarkdownDocument::Change change = document.setText(document.text() + "c");
  QVERIFY2(change.first >= 499, qPrintable(QString::number(change.first)));
  QCOMPARE(change.before.last().rich, QString("b"));
  QCOMPARE(document.blocks().last().rich, QString("bc"));
}

void MarkdownDocumentTest::random_text_yields_our_own_rich_text_only() {
  QRandomGenerator random(11);
  for (int round = 0; round < 2000; ++round) {
    const QString text = randomText(random, 40);
    const QString fault = faultOf(blocksOf(text));
    QVERIFY2(fault.isEmpty(), qPrintable(fault + "\nin: " + text));
  }
}

QTEST_APPLESS_MAIN(MarkdownDocumentTest)
#include "tst_markdown_document.moc"
