#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/cli/cache_log.h"
#include "app/cli/commands.h"
#include "app/cli/files.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  std::string tokens;
  std::string output;
  std::vector<std::int64_t> positions;
  std::string cache_map;
};

std::vector<std::size_t> wanted_positions(const Options& options, std::size_t n) {
  std::vector<std::size_t> positions;
  if (options.positions.empty()) {
    for (std::size_t i = 0; i < n; ++i) positions.push_back(i);
  }
  for (const std::int64_t position : options.positions) {
    if (position < 0 || position >= static_cast<std::int64_t>(n)) {
      throw Error("--positions names " + std::to_string(position) + ", and there are tokens 0 to " +
                  std::to_string(n - 1) + ".");
    }
    positions.push_back(static_cast<std::size_t>(position));
  }
  return positions;
}

// Batches end at the wanted positions when a map is asked for, since the map is the cache's state right then.
void run(const Options& options) {
  apply(options.common);
  const auto model = load_model(options.common);
  const auto session = open_session(model, options.common);
  const std::vector<Token> tokens = read_tokens(options.tokens);
  if (tokens.empty()) throw Error(options.tokens + " holds no tokens.");
  std::vector<std::size_t> positions = wanted_positions(options, tokens.size());
  const bool in_order = std::is_sorted(positions.begin(), positions.end());
  if (!in_order) throw Error("--positions must be ascending.");
  NpyWriter output(options.output, positions.size(), static_cast<std::size_t>(model->facts().n_vocab));
  nlohmann::json map = nlohmann::json::object();
  std::size_t next = 0;
  const auto write_if_wanted = [&](std::size_t index, std::span<const float> logits) {
    for (; next < positions.size() && positions[next] == index; ++next) output.add(logits);
  };
  if (options.cache_map.empty()) {
    session->feed_all_logits(tokens, write_if_wanted);
  } else {
    std::size_t done = 0;
    for (const std::size_t position : positions) {
      session->feed(std::span(tokens).subspan(done, position + 1 - done));
      done = position + 1;
      write_if_wanted(position, session->logits());
      map[std::to_string(position)] = cached_positions(session->telemetry());
    }
    write_file(options.cache_map, map.dump());
  }
  output.close();
}

}  // namespace

void add_logits(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("logits", "Writes the logits after each token, through the streaming cache");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  command->add_option("--tokens", options->tokens, "File of token ids separated by white space")->required();
  command->add_option("--output", options->output, "NumPy file to write: float32 [positions, vocabulary]")->required();
  command->add_option("--positions", options->positions, "Tokens (0-based) whose logits are wanted; default: all")
      ->delimiter(',');
  command->add_option("--cache-map", options->cache_map,
                      "JSON file to write: position → original positions in the cache");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
