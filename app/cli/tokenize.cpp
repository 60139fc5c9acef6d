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
  std::optional<std::string> text;
  std::string file;
  bool special = false;
  bool json = false;
  std::vector<Token> ids;
};

// A piece is bytes and need not be text: shown as it is where it is valid UTF-8, else as hexadecimal bytes.
std::string shown(const std::string& bytes) {
  const nlohmann::json text = bytes;
  try {
    return text.dump();
  } catch (const nlohmann::json::type_error&) {
    std::string hex;
    constexpr char digits[] = "0123456789abcdef";
    for (const char c : bytes) {
      const auto value = static_cast<unsigned char>(c);
      hex += std::string("<") + digits[value >> 4U] + digits[value & 15U] + ">";
    }
    return hex;
  }
}

void run_tokenize(const Options& options) {
  apply(options.common);
  if (!options.text && options.file.empty()) throw CLI::RequiredError("--text or --file");
  const std::string text = options.text ? *options.text : read_file(options.file);
  const auto tokenizer = open_tokenizer(find_model(options.common.model));
  const std::vector<Token> ids = tokenizer->encode(text, options.special);
  if (options.json) {
    std::cout << nlohmann::json(ids).dump() << "\n";
    return;
  }
  for (const Token id : ids) std::cout << id << "\t" << shown(tokenizer->bytes(id)) << "\n";
}

void run_detokenize(const Options& options) {
  apply(options.common);
  const auto tokenizer = open_tokenizer(find_model(options.common.model));
  std::cout << tokenizer->decode(options.ids) << std::flush;
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "Shows the tokens of a text");
  add_model_options(*command, options->common);
  CLI::Option* text = command->add_option("--text", options->text, "The text");
  command->add_option("--file", options->file, "A file that holds the text")->excludes(text);
  command->add_flag("--special", options->special, "Recognize control tokens written in the text");
  command->add_flag("--json", options->json, "Print the ids as JSON");
  command->callback([options] { run_tokenize(*options); });
}

void add_detokenize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("detokenize", "Prints the text that tokens stand for together");
  add_model_options(*command, options->common);
  command->add_option("--ids", options->ids, "Token ids separated by commas")->delimiter(',')->required();
  command->callback([options] { run_detokenize(*options); });
}

}  // namespace runnel::cli
