#pragma once

#include <QtQml/qqmlregistration.h>
#include <QAbstractListModel>
#include <QTimer>

#include "ui/markdown/markdown_document.h"

namespace runnel::ui {

/**
 * The blocks of one message for a view, from a text that may grow. Lives on the window's thread.
 *
 * When text is appended only the rows that differ are announced. Rows of a very long text appear in portions, one per
 * turn of the event loop, so that making their items never holds up the window; `complete` says when all are there.
 */
class MarkdownModel : public QAbstractListModel {
  Q_OBJECT
  QML_ELEMENT
  Q_PROPERTY(QString text READ text WRITE setText NOTIFY textChanged)
  Q_PROPERTY(bool complete READ isComplete NOTIFY completeChanged)

 public:
  enum Kind { Paragraph, Heading, Code, Table, Rule };
  Q_ENUM(Kind)
  enum Check { NoCheck, Unchecked, Checked };
  Q_ENUM(Check)

  enum Role {
    KindRole = Qt::UserRole,
    LevelRole,
    QuoteDepthRole,
    ListDepthRole,
    MarkerRole,
    CheckRole,
    TightRole,
    ContinuedRole,
    RichRole,   ///< Paragraph, Heading: rich text of RichTextWriter; Table: the same inside table, tr, th, td
    PlainRole,  ///< the visible characters, for accessible names
    CodeRole,
    LanguageRole,
  };

  explicit MarkdownModel(QObject* parent = nullptr);

  const QString& text() const { return m_document.text(); }
  void setText(const QString& text);
  bool isComplete() const { return m_shown == m_document.blocks().size(); }

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QHash<int, QByteArray> roleNames() const override;

  /** The whole code block that begins in `row`, as it was written. */
  Q_INVOKABLE QString codeAt(int row) const;
  Q_INVOKABLE void copyCode(int row) const;

 Q_SIGNALS:
  void textChanged();
  void completeChanged();

 private:
  void showMore();

  MarkdownDocument m_document;
  qsizetype m_shown = 0;  // rows that views know of
  QTimer m_later;
};

}  // namespace runnel::ui
