#include "ui/markdown/rich_text.h"

#include <algorithm>

#include "ui/markdown/markdown_guard.h"

namespace runnel::ui {
namespace {

using namespace Qt::StringLiterals;

constexpr int linkTag = 4;
constexpr std::array<const char*, 5> tagNames{"b", "i", "s", "code", "a"};
constexpr qsizetype maxAddress = 2048;
constexpr int tagCost = 8;  // measured: an element costs Qt about as much as eight characters

void appendEscaped(QString& out, QChar c) {
  switch (c.unicode()) {
    case u'<':
      out += u"&lt;";
      break;
    case u'>':
      out += u"&gt;";
      break;
    case u'&':
      out += u"&amp;";
      break;
    case u'"':
      out += u"&quot;";
      break;
    case u'\'':
      out += u"&#39;";
      break;
    default:
      out += c;
  }
}

QString closing(int tag) {
  return "</"_L1 + QLatin1StringView(tagNames[tag]) + u'>';
}

bool endsAddress(QChar c) {
  if (c.isSpace() || c == u'<' || c == u'>' || c == u'"' || c == u'`') return true;
  return c.unicode() >= 0x80 && c.isPunct();
}

/** Length of the address at the start of `text`, without the punctuation of the sentence around it; 0 for none. */
qsizetype addressLength(QStringView text) {
  const QStringView reach = text.first(std::min(text.size(), maxAddress));
  qsizetype length = std::find_if(reach.begin(), reach.end(), endsAddress) - reach.begin();
  if (length == maxAddress) return 0;
  qsizetype unpaired = reach.first(length).count(u')') - reach.first(length).count(u'(');
  while (length > 0) {
    const QChar last = reach[length - 1];
    if (last == u')' && unpaired > 0) {
      --unpaired;
    } else if (!QStringView(u".,:;!?'*_~]").contains(last)) {
      break;
    }
    --length;
  }
  return length;
}

}  // namespace

void RichTextWriter::text(QStringView text) {
  for (const QChar c : text) {
    if (c == u'\n') {
      lineBreak();
      continue;
    }
    if (!c.isLowSurrogate()) cutIfLong(c == u' ');
    appendEscaped(m_piece, c);
    ++m_cost;
  }
}

void RichTextWriter::linkedText(QStringView text) {
  qsizetype done = 0;
  qsizetype at = 0;
  while (m_depth[linkTag] == 0 && (at = text.indexOf(u"http", at)) >= 0) {
    const QStringView rest = text.sliced(at);
    const bool starts = rest.startsWith(u"http://") || rest.startsWith(u"https://");
    const bool insideWord = at > 0 && text[at - 1].isLetterOrNumber();
    // `](` stands before the address of an image, or of a link that was refused: all of it is plain text.
    const bool refused = at > 1 && text[at - 1] == u'(' && text[at - 2] == u']';
    const qsizetype length = starts && !insideWord && !refused ? addressLength(rest) : 0;
    const QString address = rest.first(length).toString();
    if (!isSafeLink(address)) {
      at += std::max(length, qsizetype(4));
      continue;
    }
    this->text(text.sliced(done, at - done));
    openLink(address);
    this->text(address);
    closeLink();
    at += length;
    done = at;
  }
  this->text(text.sliced(done));
}

void RichTextWriter::lineBreak() {
  cutIfLong(true);
  m_piece += u"<br>";
  m_cost += tagCost;
}

void RichTextWriter::open(Style style) {
  if (m_depth[int(style)]++ == 0) push(int(style));
}

void RichTextWriter::close(Style style) {
  if (--m_depth[int(style)] == 0) pop(int(style));
}

void RichTextWriter::openLink(const QString& address) {
  if (m_depth[linkTag]++ > 0) return;
  m_address = address;
  push(linkTag);
}

void RichTextWriter::closeLink() {
  if (--m_depth[linkTag] == 0) pop(linkTag);
}

void RichTextWriter::push(int tag) {
  cutIfLong(false);
  m_open.append(tag);
  m_piece += opening(tag);
  m_cost += tagCost;
}

void RichTextWriter::pop(int tag) {
  // The tree that is written nests properly, but an inner element of the same kind may have been left out.
  const qsizetype index = m_open.lastIndexOf(tag);
  for (qsizetype i = m_open.size() - 1; i >= index; --i) m_piece += closing(m_open[i]);
  m_open.removeAt(index);
  for (qsizetype i = index; i < m_open.size(); ++i) m_piece += opening(m_open[i]);
}

QString RichTextWriter::opening(int tag) const {
  if (tag != linkTag) return u'<' + QString::fromLatin1(tagNames[tag]) + u'>';
  return "<a href=\""_L1 + escaped(m_address) + "\">"_L1;
}

void RichTextWriter::cutIfLong(bool atSpace) {
  if (m_pieceLength == 0 || m_cost < (atSpace ? m_pieceLength : m_pieceLength * 5 / 4)) return;
  for (qsizetype i = m_open.size() - 1; i >= 0; --i) m_piece += closing(m_open[i]);
  m_pieces.append(m_piece);
  m_piece.clear();
  m_cost = 0;
  for (const int tag : std::as_const(m_open)) m_piece += opening(tag);
}

QStringList RichTextWriter::take() {
  QStringList all = std::move(m_pieces);
  if (!m_piece.isEmpty() || all.isEmpty()) all.append(m_piece);
  m_pieces.clear();
  m_piece.clear();
  m_cost = 0;
  return all;
}

QString escaped(QStringView text) {
  QString out;
  out.reserve(text.size());
  for (const QChar c : text) appendEscaped(out, c);
  return out;
}

QString plainText(QStringView richText) {
  QString out;
  out.reserve(richText.size());
  for (qsizetype i = 0; i < richText.size(); ++i) {
    const QStringView rest = richText.sliced(i);
    if (rest[0] == u'<') {
      if (rest.startsWith(u"<br>")) out += u'\n';
      i += rest.indexOf(u'>');
    } else if (rest[0] == u'&') {
      const QStringView name = rest.first(rest.indexOf(u';') + 1);
      out += name == u"&lt;"     ? u'<'
             : name == u"&gt;"   ? u'>'
             : name == u"&quot;" ? u'"'
             : name == u"&#39;"  ? u'\''
                                 : u'&';
      i += name.size() - 1;
    } else {
      out += rest[0];
    }
  }
  return out;
}

}  // namespace runnel::ui
