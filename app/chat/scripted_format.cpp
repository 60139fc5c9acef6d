#include "app/chat/scripted_format.h"

namespace runnel::app {

namespace {

void appendWords(std::vector<runnel::Token>& tokens, const std::string& text) {
  for (const QString& word : ScriptedFormat::words(QString::fromStdString(text)))
    tokens.push_back(ScriptedFormat::idOf(word));
}

}  // namespace

runnel::Turn ScriptedFormat::firstTurn(const std::vector<runnel::Message>& messages) const {
  runnel::Turn turn{{kOpening}, 0};
  const bool hasSystem = messages.front().role == "system";
  appendWords(turn.tokens, hasSystem ? messages.front().content : kDefaultSystem);
  turn.tokens.insert(turn.tokens.end(), {kClosing, kOpening});
  turn.before_first_user = turn.tokens.size();
  appendWords(turn.tokens, messages.at(hasSystem ? 1 : 0).content);
  turn.tokens.insert(turn.tokens.end(), {kClosing, kOpening});
  return turn;
}

runnel::Turn ScriptedFormat::nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                                      std::optional<runnel::Token> lastFed) const {
  runnel::Turn turn{{}, 0};
  if (lastFed != kClosing) turn.tokens.push_back(kClosing);
  turn.tokens.push_back(kOpening);
  appendWords(turn.tokens, messages.at(lastAnswer + 1).content);
  turn.tokens.insert(turn.tokens.end(), {kClosing, kOpening});
  return turn;
}

std::vector<runnel::Token> ScriptedFormat::encodeAnswer(const std::string& text, std::span<const runnel::Token>) const {
  std::vector<runnel::Token> tokens;
  appendWords(tokens, text);
  return tokens;
}

QString ScriptedFormat::fingerprint() const {
  return QStringLiteral("scripted");
}

QStringList ScriptedFormat::words(const QString& text) {
  QStringList words;
  qsizetype start = 0;
  for (qsizetype i = 1; i <= text.size(); ++i) {
    const bool boundary = i == text.size() || (text.at(i).isSpace() && !text.at(i - 1).isSpace());
    if (!boundary) continue;
    words.append(text.mid(start, i - start));
    start = i;
  }
  return words;
}

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: qHash may differ from run to run.
runnel::Token ScriptedFormat::idOf(const QString& word) {
  quint32 hash = 2166136261U;
  for (const QChar unit : word) hash = (hash ^ unit.unicode()) * 16777619U;
  return static_cast<runnel::Token>(100 + hash % 49'000);
}

}  // namespace runnel::app
