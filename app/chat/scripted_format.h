#pragma once

#include <QStringList>

#include "app/chat/chat_format.h"

namespace runnel::app {

/** Words as tokens, and a template in which a turn is: opening, words, closing. For scripted conversations. */
class ScriptedFormat : public ChatFormat {
 public:
  static constexpr runnel::Token kOpening = 1;
  static constexpr runnel::Token kClosing = 2;  //!< ends a generation
  static constexpr char kDefaultSystem[] = "You are a helpful assistant that follows a script.";

  runnel::Turn firstTurn(const std::vector<runnel::Message>& messages) const override;
  runnel::Turn nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                        std::optional<runnel::Token> lastFed) const override;
  std::vector<runnel::Token> encodeAnswer(const std::string& text,
                                          std::span<const runnel::Token> before) const override;
  qint64 answerOpening() const override { return 1; }
  const runnel::StopMarks& stopMarks() const override { return m_stopMarks; }
  QString fingerprint() const override;

  /** `text` in pieces that give it back when joined: each word with the white space before it. */
  static QStringList words(const QString& text);

  /** The id of a word: the same in every run of the program. */
  static runnel::Token idOf(const QString& word);

 private:
  runnel::StopMarks m_stopMarks;  // its words are tokens of their own
};

}  // namespace runnel::app
