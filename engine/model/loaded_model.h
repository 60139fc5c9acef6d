#pragma once

#include <memory>
#include <string>

#include "model/config.h"
#include "model/weights.h"
#include "runnel/model.h"

namespace runnel {

/// A model in memory, as Session sees it.
class LoadedModel : public Model {
 public:
  LoadedModel(Config config, ModelFacts facts) : config_(std::move(config)), facts_(std::move(facts)) {}

  const ModelFacts& facts() const override { return facts_; }
  const Tokenizer& tokenizer() const override;
  const ChatTemplate& chat_template() const override { return *template_; }
  const std::string& template_problem() const override { return facts_.template_problem; }

  const Config& config() const { return config_; }
  const Weights& weights() const { return weights_; }

 private:
  friend class ModelLoader;

  Config config_;
  ModelFacts facts_;
  Weights weights_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string tokenizer_problem_;  ///< why there is none
  std::unique_ptr<ChatTemplate> template_;
};

}  // namespace runnel
