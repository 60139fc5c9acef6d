#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "runnel/error.h"

namespace {

constexpr int usage_error = 2;

// On one line, whatever a file's name may hold.
int fail(std::string message) {
  std::replace_if(message.begin(), message.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  std::cerr << "runnel-cli: error: " << message << "\n";
  return 1;
}

// CLI11 misses a subcommand before it looks at what stands in its place.
int refuse_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> rest = app.remaining();
  if (app.get_subcommands().empty() && !rest.empty()) {
    std::cerr << "There is no subcommand \"" << rest.front() << "\"; runnel-cli --help lists them.\n";
  } else {
    app.exit(error);
  }
  return usage_error;
}

int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    return refuse_usage(app, error);
  } catch (const runnel::Error& error) {
    if (!error.context().empty()) spdlog::debug("{}", error.context());
    return fail(error.what());
  } catch (const std::bad_alloc&) {
    return fail("There is not enough memory for this; choose a smaller model or ctx_size.");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("runnel"));
  spdlog::set_pattern("runnel-cli: %l: %v");
  CLI::App app("Runs language models on this computer, in conversations without end.", "runnel-cli");
  app.set_version_flag("--version", "runnel-cli " RUNNEL_VERSION);
  app.require_subcommand(1);
  runnel::cli::add_inspect(app);
  runnel::cli::add_tokenize(app);
  runnel::cli::add_detokenize(app);
  runnel::cli::add_render(app);
  runnel::cli::add_generate(app);
  runnel::cli::add_chat(app);
  runnel::cli::add_logits(app);
  runnel::cli::add_replay(app);
  runnel::cli::add_perplexity(app);
  runnel::cli::add_bench(app);
  runnel::cli::add_quantize(app);
  return run(app, argc, argv);
}
