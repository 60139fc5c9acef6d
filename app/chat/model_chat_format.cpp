#include "app/chat/model_chat_format.h"

#include <utility>

#include "runnel/reasoning.h"

namespace runnel::app {

ModelChatFormat::ModelChatFormat(std::shared_ptr<const runnel::Model> model)
    : m_model(std::move(model)), m_options(runnel::render_options(m_model->tokenizer())) {
  const runnel::Tokenizer& tokenizer = m_model->tokenizer();
  m_stopMarks = runnel::stop_marks(m_model->chat_template(), tokenizer, m_options);
  m_answerOpening = static_cast<qint64>(runnel::answer_opening(m_model->chat_template(), tokenizer, m_options));
}

runnel::Turn ModelChatFormat::firstTurn(const std::vector<runnel::Message>& messages) const {
  return runnel::first_turn(m_model->chat_template(), m_model->tokenizer(), messages, m_options);
}

runnel::Turn ModelChatFormat::nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                                       std::optional<runnel::Token> lastFed) const {
  return runnel::next_turn(m_model->chat_template(), m_model->tokenizer(), messages, lastAnswer, lastFed, m_options);
}

std::vector<runnel::Token> ModelChatFormat::encodeAnswer(const std::string& text,
                                                         std::span<const runnel::Token> before) const {
  const runnel::Tokenizer& tokenizer = m_model->tokenizer();
  const runnel::MarkedText answer = runnel::foreign_answer(runnel::reasoning_opening(tokenizer, before), text);
  if (answer.empty()) return {};
  return before.empty() ? tokenizer.encode(answer) : tokenizer.encode_after(before.back(), answer);
}

QString ModelChatFormat::fingerprint() const {
  return QString::fromStdString(m_model->tokenizer().fingerprint() + " " + m_model->facts().name);
}

}  // namespace runnel::app
