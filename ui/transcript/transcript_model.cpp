#include "ui/transcript/transcript_model.h"

#include <algorithm>
#include <cmath>

#include "runnel/reasoning.h"
#include "ui/transcript/remembered.h"

namespace runnel::ui {

namespace {

QString noteFor(app::StopReason reason) {
  switch (reason) {
    case app::StopReason::Stopped:
      return TranscriptModel::tr("Stopped");
    case app::StopReason::Length:
      return TranscriptModel::tr("The answer reached its limit of tokens");
    case app::StopReason::Failed:
      return TranscriptModel::tr("This answer was cut off");
    case app::StopReason::None:
    case app::StopReason::EndOfTurn:
      break;
  }
  return {};
}

/** What is partly remembered stays so: neither 0 nor 1. A share is shown in percent, so finer steps would only repaint.
 */
double inHundredths(double share) {
  if (share <= 0 || share >= 1) return share;
  return std::clamp(std::round(share * 100), 1.0, 99.0) / 100;
}

TranscriptModel::Author authorOf(app::Role role) {
  switch (role) {
    case app::Role::System:
      return TranscriptModel::System;
    case app::Role::User:
      return TranscriptModel::User;
    case app::Role::Assistant:
      break;
  }
  return TranscriptModel::Assistant;
}

QString quoted(const QString& text) {
  return QStringLiteral("> ") + QString(text).replace(u'\n', QStringLiteral("\n> "));
}

QString fromUtf8(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

}  // namespace

void TranscriptModel::Row::takeWhole(const QString& written) {
  whole = written;
  text = written;
  if (role != app::Role::Assistant) return;
  const std::string utf8 = written.toStdString();
  const runnel::AnswerSections sections = runnel::answer_sections(utf8, !streaming);
  text = fromUtf8(sections.answer);
  reasoning = fromUtf8(sections.reasoning);
  reasoningOpen = sections.reasoning_open;
}

bool TranscriptModel::Row::showsReasoning() const {
  return reasoningShown.value_or(reasoningOpen && !streaming);
}

int TranscriptModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant TranscriptModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const Row& row = m_rows[index.row()];
  switch (role) {
    case IdRole:
      return row.id;
    case AuthorRole:
      return QVariant::fromValue(authorOf(row.role));
    case Qt::DisplayRole:
    case TextRole:
      return row.text;
    case ReasoningRole:
      return row.reasoning;
    case ThinkingRole:
      return row.streaming && row.reasoningOpen;
    case ReasoningShownRole:
      return row.showsReasoning();
    case UnfoldedRole:
      return row.unfolded;
    case RememberedRole:
      return row.remembered;
    case NoteRole:
      return row.note;
    case FailedRole:
      return row.failed;
    case CutRole:
      return row.cut;
    case StatsRole:
      return row.stats;
    case StreamingRole:
      return row.streaming;
    case PinnedRole:
      return row.pinned;
    default:
      return {};
  }
}

QHash<int, QByteArray> TranscriptModel::roleNames() const {
  return {{IdRole, "messageId"},
          {AuthorRole, "author"},
          {TextRole, "text"},
          {ReasoningRole, "reasoning"},
          {ThinkingRole, "thinking"},
          {ReasoningShownRole, "reasoningShown"},
          {UnfoldedRole, "unfolded"},
          {RememberedRole, "remembered"},
          {NoteRole, "note"},
          {FailedRole, "failed"},
          {CutRole, "cut"},
          {StatsRole, "stats"},
          {StreamingRole, "streaming"},
          {PinnedRole, "pinned"}};
}

TranscriptModel::Row TranscriptModel::rowFrom(const app::StoredMessage& message, bool streaming) {
  Row row;
  row.id = message.id;
  row.role = message.role;
  row.note = streaming ? QString() : noteFor(message.stopReason);
  row.failed = message.stopReason == app::StopReason::Failed;
  row.cut = message.stopReason == app::StopReason::Length;
  row.streaming = streaming;
  row.pinned = message.isPinned;
  row.takeWhole(message.text);
  return row;
}

void TranscriptModel::reset(const QList<app::StoredMessage>& messages, qint64 streamingId) {
  beginResetModel();
  m_rows.clear();
  m_rows.reserve(messages.size());
  for (const app::StoredMessage& message : messages) m_rows.append(rowFrom(message, message.id == streamingId));
  endResetModel();
  Q_EMIT countChanged();
  findFirstRemembered();
}

void TranscriptModel::append(const app::StoredMessage& message, bool streaming) {
  beginInsertRows({}, rowCount(), rowCount());
  m_rows.append(rowFrom(message, streaming));
  endInsertRows();
  Q_EMIT countChanged();
}

void TranscriptModel::remove(qint64 id) {
  const int row = rowOf(id);
  if (row < 0) return;
  beginRemoveRows({}, row, row);
  m_rows.removeAt(row);
  endRemoveRows();
  Q_EMIT countChanged();
  findFirstRemembered();
}

void TranscriptModel::appendText(qint64 id, const QString& text) {
  const int row = rowOf(id);
  if (row < 0 || text.isEmpty()) return;
  m_rows[row].takeWhole(m_rows[row].whole + text);
  changed(row, {TextRole, Qt::DisplayRole, ReasoningRole, ThinkingRole});
}

void TranscriptModel::setStats(qint64 id, const QString& stats) {
  const int row = rowOf(id);
  if (row < 0 || m_rows[row].stats == stats) return;
  m_rows[row].stats = stats;
  changed(row, {StatsRole});
}

void TranscriptModel::setPinned(qint64 id, bool pinned) {
  const int row = rowOf(id);
  if (row < 0 || m_rows[row].pinned == pinned) return;
  m_rows[row].pinned = pinned;
  changed(row, {PinnedRole});
}

void TranscriptModel::finish(qint64 id, app::StopReason reason, const QString& failure) {
  const int row = rowOf(id);
  if (row < 0) return;
  m_rows[row].streaming = false;
  m_rows[row].takeWhole(m_rows[row].whole);
  m_rows[row].note = failure.isEmpty() ? noteFor(reason) : failure;
  m_rows[row].failed = reason == app::StopReason::Failed;
  m_rows[row].cut = reason == app::StopReason::Length;
  changed(row, {StreamingRole, TextRole, Qt::DisplayRole, ReasoningRole, ThinkingRole, ReasoningShownRole, NoteRole,
                FailedRole, CutRole});
}

void TranscriptModel::showReasoning(int row, bool shown) {
  if (row < 0 || row >= rowCount()) return;
  m_rows[row].reasoningShown = shown;
  changed(row, {ReasoningShownRole});
}

void TranscriptModel::unfold(int row, int characters) {
  if (row < 0 || row >= rowCount()) return;
  m_rows[row].unfolded = characters;
  changed(row, {UnfoldedRole});
}

void TranscriptModel::setRemembered(const app::CacheSnapshot& snapshot) {
  QList<qint64> ids;
  ids.reserve(m_rows.size());
  for (const Row& row : m_rows) ids.append(row.id);
  const QList<double> shares = rememberedShares(ids, snapshot);
  for (int row = 0; row < rowCount(); ++row) {
    const double share = inHundredths(shares[row]);
    if (m_rows[row].remembered == share) continue;
    m_rows[row].remembered = share;
    changed(row, {RememberedRole});
  }
  findFirstRemembered();
}

int TranscriptModel::rowOf(qint64 id) const {
  // The message asked for is nearly always the last.
  for (qsizetype row = m_rows.size() - 1; row >= 0; --row)
    if (m_rows[row].id == id) return static_cast<int>(row);
  return -1;
}

QString TranscriptModel::textOf(int row) const {
  return row >= 0 && row < m_rows.size() ? m_rows[row].text : QString();
}

QString TranscriptModel::wholeText() const {
  QString whole;
  for (const Row& row : m_rows) {
    if (row.role == app::Role::System) continue;
    const QString author = row.role == app::Role::User ? tr("You") : tr("Assistant");
    whole += QStringLiteral("**%1**\n\n").arg(author);
    for (const QString& section : {row.reasoning.isEmpty() ? QString() : quoted(row.reasoning), row.text})
      if (!section.isEmpty()) whole += section + QStringLiteral("\n\n");
  }
  return whole.trimmed() + QLatin1Char('\n');
}

void TranscriptModel::changed(int row, const QList<int>& roles) {
  Q_EMIT dataChanged(index(row), index(row), roles);
}

void TranscriptModel::findFirstRemembered() {
  const auto forgotten = [](const Row& row) { return row.remembered <= 0; };
  int first = -1;
  // The line stands below the last message of the stretch that is forgotten, so that what is pinned or among the sinks
  // further up does not pull it to the top.
  for (qsizetype row = m_rows.size() - 1; row >= 0 && first < 0; --row)
    if (forgotten(m_rows[row])) first = static_cast<int>(row) + 1;
  if (first == rowCount()) first = -1;
  if (first == m_firstRemembered) return;
  m_firstRemembered = first;
  Q_EMIT firstRememberedChanged();
}

}  // namespace runnel::ui
