#pragma once

#include <QList>
#include <QString>
#include <QStringView>

namespace runnel::ui {

/** What the guard must remember from one line to the next. */
struct GuardState {
  enum class Formula : quint8 { None, Dollars, Brackets };

  Formula formula = Formula::None;  ///< inside a displayed formula that a line `$$` or `\[` opened
  int specials = 0;                 ///< characters with a meaning in Markdown since the paragraph began
  int tableRulers = 0;              ///< lines like `|---|` since the paragraph began
  qsizetype tableBars = 0;          ///< bars of the longest of them
  qsizetype missingCells = 0;       ///< that the parser added to the text's tables so far

  /** A new paragraph begins. */
  void startParagraph() { *this = {.missingCells = missingCells}; }

  bool operator==(const GuardState&) const = default;
};

/** Where a line of the source begins, and what the guard remembered there. */
struct GuardedLine {
  qsizetype offset;  ///< UTF-16 units into the source
  GuardState state;
};

/** A source made ready for the Markdown parser, line by line the same as what was written. */
struct GuardedText {
  QString text;
  QList<GuardedLine> lines;
  bool lastLineComplete = false;  ///< the source ends with a line break
};

/**
 * Marks in `source` what Markdown would swallow or decode, so that it comes out as it was written: entities, images,
 * links that we don't follow, reference definitions, the contents and brackets of formulas. Also bounds what the
 * parser has to do: nesting, and special characters in one paragraph (cmark-gfm 0.29 is quadratic in some of them).
 *
 * The marks are two code points that no text may contain (noncharacters; the source's own become U+FFFD, as do other
 * characters that QTextDocument takes for its own). `withoutMarks` removes them from what the parser returns.
 * A line's result depends on earlier lines through `state` only, never on later ones. Linear time.
 */
GuardedText guardMarkdown(QStringView source, GuardState state = {});

/** What was written, from text, code, raw HTML or a link's address of a guarded source. */
QString withoutMarks(QString text);

/** True for addresses that a message may link to: http, https with a host, mailto; no spaces or control characters. */
bool isSafeLink(QStringView address);

}  // namespace runnel::ui
