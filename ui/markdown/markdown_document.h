#pragma once

#include <QList>
#include <QString>
#include <QStringList>

#include "ui/markdown/markdown_guard.h"

namespace runnel::ui {

/** A table's cells, as rich text of RichTextWriter. Every row has as many cells as `alignments`. */
struct MarkdownTable {
  QList<Qt::Alignment> alignments;
  QList<QStringList> rows;  ///< the first is the header

  bool operator==(const MarkdownTable&) const = default;
};

/** One block of a message; quotes and lists are flattened into depths. */
struct MarkdownBlock {
  enum class Kind : quint8 { Paragraph, Heading, Code, Table, Rule };
  enum class Check : quint8 { None, Unchecked, Checked };

  Kind kind = Kind::Paragraph;
  int level = 0;              ///< of a heading, 1–6
  int quoteDepth = 0;         ///< quotes around it
  int listDepth = 0;          ///< lists around it
  QString marker;             ///< of the list item that begins with this block: "•", "3."
  Check check = Check::None;  ///< of the task list item that begins with this block
  bool tight = false;         ///< in a list without space between its items
  bool continued = false;     ///< a further piece of the long paragraph or code block before it
  bool sameLine = false;      ///< a further piece that goes on in the middle of a line of code
  QString rich;               ///< Paragraph, Heading: the content as rich text of RichTextWriter
  QString code;               ///< Code: plain text, without the last line break
  QString language;           ///< Code: the first word after the fence
  MarkdownTable table;

  bool operator==(const MarkdownBlock&) const = default;
};

/**
 * A message's Markdown (GitHub's, without raw HTML, images and reference links: those are shown as written) as a flat
 * list of blocks. Built for text that grows: what earlier blocks are can't change by appending, so only the last
 * top-level block is parsed again.
 *
 * The blocks depend on the text alone, not on the pieces in which it came. Any text is accepted; time is linear in what
 * is parsed, but for a bounded part of each paragraph.
 */
class MarkdownDocument {
 public:
  /** What setText replaced: the blocks before `first` are the same as they were, `before` stood from there on. */
  struct Change {
    qsizetype first;
    QList<MarkdownBlock> before;
  };
  Change setText(const QString& text);

  const QString& text() const { return m_text; }
  const QList<MarkdownBlock>& blocks() const { return m_blocks; }

 private:
  QString m_text;
  QList<MarkdownBlock> m_blocks;
  // What can't change by appending: where it ends in the text and in the blocks, and the guard's state there.
  GuardedLine m_settled{0, {}};
  qsizetype m_settledBlocks = 0;
};

}  // namespace runnel::ui
