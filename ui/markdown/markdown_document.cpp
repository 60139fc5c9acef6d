#include "ui/markdown/markdown_document.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <memory>

#include "ui/markdown/block_builder.h"

namespace runnel::ui {
namespace {

constexpr qsizetype maxBlocks = 2000;

using Node = std::unique_ptr<cmark_node, decltype(&cmark_node_free)>;

/** The parser's tree of a guarded source, its neighbouring text nodes joined. */
Node parse(const QString& guarded) {
  static const bool registered = (cmark_gfm_core_extensions_ensure_registered(), true);
  Q_UNUSED(registered)
  // Strikethrough with two tildes only: "~5" means "about 5".
  const std::unique_ptr<cmark_parser, decltype(&cmark_parser_free)> parser(
      cmark_parser_new(CMARK_OPT_STRIKETHROUGH_DOUBLE_TILDE), cmark_parser_free);
  for (const char* name : {"table", "strikethrough"}) {
    cmark_parser_attach_syntax_extension(parser.get(), cmark_find_syntax_extension(name));
  }
  const QByteArray utf8 = guarded.toUtf8();
  cmark_parser_feed(parser.get(), utf8.constData(), size_t(utf8.size()));
  Node root(cmark_parser_finish(parser.get()), cmark_node_free);
  cmark_consolidate_text_nodes(root.get());
  return root;
}

}  // namespace

MarkdownDocument::Change MarkdownDocument::setText(const QString& text) {
  if (!text.startsWith(m_text)) {
    m_settled = {0, {}};
    m_settledBlocks = 0;
  } else if (text.size() == m_text.size()) {
    return {m_blocks.size(), {}};
  }
  m_text = text;

  const GuardedText guarded = guardMarkdown(QStringView(m_text).sliced(m_settled.offset), m_settled.state);
  const Node root = parse(guarded.text);
  const qsizetype room = maxBlocks - m_settledBlocks;
  BlockBuilder builder(root.get(), room);
  builder.build();

  Change change{m_settledBlocks, m_blocks.sliced(m_settledBlocks)};
  m_blocks.resize(m_settledBlocks);
  m_blocks.append(builder.blocks);

  // A block is settled once another begins after it, on a line that is complete.
  const qsizetype completeLines = guarded.lines.size() - (guarded.lastLineComplete ? 0 : 1);
  for (qsizetype i = builder.starts.size() - 1; i > 0; --i) {
    const BlockBuilder::Start& start = builder.starts[i];
    if (start.line >= completeLines || start.block >= room) continue;
    const GuardedLine& line = guarded.lines[start.line];
    m_settled = {m_settled.offset + line.offset, line.state};
    m_settledBlocks += start.block;
    break;
  }
  return change;
}

}  // namespace runnel::ui
