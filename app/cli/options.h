#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "runnel/cache.h"
#include "runnel/model.h"
#include "runnel/sampler.h"
#include "runnel/session.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace runnel::cli {

/// What several subcommands have in common. Lives as long as the program's parser.
struct CommonOptions {
  std::string model;
  int threads = 0;
  std::string isa;
  std::string weight_dtype = "auto";
  std::string compute_dtype = "auto";
  int group_size = 32;
  std::string scheme = "sym";
  std::string kv_type = "f16";
  std::string log_level = "warn";
  bool keep_system = false;
  CacheSettings cache;
  bool n_discard_given = false;  ///< else models with learned positions drop half
};

/// Checks an option's text with a parser that throws Error: what it refuses is a usage error with the parser's
/// sentence.
CLI::Validator accepted_by(const std::function<void(const std::string&)>& parse);

/// MODEL, threads, instruction set, number types, log level.
void add_model_options(CLI::App& command, CommonOptions& options);
/// How weights are rounded to integers.
void add_rounding_options(CLI::App& command, int& group_size, std::string& scheme);
void add_log_option(CLI::App& command, std::string& level);
void add_threads_option(CLI::App& command, int& threads);
/// ctx_size, n_keep, n_discard, KV type, batch.
void add_cache_options(CLI::App& command, CommonOptions& options);
void add_sampling_options(CLI::App& command, SamplerSettings& settings);

/// A path as given, or the name of a file in the model library. Throws Error when there is neither.
std::filesystem::path find_model(const std::string& model);

/// Applies log level and instruction set; to be called before anything else is done with the options.
void apply(const CommonOptions& options);

LoadOptions load_options(const CommonOptions& options);
std::shared_ptr<const Model> load_model(const CommonOptions& options);
CacheSettings cache_settings(const CommonOptions& options);
std::unique_ptr<Session> open_session(const std::shared_ptr<const Model>& model, const CommonOptions& options);

}  // namespace runnel::cli
