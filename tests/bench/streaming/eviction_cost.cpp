// What forgetting costs: steps of a cache that evicts and of one that does not, in turns, at equal fill.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "runnel/error.h"
#include "runnel/session.h"
#include "tests/bench/streaming/json_program.h"
#include "tests/bench/streaming/steps.h"

namespace {

using namespace runnel;
using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<int> sizes{256, 1024, 4096};
  std::vector<int> discards{1, 16, 64, -1};
  int steps = 4000;  // so that the 99th percentile rests on the forty slowest
  int threads = 0;
};

/// Two caches that hold equally many tokens in the mean; the one evicts, the other is large enough not to.
class Pair {
 public:
  Pair(const std::shared_ptr<const Model>& model, int ctx_size, int n_discard, int threads)
      : n_vocab_(model->facts().n_vocab),
        evicting_(model, {.ctx_size = ctx_size, .n_discard = n_discard}, threads),
        plain_(model, {.ctx_size = 2 * ctx_size, .allow_untrained_ctx = true}, threads) {
    std::vector<Token> tokens(static_cast<std::size_t>(ctx_size));
    for (Token& token : tokens) token = next_token();
    evicting_.feed(tokens);
    plain_.feed(tokens);
  }

  void step() {
    const std::int64_t evictions = evicting_.telemetry().evictions;
    const Token token = next_token();
    settle_plain(token);
    double own = 0;
    double other = 0;
    if (is_own_first_) own = step_milliseconds(evicting_, token);
    other = step_milliseconds(plain_, token);
    if (!is_own_first_) own = step_milliseconds(evicting_, token);
    is_own_first_ = !is_own_first_;
    const bool evicted = evicting_.telemetry().evictions > evictions;
    (evicted ? evicting_steps : other_steps).push_back(own);
    (evicted ? plain_beside_evicting : plain_beside_other).push_back(other);
    all.push_back(own);
    plain_all.push_back(other);
  }

  /// A step that evicts, with what led there left out.
  void step_at_the_brim() {
    const int left = evicting_.settings().ctx_size - evicting_.telemetry().cached;
    std::vector<Token> tokens(static_cast<std::size_t>(left));
    for (Token& token : tokens) token = next_token();
    evicting_.feed(tokens);
    step();
  }

  std::vector<double> all, plain_all;
  std::vector<double> evicting_steps, plain_beside_evicting;
  std::vector<double> other_steps, plain_beside_other;

 private:
  Token next_token() { return any_token(++drawn_, n_vocab_); }

  int after_next() {
    const CacheTelemetry cache = evicting_.telemetry();
    const CacheSettings& settings = cache.settings;
    if (cache.cached < settings.ctx_size) return cache.cached + 1;
    const int evictable = settings.ctx_size - settings.n_keep;
    return cache.cached + 1 - (settings.n_discard == -1 ? evictable / 2 : settings.n_discard);
  }

  // The plain cache grows with each step and is taken back once it is too large by `play`, to where it is too small by
  // as much: so its steps, but for the one after that, which isn't timed, follow another, and its fill is that of the
  // evicting cache in the mean. Where that has dropped so many at once that both grow side by side until the next time,
  // it is taken back to the same fill.
  void settle_plain(Token token) {
    constexpr int play = 16;
    const int ahead = plain_.telemetry().cached + 1 - after_next();
    if (ahead <= play) return;
    plain_.back(after_next() - (ahead > 2 * play ? 0 : play) - 2);
    plain_.feed({&token, 1});
  }

  int n_vocab_;
  Session evicting_;
  Session plain_;
  int drawn_ = 0;
  bool is_own_first_ = true;
};

Json row(Pair& pair, int ctx_size, int n_discard) {
  Json row{{"ctx_size", ctx_size},
           {"n_discard", n_discard},
           {"evictions", pair.evicting_steps.size()},
           {"p50", quantile(pair.all, 0.5)},
           {"plain_p50", quantile(pair.plain_all, 0.5)},
           {"p99", quantile(pair.all, 0.99)},
           {"plain_p99", quantile(pair.plain_all, 0.99)}};
  if (!pair.evicting_steps.empty())
    row["stall_ms"] = quantile(pair.evicting_steps, 0.5) - quantile(pair.plain_beside_evicting, 0.5);
  return row;
}

Json measure(const Options& options) {
  const auto model = Model::load(options.model, {.threads = options.threads});
  Json rows = Json::array();
  for (const int ctx_size : options.sizes) {
    for (const int n_discard : options.discards) {
      Pair pair(model, ctx_size, n_discard, options.threads);
      // With few evictions there is no median: the evicting cache is filled up again between them.
      for (int i = 0; i < options.steps; ++i) pair.step();
      while (pair.evicting_steps.size() < 20) pair.step_at_the_brim();
      rows.push_back(row(pair, ctx_size, n_discard));
      fmt::print(stderr, "{}\n", rows.back().dump());
    }
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times steps with and without eviction, in turns, at equal fill; prints JSON.");
  Options options;
  app.add_option("MODEL", options.model, "A model file or folder")->required();
  app.add_option("--ctx-size", options.sizes, "Capacities to try")->delimiter(',')->capture_default_str();
  app.add_option("--n-discard", options.discards, "Values to try")->delimiter(',')->capture_default_str();
  app.add_option("--steps", options.steps, "Steps of each cache")->capture_default_str();
  app.add_option("--threads", options.threads, "Threads to compute with");
  return runnel::print_json(app, argc, argv, [&] { return measure(options); });
}
