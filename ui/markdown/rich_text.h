#pragma once

#include <QList>
#include <QString>
#include <QStringList>
#include <QStringView>
#include <array>

namespace runnel::ui {

/**
 * Writes the only rich text that the window shows: `<b>`, `<i>`, `<s>`, `<code>`, `<br>` and `<a href="…">` with an
 * address that isSafeLink accepts, each without other attributes and each properly nested; everything else is text,
 * escaped. Never deeper than one element of each kind.
 *
 * Long content is cut into pieces that stand alone, since Qt lays a block out anew as a whole whenever it changes.
 */
class RichTextWriter {
 public:
  enum class Style : quint8 { Bold, Italic, Struck, Code };

  /** Pieces of about `pieceLength` characters, cut at spaces where there are any; 0: never cut. */
  explicit RichTextWriter(qsizetype pieceLength = 0) : m_pieceLength(pieceLength) {}

  /** A line feed becomes a `<br>`. */
  void text(QStringView text);
  /** Like text(), with addresses that stand in it made into links. */
  void linkedText(QStringView text);
  void lineBreak();
  void open(Style style);
  void close(Style style);
  /** An address that isSafeLink refuses must be written as text instead; links don't nest, an inner one is text. */
  void openLink(const QString& address);
  void closeLink();

  bool isEmpty() const { return m_pieces.isEmpty() && m_piece.isEmpty(); }
  /** All pieces, at least one; the writer is empty again. */
  QStringList take();

 private:
  void push(int tag);
  void pop(int tag);
  void cutIfLong(bool atSpace);
  QString opening(int tag) const;

  qsizetype m_pieceLength;
  qsizetype m_cost = 0;  // characters, and 8 for each element
  QString m_piece;
  QStringList m_pieces;
  QList<int> m_open;  // elements in the order they were opened
  std::array<int, 5> m_depth{};
  QString m_address;
};

/** Text with `<`, `>`, `&` and quotes as entities. */
QString escaped(QStringView text);

/** The visible characters of what a RichTextWriter wrote; `<br>` is a line break. */
QString plainText(QStringView richText);

}  // namespace runnel::ui
