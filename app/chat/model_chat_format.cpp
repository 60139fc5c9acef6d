#include "app/chat/model_chat_format.h"

#include <utility>

#include "runnel/error.h"

namespace runnel::app {

namespace {

bool hasSystem(const std::vector<runnel::Message>& messages) {
  return messages.size() >= 2 && messages.front().role == "system";
}

std::vector<runnel::Message> withSystemInFirstUser(const std::vector<runnel::Message>& messages) {
  std::vector<runnel::Message> merged(messages.begin() + 1, messages.end());
  merged.front().content = messages.front().content + "\n\n" + merged.front().content;
  return merged;
}

}  // namespace

ModelChatFormat::ModelChatFormat(std::shared_ptr<const runnel::Model> model) : m_model(std::move(model)) {
  const runnel::Tokenizer& tokenizer = m_model->tokenizer();
  if (const auto bos = tokenizer.bos()) m_options.bos_token = tokenizer.bytes(*bos);
  if (const auto eos = tokenizer.eos()) m_options.eos_token = tokenizer.bytes(*eos);
}

runnel::Turn ModelChatFormat::firstTurn(const std::vector<runnel::Message>& messages) const {
  try {
    return runnel::first_turn(m_model->chat_template(), m_model->tokenizer(), messages, m_options);
  } catch (const runnel::Error&) {
    if (!hasSystem(messages)) throw;
    return firstTurn(withSystemInFirstUser(messages));
  }
}

runnel::Turn ModelChatFormat::nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                                       std::optional<runnel::Token> lastFed) const {
  try {
    return runnel::next_turn(m_model->chat_template(), m_model->tokenizer(), messages, lastAnswer, lastFed, m_options);
  } catch (const runnel::Error&) {
    if (!hasSystem(messages)) throw;
    return nextTurn(withSystemInFirstUser(messages), lastAnswer - 1, lastFed);
  }
}

std::vector<runnel::Token> ModelChatFormat::encodeAnswer(const std::string& text) const {
  return m_model->tokenizer().encode(text);
}

QString ModelChatFormat::fingerprint() const {
  return QString::fromStdString(m_model->tokenizer().fingerprint() + " " + m_model->facts().name);
}

}  // namespace runnel::app
