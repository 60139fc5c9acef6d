#include "ui/markdown/markdown_model.h"

#include <QClipboard>
#include <QGuiApplication>

#include "ui/markdown/rich_text.h"

namespace runnel::ui {
namespace {

using namespace Qt::StringLiterals;

// Measured: making an item costs about as much as laying out 800 characters; 12,000 take 20 ms in all.
constexpr qsizetype itemCost = 800;
constexpr qsizetype cellCost = 100;
constexpr qsizetype portion = 12000;

qsizetype cost(const MarkdownBlock& block) {
  return itemCost + block.rich.size() + block.code.size() +
         block.table.rows.size() * block.table.alignments.size() * cellCost;
}

QString tableRichText(const MarkdownTable& table) {
  QString out = u"<table cellspacing=\"0\" cellpadding=\"0\">"_s;
  for (qsizetype row = 0; row < table.rows.size(); ++row) {
    const QLatin1StringView tag = row == 0 ? "th"_L1 : "td"_L1;
    out += "<tr>"_L1;
    for (qsizetype column = 0; column < table.alignments.size(); ++column) {
      const Qt::Alignment alignment = table.alignments[column];
      const QLatin1StringView side = alignment == Qt::AlignRight     ? "right"_L1
                                     : alignment == Qt::AlignHCenter ? "center"_L1
                                                                     : "left"_L1;
      out += u'<' + tag + " align=\""_L1 + side + "\">"_L1 + table.rows[row][column] + "</"_L1 + tag + u'>';
    }
    out += "</tr>"_L1;
  }
  return out + "</table>"_L1;
}

QString plain(const MarkdownBlock& block) {
  if (block.kind == MarkdownBlock::Kind::Code) return block.code;
  if (block.kind != MarkdownBlock::Kind::Table) return plainText(block.rich);
  QStringList rows;
  for (const QStringList& row : block.table.rows) {
    QStringList cells;
    for (const QString& cell : row) cells.append(plainText(cell));
    rows.append(cells.join(u'\t'));
  }
  return rows.join(u'\n');
}

}  // namespace

MarkdownModel::MarkdownModel(QObject* parent) : QAbstractListModel(parent) {
  m_later.setSingleShot(true);
  m_later.setInterval(0);
  connect(&m_later, &QTimer::timeout, this, &MarkdownModel::showMore);
}

void MarkdownModel::setText(const QString& text) {
  if (text == m_document.text()) return;
  const bool wasComplete = isComplete();
  const MarkdownDocument::Change change = m_document.setText(text);
  const QList<MarkdownBlock>& blocks = m_document.blocks();

  if (m_shown > blocks.size()) {
    beginRemoveRows({}, int(blocks.size()), int(m_shown - 1));
    m_shown = blocks.size();
    endRemoveRows();
  }
  for (qsizetype row = change.first; row < m_shown; ++row) {
    if (change.before[row - change.first] != blocks[row]) Q_EMIT dataChanged(index(int(row)), index(int(row)));
  }
  // A portion that is under way goes on by itself: text that comes in the meantime doesn't make it larger.
  if (!m_later.isActive()) showMore();
  Q_EMIT textChanged();
  if (isComplete() != wasComplete) Q_EMIT completeChanged();
}

void MarkdownModel::showMore() {
  const QList<MarkdownBlock>& blocks = m_document.blocks();
  qsizetype end = m_shown;
  for (qsizetype left = portion; end < blocks.size(); ++end) {
    left -= cost(blocks[end]);
    if (left < 0 && end > m_shown) break;
  }
  if (end == m_shown) return;
  beginInsertRows({}, int(m_shown), int(end - 1));
  m_shown = end;
  endInsertRows();
  if (!isComplete()) {
    m_later.start();
  } else if (sender() == &m_later) {
    Q_EMIT completeChanged();
  }
}

int MarkdownModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : int(m_shown);
}

QVariant MarkdownModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const MarkdownBlock& block = m_document.blocks()[index.row()];
  switch (role) {
    case KindRole:
      return int(block.kind);
    case LevelRole:
      return block.level;
    case QuoteDepthRole:
      return block.quoteDepth;
    case ListDepthRole:
      return block.listDepth;
    case MarkerRole:
      return block.marker;
    case CheckRole:
      return int(block.check);
    case TightRole:
      return block.tight;
    case ContinuedRole:
      return block.continued;
    case RichRole:
      return block.kind == MarkdownBlock::Kind::Table ? tableRichText(block.table) : block.rich;
    case PlainRole:
      return plain(block);
    case CodeRole:
      return block.code;
    case LanguageRole:
      return block.language;
    default:
      return {};
  }
}

QHash<int, QByteArray> MarkdownModel::roleNames() const {
  return {{KindRole, "kind"},           {LevelRole, "level"},         {QuoteDepthRole, "quoteDepth"},
          {ListDepthRole, "listDepth"}, {MarkerRole, "marker"},       {CheckRole, "check"},
          {TightRole, "tight"},         {ContinuedRole, "continued"}, {RichRole, "rich"},
          {PlainRole, "plain"},         {CodeRole, "code"},           {LanguageRole, "language"}};
}

QString MarkdownModel::codeAt(int row) const {
  const QList<MarkdownBlock>& blocks = m_document.blocks();
  if (row < 0 || row >= blocks.size()) return {};
  QString code = blocks[row].code;
  for (qsizetype i = row + 1; i < blocks.size() && blocks[i].continued && blocks[i].kind == MarkdownBlock::Kind::Code;
       ++i) {
    if (!blocks[i].sameLine) code += u'\n';
    code += blocks[i].code;
  }
  return code;
}

void MarkdownModel::copyCode(int row) const {
  QGuiApplication::clipboard()->setText(codeAt(row));
}

}  // namespace runnel::ui
