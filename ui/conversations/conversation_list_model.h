#pragma once

#include <QtQml/qqmlregistration.h>
#include <QAbstractListModel>
#include <QDate>
#include <QTimer>

#include <optional>

#include "app/chat/conversation.h"
#include "app/store/conversation_store.h"

namespace runnel::ui {

/**
 * The conversations on disk, newest first, in sections by age, filtered by title.
 *
 * Deleting hides a conversation at once and deletes it a few seconds later, so that it can be undone. Lives on the
 * window's thread.
 */
class ConversationListModel : public QAbstractListModel {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(QString filter READ filter WRITE setFilter NOTIFY filterChanged)
  Q_PROPERTY(int count READ count NOTIFY countChanged)
  Q_PROPERTY(QString removedTitle READ removedTitle NOTIFY removedTitleChanged)

 public:
  enum Roles { IdRole = Qt::UserRole + 1, TitleRole, DetailRole, SectionRole };

  /** How long a deletion can be undone. */
  static constexpr int kUndoMilliseconds = 8000;

  ConversationListModel(app::ConversationStore& store, app::ConversationSession& session, QObject* parent = nullptr);
  ~ConversationListModel() override;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QHash<int, QByteArray> roleNames() const override;

  QString filter() const { return m_filter; }
  void setFilter(const QString& filter);
  int count() const { return rowCount(); }

  /** Title of the conversation whose deletion can still be undone; empty when there is none. */
  QString removedTitle() const;

  Q_INVOKABLE void rename(qint64 id, const QString& title);
  Q_INVOKABLE void remove(qint64 id);
  Q_INVOKABLE void undoRemove();

  /** Deletes now what is waiting to be deleted; also done on destruction. */
  Q_INVOKABLE void commitRemove();

  std::optional<app::Conversation> find(qint64 id) const;
  Q_INVOKABLE QString titleOf(qint64 id) const;

  /** The conversation `step` rows further down (or up, when negative) than `id`; 0 when there is none. */
  Q_INVOKABLE qint64 neighbour(qint64 id, int step) const;

  /** "Today", "Yesterday", "Last week", "Last month" or "Earlier". */
  static QString sectionOf(const QDate& date, const QDate& today);

 Q_SIGNALS:
  void filterChanged();
  void countChanged();
  void removedTitleChanged();
  void removed(qint64 id);

 private:
  void refresh();

  app::ConversationStore& m_store;
  app::ConversationSession& m_session;
  QList<app::Conversation> m_all;
  QList<app::Conversation> m_shown;
  QString m_filter;
  std::optional<app::Conversation> m_removed;
  QTimer m_undoTimer;
};

}  // namespace runnel::ui
