#include "ui/markdown/markdown_guard.h"

#include <algorithm>

namespace runnel::ui {
namespace {

using namespace Qt::StringLiterals;

constexpr QChar mark{0xFDD0};        // alone: breaks up a sequence that would mean something
constexpr QChar lineMark{0xFDD2};    // instead of a line break
constexpr QChar escapeMark{0xFDD1};  // before a backslash of ours, which the parser removes unless it stands in code

constexpr int maxContainers = 16;  // quotes and list items that one line may open
constexpr int maxIndent = 64;      // columns in which a container may begin
constexpr int maxSpecials = 2000;  // in one paragraph; what follows is plain text
constexpr int maxTableRulers = 4;  // in one paragraph; the parser reads all of it again for each
constexpr qsizetype maxTableBars = 200;
constexpr qsizetype maxMissingCells = 20000;  // of short rows, in one text: the parser makes each of them
constexpr qsizetype reach = 400;              // characters in which a formula or an image of one line must end

bool isBlank(QStringView line) {
  return std::all_of(line.begin(), line.end(), [](QChar c) { return c == u' ' || c == u'\t'; });
}

/** QTextDocument marks frames with U+FDD0 and U+FDD1 and objects with U+FFFC; none of them is text. */
QChar textOnly(QChar c) {
  const char16_t u = c.unicode();
  const bool control = (u < 0x20 && u != u'\t') || u == 0x7F;
  return control || (u >= 0xFDD0 && u <= 0xFDEF) || u == 0xFFFC || u >= 0xFFFE ? QChar(QChar::ReplacementCharacter) : c;
}

bool isSpecial(QChar c) {
  return c.unicode() < 0x80 && QLatin1StringView("*_~[]<>`!").contains(c);
}

/** The line below a table's header, `|---|:-:|`. */
bool isTableRuler(QStringView text) {
  const auto part = [](QChar c) { return QStringView(u"|:- \t").contains(c); };
  return text.contains(u'-') && (text.contains(u'|') || text.contains(u':')) &&
         std::all_of(text.begin(), text.end(), part);
}

/** After three backticks or more, a further one makes a line of text of what looks like a fence. */
bool startsFence(QStringView text) {
  if (text.startsWith(u"~~~")) return true;
  if (!text.startsWith(u"```")) return false;
  while (text.startsWith(u'`')) text = text.sliced(1);
  return !text.contains(u'`');
}

/** Guards one line; made anew for each. */
class LineGuard {
 public:
  LineGuard(QStringView line, GuardState& state, QString& out) : line_(line), state_(state), out_(out) {}

  void run(bool complete) {
    if (isBlank(line_)) {
      state_.startParagraph();
      out_ += line_;
      return;
    }
    if (joins()) {
      protect(line_.size());
      return;
    }
    if (state_.formula != GuardState::Formula::None && !startsFence(line_.trimmed())) {
      guardFormulaLine();
      return;
    }
    state_.formula = GuardState::Formula::None;
    copyContainers();
    const QStringView rest = line_.sliced(at_);
    if (startsFence(rest)) state_.startParagraph();
    if (opensFormula(rest)) {
      protect(line_.size());
      return;
    }
    // One or two signs may be the beginning of a list or a rule: the paragraph above doesn't become a heading for that.
    const bool maybeUnderline =
        !complete && rest.size() <= 2 && (rest.count(u'-') == rest.size() || rest.count(u'=') == rest.size());
    if (maybeUnderline || refusesTable(rest)) out_ += mark;
    guardInlines();
  }

  /** Too many short rows stand above: the rest of the table goes into the cell before. */
  bool joins() const {
    return state_.tableBars > 0 && state_.missingCells > maxMissingCells && !isBlank(line_) &&
           !startsFence(line_.trimmed());
  }

 private:
  /** Passes on the signs of quotes and list items, up to the bounds. */
  void copyContainers() {
    int containers = 0;
    while (true) {
      const qsizetype before = at_;
      while (at_ < line_.size() && (line_[at_] == u' ' || line_[at_] == u'\t') && at_ < maxIndent) out_ += line_[at_++];
      const qsizetype length = containerSign();
      if (length == 0 && at_ < maxIndent) return;
      if (++containers > maxContainers || at_ >= maxIndent) {
        out_ += mark;
        return;
      }
      quoted_ |= line_[at_] == u'>';
      // What surely begins a paragraph of its own; other numbers and deeper ones may go on with the one above.
      if (at_ - before < 4 && QStringView(u"-*+1").contains(line_[at_]) && length <= 2) state_.startParagraph();
      out_ += line_.sliced(at_, length);
      at_ += length;
    }
  }

  /** Length of the quote or list sign here, 0 for none. */
  qsizetype containerSign() const {
    const QStringView rest = line_.sliced(at_);
    if (rest.isEmpty()) return 0;
    if (rest[0] == u'>') return 1;
    qsizetype length = 0;
    if (rest[0] == u'-' || rest[0] == u'*' || rest[0] == u'+') {
      length = 1;
    } else {
      while (length < rest.size() && length < 9 && rest[length] >= u'0' && rest[length] <= u'9') ++length;
      if (length == 0 || length == rest.size() || (rest[length] != u'.' && rest[length] != u')')) return 0;
      ++length;
    }
    const bool spaceFollows = length < rest.size() && (rest[length] == u' ' || rest[length] == u'\t');
    return spaceFollows ? length : 0;
  }

  /** Counts what the tables of this text cost the parser; true for a ruler that may begin none. */
  bool refusesTable(QStringView rest) {
    const qsizetype bars = rest.count(u'|');
    if (!isTableRuler(rest)) {
      state_.missingCells += std::max(state_.tableBars - bars - 2, qsizetype(0));
      return false;
    }
    if (++state_.tableRulers > maxTableRulers || bars > maxTableBars) return true;
    state_.tableBars = std::max(state_.tableBars, bars);
    return false;
  }

  /** A line that begins with `$$` or `\[` and doesn't end the formula opens a displayed one (not inside quotes, whose
   *  signs would become part of it). */
  bool opensFormula(QStringView rest) {
    if (quoted_) return false;
    if (rest.startsWith(u"$$") && !rest.sliced(2).contains(u"$$")) {
      state_.formula = GuardState::Formula::Dollars;
    } else if (rest.startsWith(u"\\[") && !rest.contains(u"\\]")) {
      state_.formula = GuardState::Formula::Brackets;
    }
    return state_.formula != GuardState::Formula::None;
  }

  void guardFormulaLine() {
    const QStringView closer =
        state_.formula == GuardState::Formula::Dollars ? QStringView(u"$$") : QStringView(u"\\]");
    if (line_.contains(closer)) state_.formula = GuardState::Formula::None;
    while (at_ < line_.size() && (line_[at_] == u' ' || line_[at_] == u'\t') && at_ < maxIndent) out_ += line_[at_++];
    out_ += mark;  // a formula's line begins no list, heading or rule
    protect(line_.size());
  }

  /** Passes on everything up to `end` as plain text: a formula, whose bars part no cells, or what is too much. */
  void protect(qsizetype end, bool bars = true) {
    for (; at_ < end; ++at_) {
      const QChar c = textOnly(line_[at_]);
      if (c == u'\\') {
        out_ += c;
        out_ += mark;
      } else {
        if (isSpecial(c) || (bars && c == u'|') || c == u'&' || c == u'#') escape();
        out_ += c;
      }
    }
  }

  void escape() {
    out_ += escapeMark;
    out_ += u'\\';
  }

  void guardInlines() {
    while (at_ < line_.size()) {
      const QChar c = textOnly(line_[at_]);
      if (state_.specials > maxSpecials) {
        protect(line_.size(), false);
      } else if (c == u'\\') {
        guardBackslash();
      } else if (c == u'$') {
        protectOrCopy(formulaLength());
      } else if (c == u'!' && next() == u'[') {
        protectOrCopy(imageLength());
      } else if (c == u'&') {
        guardAmpersand();
      } else if (c == u']') {
        guardClosingBracket();
      } else {
        copy(c);
      }
    }
  }

  /** Passes on `length` characters as plain text; one as it is for 0, or when they may be part of code. */
  void protectOrCopy(qsizetype length) {
    if (length > 0 && !line_.sliced(at_, length).contains(u'`')) {
      protect(at_ + length);
    } else {
      copy(textOnly(line_[at_]));
    }
  }

  void copy(QChar c) {
    if (isSpecial(c)) ++state_.specials;
    out_ += c;
    ++at_;
  }

  QChar next(qsizetype by = 1) const { return at_ + by < line_.size() ? line_[at_ + by] : QChar(u' '); }

  /** `\(`, `\)`, `\[`, `\]` are formula brackets and stay; other escapes are the parser's. */
  void guardBackslash() {
    const QChar n = next();
    if (n == u'(' || n == u'[') {
      const QStringView closer = n == u'(' ? QStringView(u"\\)") : QStringView(u"\\]");
      const qsizetype end = ahead().indexOf(closer);
      protect(end > 0 ? at_ + end + 2 : at_ + 2);
    } else if (n == u')' || n == u']') {
      protect(at_ + 2);
    } else {
      copy(u'\\');
      if (at_ < line_.size() && line_[at_].unicode() < 0x80) copy(textOnly(line_[at_]));
    }
  }

  QStringView ahead() const { return line_.sliced(at_, std::min(reach, line_.size() - at_)); }

  /** Of `$x^2$` and `$$x$$` on one line, 0 for anything else. A single dollar opens a formula when no space follows and
   *  closes one when no space precedes and no letter or digit follows: prices and variables don't. */
  qsizetype formulaLength() const {
    const QStringView text = ahead();
    if (next() == u'$') return text.indexOf(u"$$", 2) + 2 >= 4 ? text.indexOf(u"$$", 2) + 2 : 0;
    const qsizetype close = text.indexOf(u'$', 1);
    if (close < 2 || text[1].isSpace() || text[close - 1].isSpace()) return 0;
    const QChar after = next(close + 1);
    return after.isLetterOrNumber() || after == u'$' ? 0 : close + 1;
  }

  /** Of `![text](address)`, 0 for anything else. */
  qsizetype imageLength() const {
    const QStringView text = ahead();
    const qsizetype bracket = closing(text, 1, u'[', u']');
    if (bracket < 0 || bracket + 1 == text.size() || text[bracket + 1] != u'(') return 0;
    return closing(text, bracket + 1, u'(', u')') + 1;
  }

  /** Where the bracket at `from` is closed, -1 for nowhere. */
  static qsizetype closing(QStringView text, qsizetype from, QChar opener, QChar closer) {
    int depth = 0;
    for (qsizetype i = from; i < text.size(); ++i) {
      if (text[i] == opener) ++depth;
      if (text[i] == closer && --depth == 0) return i;
    }
    return -1;
  }

  void guardAmpersand() {
    const QChar n = next();
    copy(u'&');
    if (n == u'#' || (n.unicode() < 0x80 && n.isLetter())) out_ += mark;
  }

  /** Keeps `](` for links with an address that we follow, and marks the address, which tells them from `<address>`. */
  void guardClosingBracket() {
    copy(u']');
    if (at_ == line_.size()) return;
    if (line_[at_] == u':') out_ += mark;
    if (line_[at_] != u'(') return;

    qsizetype start = at_ + 1;
    while (start < line_.size() && (line_[start] == u' ' || line_[start] == u'\t') && start - at_ < maxIndent) ++start;
    if (start < line_.size() && line_[start] == u'<') ++start;
    const QStringView address = line_.sliced(start);
    const bool followed = address.startsWith(u"http://", Qt::CaseInsensitive) ||
                          address.startsWith(u"https://", Qt::CaseInsensitive) ||
                          address.startsWith(u"mailto:", Qt::CaseInsensitive);
    if (!followed) {
      out_ += mark;
    } else {
      while (at_ < start) copy(line_[at_]);
      out_ += mark;
    }
  }

  QStringView line_;
  GuardState& state_;
  QString& out_;
  qsizetype at_ = 0;
  bool quoted_ = false;
};

}  // namespace

GuardedText guardMarkdown(QStringView source, GuardState state) {
  GuardedText result;
  result.text.reserve(source.size() + source.size() / 8);
  qsizetype at = 0;
  while (at < source.size()) {
    qsizetype end = at;
    while (end < source.size() && source[end] != u'\n' && source[end] != u'\r') ++end;
    const bool complete = end < source.size();
    LineGuard guard(source.sliced(at, end - at), state, result.text);
    if (guard.joins() && result.text.endsWith(u'\n')) {
      result.text.back() = lineMark;
    } else {
      result.lines.append({at, state});
    }
    guard.run(complete);
    if (complete) {
      result.text += u'\n';
      end += source[end] == u'\r' && end + 1 < source.size() && source[end + 1] == u'\n' ? 2 : 1;
    }
    result.lastLineComplete = complete;
    at = end;
  }
  return result;
}

QString withoutMarks(QString text) {
  qsizetype kept = 0;
  for (qsizetype i = 0; i < text.size(); ++i) {
    if (text[i] == mark) continue;
    if (text[i] == escapeMark) {
      if (i + 1 < text.size() && text[i + 1] == u'\\') ++i;
      continue;
    }
    text[kept++] = text[i] == lineMark ? QChar(u'\n') : text[i];
  }
  text.truncate(kept);
  return text;
}

bool isSafeLink(QStringView address) {
  const auto refused = [](QChar c) { return c.isSpace() || c.category() == QChar::Other_Control || c == u'\\'; };
  if (std::any_of(address.begin(), address.end(), refused)) return false;
  for (const QStringView scheme : {QStringView(u"http://"), QStringView(u"https://"), QStringView(u"mailto:")}) {
    if (!address.startsWith(scheme, Qt::CaseInsensitive)) continue;
    const QStringView rest = address.sliced(scheme.size());
    return !rest.isEmpty() && rest[0] != u'/' && rest[0] != u'?' && rest[0] != u'#';
  }
  return false;
}

}  // namespace runnel::ui
