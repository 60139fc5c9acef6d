#pragma once

#include <QString>

namespace runnel::app {

/** What distinguishes one tiny model from another. */
struct TinyModel {
  int layers = 2;
  int trainedContext = 4096;
  unsigned seed = 1;   //!< of the weights
  int loudToken = -1;  //!< one that is sampled more often than others; -1: none
  QString chatTemplate = QStringLiteral(
      "{%- if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
      "{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
      "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
};

/** Writes a Hugging Face folder with a random network of the Llama family, a byte-level vocabulary of 1,000 tokens and
 *  a ChatML template, and gives its path. <|im_end|> (token 2) ends an answer, and the network says it only where it is
 *  the loud token: at temperature 0 an answer goes on until something else ends it. */
QString writeTinyModel(const QString& folder, const TinyModel& model = {});

}  // namespace runnel::app
