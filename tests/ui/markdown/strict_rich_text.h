#pragma once

#include <QRegularExpression>
#include <QString>
#include <QStringList>

/** What is wrong with rich text: empty when it consists of text without `<`, `>`, bare `&` and quotes, and of the
 *  elements that the window shows, properly nested and without any other attribute or address. */
inline QString richTextFault(const QString& rich) {
  static const QRegularExpression token(QString::fromLatin1(
      "\\G(?:<(b|i|s|code)>|<a href=\"((?:[^<>\"&']|&(?:lt|gt|amp|quot|#39);)+)\">|</(b|i|s|code|a)>|<br>|"
      "[^<>&\"']|&(?:lt|gt|amp|quot|#39);)"));
  static const QRegularExpression address(QStringLiteral(R"(^(?:https?://[^/?#\s\\]|mailto:[^/?#\s\\])[^\s\\]*$)"),
                                          QRegularExpression::CaseInsensitiveOption);
  QStringList open;
  for (qsizetype at = 0; at < rich.size();) {
    const QRegularExpressionMatch match = token.match(rich, at);
    if (!match.hasMatch()) return QStringLiteral("not allowed: ") + rich.mid(at, 60);
    if (!match.captured(1).isEmpty()) open.append(match.captured(1));
    if (!match.captured(2).isEmpty()) {
      if (!address.match(match.captured(2)).hasMatch()) return QStringLiteral("address: ") + match.captured(2);
      open.append(QStringLiteral("a"));
    }
    if (!match.captured(3).isEmpty() && (open.isEmpty() || open.takeLast() != match.captured(3))) {
      return QStringLiteral("not nested: ") + rich.mid(at, 60);
    }
    if (open.size() > 5) return QStringLiteral("too deep: ") + rich.mid(at, 60);
    at = match.capturedEnd();
  }
  return open.isEmpty() ? QString() : QStringLiteral("left open: ") + open.last();
}
