#include "ui/conversations/conversation_list_model.h"

#include <QLocale>

#include <algorithm>

namespace runnel::ui {

ConversationListModel::ConversationListModel(app::ConversationStore& store, app::ConversationSession& session,
                                             QObject* parent)
    : QAbstractListModel(parent), m_store(store), m_session(session) {
  m_undoTimer.setSingleShot(true);
  m_undoTimer.setInterval(kUndoMilliseconds);
  connect(&m_undoTimer, &QTimer::timeout, this, &ConversationListModel::commitRemove);
  connect(&m_store, &app::ConversationStore::conversationsChanged, this, &ConversationListModel::refresh);
  refresh();
}

ConversationListModel::~ConversationListModel() {
  m_store.disconnect(this);
  commitRemove();
}

int ConversationListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_shown.size());
}

QVariant ConversationListModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
  const app::Conversation& conversation = m_shown[index.row()];
  switch (role) {
    case IdRole:
      return conversation.id;
    case Qt::DisplayRole:
    case TitleRole:
      return conversation.title;
    case DetailRole:
      return conversation.tokens > 0 ? tr("%1 tokens").arg(QLocale().toString(conversation.tokens)) : tr("new");
    case SectionRole:
      return sectionOf(conversation.updated.toLocalTime().date(), QDate::currentDate());
    default:
      return {};
  }
}

QHash<int, QByteArray> ConversationListModel::roleNames() const {
  return {{IdRole, "conversationId"}, {TitleRole, "title"}, {DetailRole, "detail"}, {SectionRole, "section"}};
}

void ConversationListModel::setFilter(const QString& filter) {
  if (filter == m_filter) return;
  m_filter = filter;
  refresh();
  Q_EMIT filterChanged();
}

QString ConversationListModel::removedTitle() const {
  return m_removed ? m_removed->title : QString();
}

void ConversationListModel::rename(qint64 id, const QString& title) {
  const QString simplified = title.simplified();
  if (!simplified.isEmpty()) m_session.rename(id, simplified);
}

void ConversationListModel::remove(qint64 id) {
  commitRemove();
  m_removed = find(id);
  if (!m_removed) return;
  refresh();
  m_undoTimer.start();
  Q_EMIT removedTitleChanged();
  Q_EMIT removed(id);
}

void ConversationListModel::undoRemove() {
  m_undoTimer.stop();
  m_removed.reset();
  refresh();
  Q_EMIT removedTitleChanged();
}

void ConversationListModel::commitRemove() {
  m_undoTimer.stop();
  if (!m_removed) return;
  const qint64 id = m_removed->id;
  m_removed.reset();
  m_session.remove(id);
  Q_EMIT removedTitleChanged();
}

std::optional<app::Conversation> ConversationListModel::find(qint64 id) const {
  const auto found = std::ranges::find(m_all, id, &app::Conversation::id);
  return found == m_all.end() ? std::nullopt : std::optional(*found);
}

QString ConversationListModel::titleOf(qint64 id) const {
  const auto found = find(id);
  return found ? found->title : QString();
}

qint64 ConversationListModel::neighbour(qint64 id, int step) const {
  const auto found = std::ranges::find(m_shown, id, &app::Conversation::id);
  const qint64 row = found == m_shown.end() ? (step > 0 ? 0 : m_shown.size() - 1) : found - m_shown.begin() + step;
  return row >= 0 && row < m_shown.size() ? m_shown[row].id : 0;
}

QString ConversationListModel::sectionOf(const QDate& date, const QDate& today) {
  const qint64 days = date.daysTo(today);
  if (days <= 0) return tr("Today");
  if (days == 1) return tr("Yesterday");
  if (days <= 7) return tr("Last week");
  if (days <= 31) return tr("Last month");
  return tr("Earlier");
}

void ConversationListModel::refresh() {
  m_all = m_store.conversations();
  QList<app::Conversation> shown;
  std::ranges::copy_if(m_all, std::back_inserter(shown), [this](const app::Conversation& conversation) {
    const bool removed = m_removed && m_removed->id == conversation.id;
    return !removed && conversation.title.contains(m_filter, Qt::CaseInsensitive);
  });
  if (std::ranges::equal(shown, m_shown, {}, &app::Conversation::id, &app::Conversation::id)) {
    m_shown = std::move(shown);
    if (!m_shown.isEmpty()) Q_EMIT dataChanged(index(0), index(rowCount() - 1));
    return;
  }
  beginResetModel();
  m_shown = std::move(shown);
  endResetModel();
  Q_EMIT countChanged();
}

}  // namespace runnel::ui
