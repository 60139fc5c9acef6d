#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/cli/cache_log.h"
#include "app/cli/commands.h"
#include "app/cli/files.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

using nlohmann::json;

struct Options {
  CommonOptions common;
  std::string script;
  std::string output;
  std::string cache_map;
};

std::vector<json> read_script(const std::string& path) {
  std::vector<json> operations;
  std::istringstream lines(read_file(path));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    json operation = json::parse(line, nullptr, false);
    if (!operation.is_object() || !operation.contains("op")) {
      throw Error(path + ", line " + std::to_string(number) + ": expected a JSON object with \"op\".");
    }
    operations.push_back(std::move(operation));
  }
  return operations;
}

CacheChange change_from(const json& operation) {
  CacheChange change;
  if (operation.contains("ctx_size")) change.ctx_size = operation["ctx_size"].get<int>();
  if (operation.contains("n_keep")) change.n_keep = operation["n_keep"].get<int>();
  if (operation.contains("n_discard")) change.n_discard = operation["n_discard"].get<int>();
  if (operation.contains("whole_messages")) change.whole_messages = operation["whole_messages"].get<bool>();
  if (operation.contains("kv_type")) change.kv_type = kv_type_from(operation["kv_type"].get<std::string>());
  return change;
}

void perform(Session& session, const json& operation) {
  const auto name = operation.at("op").get<std::string>();
  if (name == "feed") {
    session.feed(operation.at("ids").get<std::vector<Token>>());
  } else if (name == "pin") {
    session.pin(operation.at("from").get<std::int64_t>(), operation.at("to").get<std::int64_t>());
  } else if (name == "unpin") {
    session.unpin(operation.at("from").get<std::int64_t>(), operation.at("to").get<std::int64_t>());
  } else if (name == "message") {
    session.begin_message(operation.at("from").get<std::int64_t>());
  } else if (name == "back") {
    session.back(operation.at("to").get<std::int64_t>());
  } else if (name == "set") {
    session.set(change_from(operation));
  } else {
    throw Error("The script's operation \"" + name +
                "\" is not known; it can be feed, pin, unpin, message, back or set.");
  }
}

void run(const Options& options) {
  apply(options.common);
  const auto model = load_model(options.common);
  const auto session = open_session(model, options.common);
  const std::vector<json> operations = read_script(options.script);
  const auto emits = [](const json& operation) { return operation.value("emit", false); };
  const auto rows = static_cast<std::size_t>(std::count_if(operations.begin(), operations.end(), emits));
  NpyWriter output(options.output, rows, static_cast<std::size_t>(model->facts().n_vocab));
  json map = json::array();
  for (const json& operation : operations) {
    perform(*session, operation);
    if (!emits(operation)) continue;
    if (session->logits().empty()) throw Error("The script emits where no token has been evaluated.");
    output.add(session->logits());
    map.push_back(cached_positions(session->telemetry()));
  }
  output.close();
  if (!options.cache_map.empty()) write_file(options.cache_map, map.dump());
}

}  // namespace

void add_replay(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("replay", "Plays a script of cache operations and writes the logits it emits");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  command
      ->add_option("--script", options->script,
                   "File with one JSON object a line: feed, pin, unpin, message, back, set")
      ->required();
  command->add_option("--output", options->output, "NumPy file to write: float32 [emits, vocabulary]")->required();
  command->add_option("--cache-map", options->cache_map,
                      "JSON file to write: for each emit the original positions in the cache");
  command->callback([options] {
    try {
      run(*options);
    } catch (const json::exception& error) {
      throw Error(options->script + " has an operation with a missing member or one of the wrong type.", error.what());
    }
  });
}

}  // namespace runnel::cli
