#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/files.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  std::string messages;
  bool add_generation_prompt = false;
};

std::vector<Message> read_messages(const std::string& path) {
  const nlohmann::json list = nlohmann::json::parse(read_file(path), nullptr, false);
  if (!list.is_array()) throw Error(path + " must hold a JSON list of messages, each with \"role\" and \"content\".");
  std::vector<Message> messages;
  for (const auto& entry : list) {
    const bool right = entry.is_object() && entry.contains("role") && entry["role"].is_string() &&
                       entry.contains("content") && entry["content"].is_string();
    if (!right)
      throw Error(path + ": message " + std::to_string(messages.size() + 1) +
                  " needs a text \"role\" and \"content\".");
    messages.push_back({.role = entry["role"].get<std::string>(), .content = entry["content"].get<std::string>()});
  }
  return messages;
}

void run(const Options& options) {
  apply(options.common);
  const auto model = Model::open_without_weights(find_model(options.common.model));
  if (!model->template_problem().empty()) throw Error(model->template_problem());
  RenderOptions render = render_options(model->tokenizer());
  render.add_generation_prompt = options.add_generation_prompt;
  std::cout << plain(model->chat_template().render(read_messages(options.messages), render)) << std::flush;
}

}  // namespace

void add_render(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("render", "Prints a conversation as the model's chat template writes it");
  add_model_options(*command, options->common);
  command->add_option("--messages", options->messages, "JSON file: a list of {\"role\", \"content\"}")->required();
  command->add_flag("--add-generation-prompt", options->add_generation_prompt, "End with the opening of an answer");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
