#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  CommonOptions common;
  std::vector<int> prefill{128, 512};
  std::vector<int> depths{0};
  int n = 128;
  int rounds = 3;
  bool json = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

// Any ids do for timing; these differ from each other and never are the control tokens at a vocabulary's start.
std::vector<Token> some_tokens(int n, int n_vocab) {
  std::vector<Token> tokens(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    tokens[static_cast<std::size_t>(i)] = n_vocab / 4 + static_cast<Token>(std::int64_t{i} * 7919 % (n_vocab / 2 + 1));
  return tokens;
}

nlohmann::ordered_json bench_prefill(Session& session, int tokens, int rounds) {
  std::vector<double> speeds;
  const std::vector<Token> prompt = some_tokens(tokens, session.model().facts().n_vocab);
  for (int round = 0; round <= rounds; ++round) {
    session.reset();
    const auto start = Clock::now();
    session.feed(prompt);
    if (round > 0) speeds.push_back(tokens / seconds_since(start));  // the first one warms up
  }
  return {{"tokens", tokens}, {"tps", median(speeds)}};
}

nlohmann::ordered_json bench_decode(Session& session, int depth, int n, int rounds) {
  std::vector<double> speeds;
  std::vector<double> gaps;
  const int n_vocab = session.model().facts().n_vocab;
  for (int round = 0; round < rounds; ++round) {
    session.reset();
    session.feed(some_tokens(std::max(depth, 1), n_vocab));
    const auto start = Clock::now();
    for (const Token token : some_tokens(n, n_vocab)) {
      const auto before = Clock::now();
      session.feed({&token, 1});
      gaps.push_back(seconds_since(before) * 1000);
    }
    speeds.push_back(n / seconds_since(start));
  }
  std::sort(gaps.begin(), gaps.end());
  const CacheTelemetry cache = session.telemetry();
  return {{"depth", depth},
          {"cached", cache.cached},
          {"evicted", cache.evicted},
          {"tps", median(speeds)},
          {"gap_ms", {{"p50", quantile(gaps, 0.5)}, {"p99", quantile(gaps, 0.99)}, {"max", gaps.back()}}}};
}

double time_to_first_token(Session& session) {
  constexpr int prompt_tokens = 16;
  session.reset();
  const auto start = Clock::now();
  session.feed(some_tokens(prompt_tokens, session.model().facts().n_vocab));
  SamplerSettings greedy;
  greedy.temperature = 0;
  Sampler sampler(greedy);
  session.next(sampler);
  return seconds_since(start);
}

std::uint64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

void print(const nlohmann::ordered_json& report) {
  for (const auto& row : report["prefill"])
    fmt::print("prefill {:>6} tokens {:10.1f} t/s\n", row["tokens"].get<int>(), row["tps"].get<double>());
  for (const auto& row : report["decode"]) {
    fmt::print("decode at depth {:>6} {:8.1f} t/s   gap p50 {:.2f} ms, p99 {:.2f}, max {:.2f}   {} evicted\n",
               row["depth"].get<int>(), row["tps"].get<double>(), row["gap_ms"]["p50"].get<double>(),
               row["gap_ms"]["p99"].get<double>(), row["gap_ms"]["max"].get<double>(),
               row["evicted"].get<std::int64_t>());
  }
  fmt::print("first token {:.3f} s, peak memory {:.1f} MB, {:.1f} MB read per token, {:.1f} GB/s\n",
             report["ttft_s"].get<double>(), report["peak_rss_bytes"].get<double>() / 1e6,
             report["bytes_per_token"].get<double>() / 1e6, report["read_gbps"].get<double>());
}

void run(Options options) {
  apply(options.common);
  if (options.depths.empty() || options.prefill.empty()) throw Error("Give at least one length for -p and --depth.");
  const auto model = load_model(options.common);
  const auto session = open_session(model, options.common);
  nlohmann::ordered_json report{{"prefill", nlohmann::json::array()}, {"decode", nlohmann::json::array()}};
  report["ttft_s"] = time_to_first_token(*session);
  for (const int tokens : options.prefill) report["prefill"].push_back(bench_prefill(*session, tokens, options.rounds));
  for (const int depth : options.depths)
    report["decode"].push_back(bench_decode(*session, depth, options.n, options.rounds));
  report["peak_rss_bytes"] = peak_rss_bytes();
  const auto bytes = model->facts().weight_bytes;
  report["bytes_per_token"] = bytes;
  report["read_gbps"] = static_cast<double>(bytes) * report["decode"][0]["tps"].get<double>() / 1e9;
  if (options.json) {
    std::cout << report.dump(2) << "\n";
  } else {
    print(report);
  }
}

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Measures speed and memory");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  command->add_option("-p", options->prefill, "Prompt lengths to measure")->delimiter(',')->check(CLI::PositiveNumber);
  command->add_option("-n", options->n, "Tokens to decode")->capture_default_str()->check(CLI::PositiveNumber);
  command
      ->add_option("--depth", options->depths,
                   "Tokens in the cache before decoding; ctx_size or more: full and evicting")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber);
  command->add_option("--rounds", options->rounds, "Rounds of which the median is taken")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
