#pragma once

#include <memory>

#include "app/chat/chat_format.h"
#include "runnel/model.h"

namespace runnel::app {

/** The template and the vocabulary of a loaded model. */
class ModelChatFormat : public ChatFormat {
 public:
  /** Throws Error that says why when the model has no usable vocabulary. */
  explicit ModelChatFormat(std::shared_ptr<const runnel::Model> model);

  runnel::Turn firstTurn(const std::vector<runnel::Message>& messages) const override;
  runnel::Turn nextTurn(const std::vector<runnel::Message>& messages, std::size_t lastAnswer,
                        std::optional<runnel::Token> lastFed) const override;
  std::vector<runnel::Token> encodeAnswer(const std::string& text,
                                          std::span<const runnel::Token> before) const override;
  qint64 answerOpening() const override { return m_answerOpening; }
  const runnel::StopMarks& stopMarks() const override { return m_stopMarks; }
  QString fingerprint() const override;

 private:
  std::shared_ptr<const runnel::Model> m_model;
  runnel::RenderOptions m_options;
  qint64 m_answerOpening = 0;
  runnel::StopMarks m_stopMarks;
};

}  // namespace runnel::app
