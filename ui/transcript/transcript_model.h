#pragma once

#include <QtQml/qqmlregistration.h>
#include <QAbstractListModel>

#include <optional>

#include "app/chat/chat_values.h"
#include "app/store/conversation_store.h"

namespace runnel::ui {

/**
 * The messages of the open conversation and how much of each the model still remembers.
 *
 * While an answer is streamed only its own row changes. Lives on the window's thread.
 */
class TranscriptModel : public QAbstractListModel {
  Q_OBJECT
  QML_ELEMENT
  QML_UNCREATABLE("made by the application")
  Q_PROPERTY(int count READ count NOTIFY countChanged)
  Q_PROPERTY(int firstRemembered READ firstRemembered NOTIFY firstRememberedChanged)

 public:
  enum Author { System, User, Assistant };
  Q_ENUM(Author)

  enum Roles {
    IdRole = Qt::UserRole + 1,
    AuthorRole,
    TextRole,            //!< without the reasoning that precedes an answer
    ReasoningRole,       //!< empty where there is none
    ThinkingRole,        //!< the reasoning is being written
    ReasoningShownRole,  //!< unless the reader decided otherwise, only when the answer ended within its reasoning
    UnfoldedRole,        //!< characters of a long question that the reader unfolded beyond what is always shown
    RememberedRole,      //!< share of the message's tokens that are in the cache, 0 … 1 in steps of a hundredth
    NoteRole,            //!< why an answer ended, where that is not its own end; empty otherwise
    FailedRole,
    CutRole,    //!< the answer ended at the limit of tokens
    StatsRole,  //!< speed of an answer of this session; empty otherwise
    StreamingRole,
    PinnedRole,  //!< its tokens stay in the cache for ever
  };

  using QAbstractListModel::QAbstractListModel;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QHash<int, QByteArray> roleNames() const override;
  int count() const { return rowCount(); }

  /** Row of the first message that is not wholly forgotten, when something above it is; else -1. */
  int firstRemembered() const { return m_firstRemembered; }

  /** `streamingId`: the message that is being written; 0: none. */
  void reset(const QList<app::StoredMessage>& messages, qint64 streamingId = 0);
  void append(const app::StoredMessage& message, bool streaming);
  void remove(qint64 id);
  void appendText(qint64 id, const QString& text);
  void setStats(qint64 id, const QString& stats);
  void setPinned(qint64 id, bool pinned);
  void finish(qint64 id, app::StopReason reason, const QString& failure = {});

  /** Takes from the cache what is remembered. A message without tokens of its own counts as forgotten when messages
   *  after it have some, and as remembered when it has yet to be read. */
  void setRemembered(const app::CacheSnapshot& snapshot);

  /** Shows or folds away the reasoning of a message. */
  Q_INVOKABLE void showReasoning(int row, bool shown);
  /** How many characters of a long question are shown beyond its fold; 0 folds it. */
  Q_INVOKABLE void unfold(int row, int characters);

  Q_INVOKABLE int rowOf(qint64 id) const;
  Q_INVOKABLE QString textOf(int row) const;
  /** The whole conversation, for the clipboard, in Markdown; reasoning as a quotation. */
  Q_INVOKABLE QString wholeText() const;

 Q_SIGNALS:
  void countChanged();
  void firstRememberedChanged();

 private:
  struct Row {
    qint64 id = 0;
    app::Role role = app::Role::User;
    QString whole;  // as the model wrote it: reasoning and text come from it
    QString reasoning;
    QString text;
    QString note;
    QString stats;
    double remembered = 1;
    int unfolded = 0;
    bool reasoningOpen = false;
    std::optional<bool> reasoningShown;  // as the reader decided
    bool failed = false;
    bool cut = false;
    bool streaming = false;
    bool pinned = false;

    void takeWhole(const QString& written);
    bool showsReasoning() const;
  };

  static Row rowFrom(const app::StoredMessage& message, bool streaming);
  void changed(int row, const QList<int>& roles);
  void findFirstRemembered();

  QList<Row> m_rows;
  int m_firstRemembered = -1;
};

}  // namespace runnel::ui
