#include "app/cli/options.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "runnel/error.h"
#include "runnel/threads.h"

namespace runnel::cli {
namespace {

namespace fs = std::filesystem;

fs::path library_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
    return fs::path(data) / "runnel/models";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : ".") / ".local/share/runnel/models";
}

}  // namespace

CLI::Validator accepted_by(const std::function<void(const std::string&)>& parse) {
  return {[parse](const std::string& text) {
            try {
              parse(text);
              return std::string();
            } catch (const Error& error) {
              return std::string(error.what());
            }
          },
          ""};
}

void add_model_options(CLI::App& command, CommonOptions& options) {
  command.add_option("MODEL", options.model, "A .gguf file, a Hugging Face folder, or a name in the model library")
      ->required();
  add_threads_option(command, options.threads);
  command.add_option("--isa", options.isa, "Instruction level (default: the best this machine has)")
      ->check(CLI::IsMember({"scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"}));
  command
      .add_option(
          "--weight-dtype", options.weight_dtype,
          "Number type weights are held in: auto (a Hugging Face folder is rounded to int4, a GGUF file stays as it "
          "is), as-is, int4, int8, f16, bf16, f32")
      ->capture_default_str()
      ->check(accepted_by(weight_type_from));
  command
      .add_option("--compute-dtype", options.compute_dtype,
                  "Number type products are computed in: auto, int8 (for weights that are integers), bf16, f32")
      ->capture_default_str()
      ->check(accepted_by(compute_type_from));
  add_rounding_options(command, options.group_size, options.scheme);
  add_log_option(command, options.log_level);
}

void add_rounding_options(CLI::App& command, int& group_size, std::string& scheme) {
  command.add_option("--group-size", group_size, "int4, int8: weights that share a scale; -1: whole rows")
      ->capture_default_str()
      ->check(CLI::IsMember({32, 64, 128, -1}));
  command.add_option("--scheme", scheme, "int4, int8: sym (integers around 0) or asym (around a zero point)")
      ->capture_default_str()
      ->check(accepted_by(scheme_from));
}

void add_log_option(CLI::App& command, std::string& level) {
  command.add_option("--log-level", level, "How much is told on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads to compute with; 0: physical cores within quota and affinity")
      ->check(CLI::Range(0, 1024));
}

void add_cache_options(CLI::App& command, CommonOptions& options) {
  command.add_option("--ctx-size", options.cache.ctx_size,
                     "Capacity of the cache in tokens (default: 4096 or the trained context)");
  command.add_option("--n-keep", options.cache.n_keep, "Attention sinks: first tokens that stay for ever")
      ->capture_default_str();
  command
      .add_option(
          "--n-discard", options.cache.n_discard,
          "Oldest tokens dropped when the cache is full; -1: half, the default for models with learned positions")
      ->capture_default_str()
      ->each([&options](const std::string&) { options.n_discard_given = true; });
  command.add_flag("--keep-system", options.keep_system, "Keep everything before the first user message for ever");
  command.add_option("--kv-type", options.kv_type, "Number type of cached keys and values: f16, bf16, q8, f32")
      ->capture_default_str()
      ->check(accepted_by(kv_type_from));
  command.add_option("--batch", options.cache.batch, "Tokens evaluated at once")->capture_default_str();
  command.add_flag("--whole-messages", options.cache.whole_messages,
                   "Drop what is left of a message whose beginning was dropped, up to a tenth of ctx_size at once");
  command.add_flag("--allow-untrained-ctx", options.cache.allow_untrained_ctx,
                   "Permit a ctx_size above the context the model was trained on");
}

void add_sampling_options(CLI::App& command, SamplerSettings& settings) {
  command.add_option("--temperature", settings.temperature, "0 always takes the likeliest token")
      ->capture_default_str();
  command.add_option("--top-k", settings.top_k, "Keep the k likeliest tokens; 0: off")->capture_default_str();
  command.add_option("--top-p", settings.top_p, "Keep the likeliest tokens up to this probability mass; 1: off")
      ->capture_default_str();
  command.add_option("--min-p", settings.min_p, "Drop tokens below this share of the best probability; 0: off")
      ->capture_default_str();
  command
      .add_option("--repetition-penalty", settings.repetition_penalty,
                  "Above 1 makes recent tokens less likely; 1: off")
      ->capture_default_str();
  command.add_option("--repetition-window", settings.repetition_window, "Recent tokens the penalty looks at; -1: all")
      ->capture_default_str();
  command.add_option("--seed", settings.seed, "The same seed gives the same text (default: a new one each time)");
}

fs::path find_model(const std::string& model) {
  if (fs::exists(model)) return model;
  const fs::path folder = library_folder();
  for (const std::string& name : {model, model + ".gguf"}) {
    if (fs::path(name).is_relative() && fs::exists(folder / name)) return folder / name;
  }
  throw Error("There is no model \"" + model + "\", neither as a path nor in the library " + folder.string() + ".");
}

void apply(const CommonOptions& options) {
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  // The kernels are chosen where a session begins, far from here; the variable is the documented way to force them.
  if (!options.isa.empty()) setenv("RUNNEL_ISA", options.isa.c_str(), 1);
  std::string reason;
  const int threads = default_threads(&reason);
  spdlog::info("Threads by default: {} ({})", threads, reason);
  if (options.threads > threads) {
    spdlog::warn("{} threads were asked for, more than the default of {} ({}); that may be slower.", options.threads,
                 threads, reason);
  }
}

LoadOptions load_options(const CommonOptions& options) {
  return {.weight_dtype = weight_type_from(options.weight_dtype),
          .compute_dtype = compute_type_from(options.compute_dtype),
          .group_size = options.group_size,
          .scheme = scheme_from(options.scheme),
          .threads = options.threads};
}

std::shared_ptr<const Model> load_model(const CommonOptions& options) {
  return Model::load(find_model(options.model), load_options(options));
}

CacheSettings cache_settings(const CommonOptions& options) {
  CacheSettings settings = options.cache;
  settings.kv_type = kv_type_from(options.kv_type);
  return settings;
}

std::unique_ptr<Session> open_session(const std::shared_ptr<const Model>& model, const CommonOptions& options) {
  CacheSettings settings = cache_settings(options);
  if (model->facts().learned_positions && !options.n_discard_given) settings.n_discard = -1;
  return std::make_unique<Session>(model, settings, options.threads);
}

}  // namespace runnel::cli
