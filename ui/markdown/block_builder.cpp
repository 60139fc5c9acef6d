#include "ui/markdown/block_builder.h"

#include <cmark-gfm-core-extensions.h>

#include <QLatin1StringView>
#include <memory>
#include <utility>

namespace runnel::ui {
namespace {

using namespace Qt::StringLiterals;

// Characters of a code block in one item of the view, and of one line of it. Together below the 10,000 from which Qt
// lays out a text anew whenever it scrolls (measured: a hundred times the cost for a megabyte of code).
constexpr qsizetype codePiece = 1500;  // a piece that grows is laid out and drawn again with every update
constexpr qsizetype codeLine = 3500;
constexpr qsizetype maxTableCells = 1500;  // measured: Qt lays out 1,500 cells in 40 ms

QString written(const char* text) {
  return withoutMarks(QString::fromUtf8(text));
}

bool is(const char* type, const char* name) {
  return QLatin1StringView(type) == QLatin1StringView(name);
}

/** The address as the parser has it: an explicit link's begins with the guard's mark, `<address>` has none. */
bool isAutolink(cmark_node* link) {
  return !QString::fromUtf8(cmark_node_get_url(link)).startsWith(QChar(0xFDD0));
}

/** What stands between the end of a link's or image's text and the end of it. */
QString writtenTarget(cmark_node* node) {
  const QString title = written(cmark_node_get_title(node));
  return "]("_L1 + written(cmark_node_get_url(node)) + (title.isEmpty() ? QString() : " \""_L1 + title + u'"') + u')';
}

}  // namespace

void BlockBuilder::build() {
  const std::unique_ptr<cmark_iter, decltype(&cmark_iter_free)> walk(cmark_iter_new(m_root), cmark_iter_free);
  for (cmark_event_type event = cmark_iter_next(walk.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(walk.get())) {
    cmark_node* node = cmark_iter_get_node(walk.get());
    if (event == CMARK_EVENT_ENTER) {
      if (cmark_node_parent(node) == m_root) noteStart(node);
      if (!enterInline(node)) enter(node);
    } else {
      leave(node);
    }
  }
  if (!m_rich.isEmpty()) takeRich(newBlock(MarkdownBlock::Kind::Paragraph));
}

/** The parser gives the text above a table line 0, and the table the line where that text begins: one start for both.
 */
void BlockBuilder::noteStart(cmark_node* node) {
  const int line = cmark_node_get_start_line(node) - 1;
  if (!starts.isEmpty() && starts.last().line < 0) {
    starts.last().line = line;
  } else {
    starts.append({line, blocks.size()});
  }
}

void BlockBuilder::enter(cmark_node* node) {
  switch (cmark_node_get_type(node)) {
    case CMARK_NODE_PARAGRAPH:
    case CMARK_NODE_HEADING:
      if (isCrowded() && std::exchange(m_itemOpens, false)) m_rich.text(m_marker + u' ');
      break;
    case CMARK_NODE_BLOCK_QUOTE:
      flushMarker();
      ++m_quotes;
      break;
    case CMARK_NODE_LIST:
      enterList(node);
      break;
    case CMARK_NODE_ITEM:
      enterItem();
      break;
    case CMARK_NODE_CODE_BLOCK:
      addCode(written(cmark_node_get_literal(node)), written(cmark_node_get_fence_info(node)));
      break;
    case CMARK_NODE_HTML_BLOCK:
      addLiteral(written(cmark_node_get_literal(node)));
      break;
    case CMARK_NODE_THEMATIC_BREAK:
      flushMarker();
      if (isCrowded()) {
        addLine(u"---");
      } else {
        blocks.append(newBlock(MarkdownBlock::Kind::Rule));
      }
      break;
    default:
      enterExtension(node, cmark_node_get_type_string(node));
  }
}

bool BlockBuilder::enterInline(cmark_node* node) {
  switch (cmark_node_get_type(node)) {
    case CMARK_NODE_TEXT:
      m_writer->linkedText(takeCheck(written(cmark_node_get_literal(node))));
      return true;
    case CMARK_NODE_HTML_INLINE:
      m_writer->text(written(cmark_node_get_literal(node)));
      return true;
    case CMARK_NODE_CODE:
      m_writer->open(RichTextWriter::Style::Code);
      m_writer->text(written(cmark_node_get_literal(node)));
      m_writer->close(RichTextWriter::Style::Code);
      return true;
    case CMARK_NODE_SOFTBREAK:  // in a chat a line break is meant as one
    case CMARK_NODE_LINEBREAK:
      m_writer->lineBreak();
      return true;
    case CMARK_NODE_EMPH:
      m_writer->open(RichTextWriter::Style::Italic);
      return true;
    case CMARK_NODE_STRONG:
      m_writer->open(RichTextWriter::Style::Bold);
      return true;
    case CMARK_NODE_LINK: {
      const QString address = written(cmark_node_get_url(node));
      if (isAutolink(node)) m_writer->text(u"<");
      if (isSafeLink(address)) {
        m_writer->openLink(address);
      } else if (!isAutolink(node)) {
        m_writer->text(u"[");
      }
      return true;
    }
    case CMARK_NODE_IMAGE:
      m_writer->text(u"![");
      return true;
    default:
      return false;
  }
}

void BlockBuilder::leave(cmark_node* node) {
  switch (cmark_node_get_type(node)) {
    case CMARK_NODE_PARAGRAPH:
      addRich(MarkdownBlock::Kind::Paragraph);
      break;
    case CMARK_NODE_HEADING:
      addRich(MarkdownBlock::Kind::Heading, cmark_node_get_heading_level(node));
      break;
    case CMARK_NODE_BLOCK_QUOTE:
      --m_quotes;
      break;
    case CMARK_NODE_LIST:
      m_lists.removeLast();
      break;
    case CMARK_NODE_ITEM:
      flushMarker();
      break;
    default:
      leaveInline(node);
  }
}

void BlockBuilder::leaveInline(cmark_node* node) {
  switch (cmark_node_get_type(node)) {
    case CMARK_NODE_EMPH:
      m_writer->close(RichTextWriter::Style::Italic);
      break;
    case CMARK_NODE_STRONG:
      m_writer->close(RichTextWriter::Style::Bold);
      break;
    case CMARK_NODE_LINK:
      if (isSafeLink(written(cmark_node_get_url(node)))) {
        m_writer->closeLink();
      } else if (!isAutolink(node)) {
        m_writer->text(writtenTarget(node));
      }
      if (isAutolink(node)) m_writer->text(u">");
      break;
    case CMARK_NODE_IMAGE:
      m_writer->text(writtenTarget(node));
      break;
    default:
      leaveExtension(cmark_node_get_type_string(node));
  }
}

void BlockBuilder::enterExtension(cmark_node* node, const char* type) {
  if (is(type, "strikethrough")) {
    m_writer->open(RichTextWriter::Style::Struck);
  } else if (is(type, "table")) {
    m_table = {};
    const uint8_t* alignments = cmark_gfm_extensions_get_table_alignments(node);
    for (int i = 0; i < cmark_gfm_extensions_get_table_columns(node); ++i) {
      m_table.alignments.append(alignments[i] == 'r'   ? Qt::AlignRight
                                : alignments[i] == 'c' ? Qt::AlignHCenter
                                                       : Qt::AlignLeft);
    }
    m_writer = &m_cell;
  } else if (is(type, "table_header") || is(type, "table_row")) {
    m_table.rows.append(QStringList());
  }
}

void BlockBuilder::leaveExtension(const char* type) {
  if (is(type, "strikethrough")) {
    m_writer->close(RichTextWriter::Style::Struck);
  } else if (is(type, "table_cell")) {
    m_table.rows.last().append(m_cell.take().first());
  } else if (is(type, "table_header") || is(type, "table_row")) {
    while (m_table.rows.last().size() < m_table.alignments.size()) m_table.rows.last().append(QString());
  } else if (is(type, "table")) {
    m_writer = &m_rich;
    addTable();
  }
}

void BlockBuilder::enterList(cmark_node* node) {
  flushMarker();
  m_lists.append({.ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST,
                  .tight = cmark_node_get_list_tight(node) != 0,
                  .delimiter = cmark_node_get_list_delim(node) == CMARK_PAREN_DELIM ? u')' : u'.',
                  .number = cmark_node_get_list_start(node)});
}

void BlockBuilder::enterItem() {
  List& list = m_lists.last();
  m_itemOpens = true;
  m_marker = list.ordered ? QString::number(list.number++) + list.delimiter : QStringLiteral("•");
  m_check = MarkdownBlock::Check::None;
}

/** The box of a task at the beginning of a list item. (The parser's own extension finds none inside quotes.) */
QString BlockBuilder::takeCheck(QString text) {
  const bool checked = text.startsWith("[x] "_L1, Qt::CaseInsensitive);
  if (!m_itemOpens || !m_rich.isEmpty() || !(checked || text.startsWith("[ ] "_L1))) return text;
  m_check = checked ? MarkdownBlock::Check::Checked : MarkdownBlock::Check::Unchecked;
  return text.sliced(4);
}

MarkdownBlock BlockBuilder::newBlock(MarkdownBlock::Kind kind) {
  MarkdownBlock block;
  block.kind = kind;
  block.quoteDepth = m_quotes;
  block.listDepth = int(m_lists.size());
  block.tight = !m_lists.isEmpty() && m_lists.last().tight;
  if (m_itemOpens) {
    block.marker = m_marker;
    block.check = m_check;
    m_itemOpens = false;
  }
  return block;
}

/** An item that begins with something else than text, or has no content, gets an empty paragraph for its marker. */
void BlockBuilder::flushMarker() {
  if (!m_itemOpens) return;
  if (isCrowded()) {
    m_itemOpens = false;
    addLine(m_marker);
  } else {
    blocks.append(newBlock(MarkdownBlock::Kind::Paragraph));
  }
}

void BlockBuilder::addLine(QStringView text) {
  m_rich.text(text);
  m_rich.lineBreak();
}

void BlockBuilder::addRich(MarkdownBlock::Kind kind, int level) {
  if (isCrowded()) {
    m_rich.lineBreak();
  } else if (!m_rich.isEmpty()) {
    MarkdownBlock block = newBlock(kind);
    block.level = level;
    takeRich(std::move(block));
  }
}

void BlockBuilder::takeRich(MarkdownBlock block) {
  for (const QString& piece : m_rich.take()) {
    block.rich = piece;
    blocks.append(block);
    block.marker.clear();
    block.check = MarkdownBlock::Check::None;
    block.continued = true;
  }
}

void BlockBuilder::addLiteral(QStringView text) {
  m_rich.text(text.endsWith(u'\n') ? text.chopped(1) : text);
  addRich(MarkdownBlock::Kind::Paragraph);
}

void BlockBuilder::addCode(QString text, const QString& info) {
  flushMarker();
  if (text.endsWith(u'\n')) text.chop(1);
  if (isCrowded()) {
    addLine(text);
    return;
  }
  MarkdownBlock block = newBlock(MarkdownBlock::Kind::Code);
  block.language = info.section(u' ', 0, 0).left(40);
  qsizetype begin = 0;
  qsizetype lineBegin = 0;
  for (qsizetype at = 0; at <= text.size(); ++at) {
    const bool last = at == text.size();
    const bool lineEnds = last || text[at] == u'\n';
    const bool tooLong = at - lineBegin >= codeLine && !(at < text.size() && text[at].isLowSurrogate());
    if (!last && !(lineEnds && at - begin >= codePiece) && !tooLong) {
      if (lineEnds) lineBegin = at + 1;
      continue;
    }
    block.code = text.sliced(begin, at - begin);
    blocks.append(block);
    block.continued = true;
    block.sameLine = !lineEnds;
    begin = lineEnds ? at + 1 : at;
    lineBegin = begin;
  }
}

void BlockBuilder::addTable() {
  flushMarker();
  if (!isCrowded() && m_table.rows.size() * m_table.alignments.size() <= maxTableCells) {
    MarkdownBlock block = newBlock(MarkdownBlock::Kind::Table);
    block.table = std::move(m_table);
    blocks.append(block);
    return;
  }
  // Too large to be laid out on the window's thread: row for row as text.
  QString text;
  for (const QStringList& row : std::as_const(m_table.rows)) {
    QStringList cells;
    for (const QString& cell : row) cells.append(plainText(cell));
    text += "| "_L1 + cells.join(" | "_L1) + " |\n"_L1;
  }
  addCode(text, {});
}

}  // namespace runnel::ui
