#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/options.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  bool json = false;
};

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

nlohmann::ordered_json to_json(const ModelFacts& facts, const CacheSettings& cache) {
  nlohmann::ordered_json types;
  for (const auto& [name, count] : facts.tensor_types) types[name] = count;
  return {{"name", facts.name},
          {"architecture", facts.architecture},
          {"format", facts.format},
          {"quantization", facts.quantization},
          {"parameters", facts.parameters},
          {"file_bytes", facts.file_bytes},
          {"layers", facts.n_layers},
          {"embedding_length", facts.n_embd},
          {"feed_forward_length", facts.n_ff},
          {"heads", facts.n_heads},
          {"kv_heads", facts.n_kv_heads},
          {"head_length", facts.head_dim},
          {"vocabulary", facts.n_vocab},
          {"trained_context", facts.trained_context},
          {"rope", facts.rope},
          {"tokenizer", facts.tokenizer},
          {"chat_template", facts.has_chat_template},
          {"tensor_types", types},
          {"weight_bytes", facts.weight_bytes},
          {"ctx_size", cache.ctx_size},
          {"cache_bytes", cache_bytes(facts, cache)},
          {"cache_bytes_per_token", cache_bytes_per_token(facts, cache.kv_type)}};
}

void print(const ModelFacts& facts, const CacheSettings& cache) {
  const auto line = [](const std::string& name, const std::string& value) { fmt::print("{:<16} {}\n", name, value); };
  std::string types;
  for (const auto& [name, count] : facts.tensor_types)
    types += fmt::format("{}{} × {}", types.empty() ? "" : ", ", count, name);
  line("name", facts.name);
  line("architecture", facts.architecture + ", " + facts.format);
  line("parameters", fmt::format("{:.1f} million, mostly {} ({})", static_cast<double>(facts.parameters) / 1e6,
                                 facts.quantization, types));
  line("file", megabytes(facts.file_bytes));
  line("layers", fmt::format("{} of width {}, feed-forward {}", facts.n_layers, facts.n_embd, facts.n_ff));
  line("attention",
       fmt::format("{} heads of {}, {} for keys and values", facts.n_heads, facts.head_dim, facts.n_kv_heads));
  line("positions", facts.rope);
  line("trained context", facts.trained_context > 0 ? fmt::format("{} tokens", facts.trained_context) : "unknown");
  line("tokenizer", facts.tokenizer);
  line("chat template", facts.has_chat_template ? "its own" : "none (the family's is used)");
  line("memory",
       fmt::format("{} for the weights and {} for a cache of ctx_size {} ({}, {:.1f} kB a token)",
                   megabytes(facts.weight_bytes), megabytes(cache_bytes(facts, cache)), cache.ctx_size,
                   name_of(cache.kv_type), static_cast<double>(cache_bytes_per_token(facts, cache.kv_type)) / 1000));
}

void run(const Options& options) {
  apply(options.common);
  const ModelFacts facts =
      Model::open_without_weights(find_model(options.common.model), load_options(options.common))->facts();
  CacheSettings cache = cache_settings(options.common);
  if (cache.ctx_size == 0) cache.ctx_size = facts.trained_context > 0 ? std::min(4096, facts.trained_context) : 4096;
  validate(cache, facts.trained_context);
  if (options.json) {
    std::cout << to_json(facts, cache).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  } else {
    print(facts, cache);
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "Tells what a model is and how much memory it needs");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
