#pragma once

#include <QHash>
#include <QString>

namespace runnel::ui {

/** A text that has not been sent. What was pasted goes before what was typed. */
struct Draft {
  QString typed = {};
  QString pasted = {};

  bool isEmpty() const { return typed.isEmpty() && pasted.isEmpty(); }
  QString whole() const {
    return pasted.isEmpty() || typed.isEmpty() ? pasted + typed : pasted + QStringLiteral("\n\n") + typed;
  }
};

/** Pasted text longer than this is kept beside what is typed: it would be laid out line by line. */
constexpr qsizetype kLongPaste = 8000;

/** `text` as a draft: beside what is typed when it is long. */
Draft draftOf(const QString& text);

/**
 * What is being written in each conversation: a draft, and in front of it perhaps the new text of a message. Nothing of
 * it is lost but what was sent.
 */
class Drafts {
 public:
  /** What is being written in the open conversation. */
  const Draft& current() const;
  void setTyped(const QString& text);
  void setPasted(const QString& text);

  /** The message whose new text `current` is; 0: none, it is the draft. */
  qint64 edited() const;

  void open(qint64 conversationId);

  /** Puts the new text of a message before the draft: `text`, or what was written when its edit was left. */
  void beginEdit(qint64 messageId, const QString& text);
  void leaveEdit();

  /** The current text was sent. */
  void drop();

  /** Takes the current text out, to be sent; `giveBack` undoes that. */
  Draft take();

  /** A text that could not be sent comes before what is being written. */
  void giveBack(qint64 conversationId, const Draft& text);

  /** The new text of a message could not be sent. */
  void giveBackEdit(qint64 conversationId, qint64 messageId, const Draft& text);

 private:
  struct Writing {
    Draft draft = {};
    qint64 edited = 0;
    Draft edit = {};
  };

  Draft& present();

  qint64 m_conversationId = 0;
  QHash<qint64, Writing> m_writings;  // by conversation
  QHash<qint64, Draft> m_leftEdits;   // by message
};

}  // namespace runnel::ui
