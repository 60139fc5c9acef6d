#pragma once

#include <cmark-gfm.h>

#include <QList>

#include "ui/markdown/markdown_document.h"
#include "ui/markdown/rich_text.h"

namespace runnel::ui {

/** Turns the parser's tree of a guarded source into blocks. Walks it without recursion: depth costs no stack. */
class BlockBuilder {
 public:
  /** `root` is a document whose neighbouring text nodes were joined. What comes after about `room` blocks is put
   *  together in long paragraphs, line by line: a view can't hold an item for each of a hundred thousand lines. */
  BlockBuilder(cmark_node* root, qsizetype room) : m_root(root), m_room(room) {}

  void build();

  QList<MarkdownBlock> blocks;

  /** Top-level blocks: the line where each begins (0-based) and the index of its first block here. */
  struct Start {
    int line;
    qsizetype block;
  };
  QList<Start> starts;

 private:
  struct List {
    bool ordered;
    bool tight;
    QChar delimiter;
    qint64 number;
  };

  void noteStart(cmark_node* node);
  void enter(cmark_node* node);
  void leave(cmark_node* node);
  bool enterInline(cmark_node* node);
  void leaveInline(cmark_node* node);
  void enterExtension(cmark_node* node, const char* type);
  void leaveExtension(const char* type);
  void enterList(cmark_node* node);
  void enterItem();

  MarkdownBlock newBlock(MarkdownBlock::Kind kind);
  void flushMarker();
  QString takeCheck(QString text);
  void addRich(MarkdownBlock::Kind kind, int level = 0);
  void takeRich(MarkdownBlock block);
  void addLiteral(QStringView text);
  void addCode(QString text, const QString& info);
  void addTable();

  bool isCrowded() const { return blocks.size() >= m_room; }
  void addLine(QStringView text);

  cmark_node* m_root;
  qsizetype m_room;
  RichTextWriter m_rich{4000};  // measured: 4,000 characters cost Qt 2 ms each time
  RichTextWriter m_cell;
  RichTextWriter* m_writer = &m_rich;
  QList<List> m_lists;
  int m_quotes = 0;
  QString m_marker;
  MarkdownBlock::Check m_check = MarkdownBlock::Check::None;
  bool m_itemOpens = false;  // the marker hasn't been given to a block yet
  MarkdownTable m_table;
};

}  // namespace runnel::ui
