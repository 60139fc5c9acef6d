// Feeds a long text through one streaming cache: how well it is predicted, how fast, and in how much memory. The state
// is kept in a file, so that a run that was interrupted goes on where it stood.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runnel/error.h"
#include "runnel/likelihood.h"
#include "runnel/session.h"

namespace {

using namespace runnel;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::size_t kSegment = 100;  // tokens whose mean −log p is noted

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  std::string model;
  std::string text;
  std::string output;
  std::size_t tokens = 1'000'000;
  std::size_t every = 50'000;
  std::size_t timed = 0;
  int threads = 0;
  CacheSettings cache;
};

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path + " can't be read.");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Pages, from the second number of statm.
std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

/// One text through one cache. What is known of it so far travels in the snapshot of the session.
class LongRun {
 public:
  explicit LongRun(const Options& options)
      : options_(options),
        state_(options.output + ".state"),
        model_(Model::load(options.model, {.threads = options.threads})),
        session_(model_, options.cache, options.threads),
        beside_(model_, options.cache, options.threads) {
    tokens_ = model_->tokenizer().encode(read_file(options.text));
    if (tokens_.size() <= options.tokens) {
      throw Error(fmt::format("{} has {} tokens; {} are needed.", options.text, tokens_.size(), options.tokens + 1));
    }
    tokens_.resize(options.tokens + 1);
    results_ = {
        {"segment", kSegment}, {"means", Json::array()}, {"marks", Json::array()}, {"seconds", 0.0}, {"processes", 0}};
    if (std::filesystem::exists(state_)) {
      session_.restore(state_, [this](const std::string& attachment) { results_ = Json::parse(attachment); });
      sum_ = results_["sum"].get<double>();
      count_ = results_["count"].get<std::size_t>();
      fmt::print("goes on at token {}\n", session_.fed());
    }
    results_["processes"] = results_["processes"].get<int>() + 1;
    sums_.reserve(options.tokens / kSegment + 1);
  }

  // Whether it came to the end.
  bool run() {
    started_ = Clock::now();
    while (fed() < options_.tokens && interrupted == 0) {
      const std::size_t next = std::min(options_.tokens, (fed() / options_.every + 1) * options_.every);
      feed_to(next - std::min(options_.timed, next - fed()));
      if (interrupted != 0) break;
      mark(next);
    }
    keep();
    if (interrupted != 0) return false;
    const std::filesystem::path written = options_.output + ".part";
    if (!(std::ofstream(written) << results_.dump(1) << std::endl))
      throw Error(written.string() + " can't be written.");
    std::filesystem::rename(written, options_.output);
    std::filesystem::remove(state_);
    return true;
  }

 private:
  std::size_t fed() const { return static_cast<std::size_t>(session_.fed()); }

  void feed_to(std::size_t end) {
    while (fed() < end && interrupted == 0) {
      const std::size_t first = fed();
      const std::size_t count = std::min(end - first, std::size_t{4096});
      session_.feed_all_logits(std::span(tokens_).subspan(first, count),
                               [&](std::size_t i, std::span<const float> logits) { score(first + i, logits); });
    }
  }

  // The logits after token `position` predict the next one.
  void score(std::size_t position, std::span<const float> logits) {
    sum_ += negative_log_likelihood(logits, tokens_[position + 1]);
    ++count_;
    if ((position + 2) % kSegment != 0) return;
    sums_.push_back(sum_ / static_cast<double>(count_));
    sum_ = 0;
    count_ = 0;
  }

  // Steps of this cache and of a new one that was fed what this one holds, in turns: a machine that gets slower or
  // faster does so for both.
  void mark(std::size_t end) {
    Json mark{{"at", end}, {"process", results_["processes"]}};
    if (fed() < end) {
      refill_beside();
      std::vector<double> own;
      std::vector<double> fresh;
      while (fed() < end) {
        const bool is_first = fed() % 2 == 0;
        const std::span<const Token> token(&tokens_[fed()], 1);
        if (!is_first) fresh.push_back(timed(beside_, token));
        own.push_back(timed(session_, token));
        score(fed() - 1, session_.logits());
        if (is_first) fresh.push_back(timed(beside_, token));
      }
      mark["step_ms"] = median(own);
      mark["fresh_step_ms"] = median(fresh);
    }
    mark["resident_bytes"] = resident_bytes();
    results_["marks"].push_back(mark);
    keep();
    fmt::print("{} tokens, {:.1f} MB, perplexity of the last {}: {:.2f}{}\n", end,
               mark["resident_bytes"].get<double>() / 1e6, options_.every, recent(),
               mark.contains("step_ms")
                   ? fmt::format(", step {:.3f} ms, of a fresh cache {:.3f} ms", mark["step_ms"].get<double>(),
                                 mark["fresh_step_ms"].get<double>())
                   : std::string());
    std::cout << std::flush;
  }

  static double timed(Session& session, std::span<const Token> token) {
    const auto start = Clock::now();
    session.feed(token);
    return milliseconds_since(start);
  }

  void refill_beside() {
    std::vector<Token> held;
    for (const Run& run : session_.telemetry().runs) {
      const auto first = tokens_.begin() + run.first;
      held.insert(held.end(), first, first + run.length);
    }
    beside_.reset();
    beside_.feed(held);
  }

  double recent() const {
    const auto& means = results_["means"];
    const std::size_t count = std::min(means.size(), options_.every / kSegment);
    double sum = 0;
    for (std::size_t i = means.size() - count; i < means.size(); ++i) sum += means[i].get<double>();
    return std::exp(sum / static_cast<double>(std::max(count, std::size_t{1})));
  }

  void keep() {
    for (const double mean : sums_) results_["means"].push_back(mean);
    sums_.clear();
    results_["seconds"] = results_["seconds"].get<double>() + milliseconds_since(started_) / 1000;
    started_ = Clock::now();
    results_["sum"] = sum_;
    results_["count"] = count_;
    session_.save(state_, results_.dump());
  }

  const Options& options_;
  std::filesystem::path state_;
  std::shared_ptr<const Model> model_;
  Session session_;
  Session beside_;
  std::vector<Token> tokens_;
  Json results_;
  std::vector<double> sums_;
  double sum_ = 0;
  std::size_t count_ = 0;
  Clock::time_point started_;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("MODEL", options.model, "A model file or folder")->required();
  app.add_option("TEXT", options.text, "The text")->required();
  app.add_option("OUTPUT", options.output, "JSON file to write; beside it the state is kept until then")->required();
  app.add_option("--tokens", options.tokens, "How many tokens of the text")->capture_default_str();
  app.add_option("--every", options.every, "Tokens between two marks")->capture_default_str();
  app.add_option("--timed", options.timed, "Steps that are timed before each mark, one token at a time");
  app.add_option("--threads", options.threads, "Threads to compute with");
  app.add_option("--ctx-size", options.cache.ctx_size, "Capacity of the cache")->required();
  app.add_option("--n-keep", options.cache.n_keep, "Attention sinks")->capture_default_str();
  app.add_option("--n-discard", options.cache.n_discard, "Tokens dropped at once")->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Feeds a long text through one streaming cache. Interrupted (Ctrl+C), the next call goes on.");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  try {
    return LongRun(options).run() ? 0 : 130;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
