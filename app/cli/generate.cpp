#include <CLI/CLI.hpp>
#include <iostream>

#include "app/cli/cache_log.h"
#include "app/cli/commands.h"
#include "app/cli/files.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  SamplerSettings sampling;
  std::optional<std::string> prompt;
  std::string file;
  std::string cache_log;
  int n = 256;
  bool ignore_eos = false;
};

// The prompt's tokens, BOS first where the vocabulary says so. A model needs at least one token to go on from.
std::vector<Token> prompt_tokens(const Options& options, const Tokenizer& tokenizer) {
  const std::string text = options.prompt ? *options.prompt : read_file(options.file);
  std::vector<Token> tokens = tokenizer.encode(text);
  if (const auto bos = tokenizer.bos(); bos && (tokenizer.adds_bos() || tokens.empty()))
    tokens.insert(tokens.begin(), *bos);
  if (tokens.empty()) throw Error("The prompt is empty, and the vocabulary has no token to begin a text with.");
  return tokens;
}

void run(const Options& options) {
  apply(options.common);
  if (!options.prompt && options.file.empty()) throw CLI::RequiredError("--prompt or --file");
  Sampler sampler(options.sampling);
  CacheLog log(options.cache_log);
  const auto model = load_model(options.common);
  const Tokenizer& tokenizer = model->tokenizer();
  const auto session = open_session(model, options.common);
  const std::vector<Token> prompt = prompt_tokens(options, tokenizer);
  for (const Token token : prompt) sampler.accept(token);
  session->feed(prompt);
  log.add(session->telemetry());
  Detokenizer detokenizer(tokenizer);
  for (int i = 0; i < options.n; ++i) {
    const Token token = session->next(sampler);
    if (tokenizer.is_end_of_generation(token) && !options.ignore_eos) break;
    std::cout << detokenizer.push(token) << std::flush;
    if (!std::cout) throw Error("The text can't be written to standard output any more.");
    session->feed({&token, 1});
    log.add(session->telemetry());
  }
  std::cout << '\n' << std::flush;
  log.finish();
}

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("generate", "Continues a text");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  add_sampling_options(*command, options->sampling);
  CLI::Option* prompt = command->add_option("--prompt", options->prompt, "The text to continue");
  command->add_option("--file", options->file, "A file that holds the text")->excludes(prompt);
  command->add_option("-n", options->n, "Tokens at most")->capture_default_str()->check(CLI::NonNegativeNumber);
  command->add_flag("--ignore-eos", options->ignore_eos, "Go on after the end of generation");
  command->add_option("--cache-log", options->cache_log, "File to write the cache's events to, one JSON object a line");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
