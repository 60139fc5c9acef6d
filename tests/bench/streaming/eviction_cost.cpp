// What forgetting costs: steps of a cache that evicts and of two that do not, in turns, at equal fill.

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
  int steps = 3000;  // so that the 99th percentile rests on the thirty slowest
  int threads = 0;
};

/// A cache large enough not to evict what it is fed from now on.
Session rival(const std::shared_ptr<const Model>& model, int ctx_size, int n_discard, int threads) {
  return {model, {.ctx_size = 2 * ctx_size, .n_discard = n_discard, .allow_untrained_ctx = true}, threads};
}

/// A cache that evicts, one that has not lost anything yet, and one that has and has room again.
class Trio {
 public:
  Trio(const std::shared_ptr<const Model>& model, int ctx_size, int n_discard, int threads)
      : n_vocab_(model->facts().n_vocab),
        evicting_(model, {.ctx_size = ctx_size, .n_discard = n_discard}, threads),
        fresh_(rival(model, ctx_size, -1, threads)),
        rolled_(rival(model, ctx_size, 8 * ctx_size / 5, threads)) {
    rolled_.feed(any_tokens(2 * ctx_size + 1));  // it evicts with the last of them
    fill_up(0);
  }

  void step() {
    const std::int64_t evictions = evicting_.telemetry().evictions;
    const Times times = round();
    const bool has_evicted = evicting_.telemetry().evictions > evictions;
    steps.push_back(times.evicting);
    fresh_steps.push_back(times.fresh);
    rolled_steps.push_back(times.rolled);
    if (has_evicted) evicting_steps.push_back(times.evicting);
    if (!has_evicted && just_evicted_) next_steps.push_back(times.evicting);
    just_evicted_ = has_evicted;
    settle();
  }

  /// The steps around one that evicts, with most of what led there left out.
  void steps_at_the_brim() {
    fill_up(8);
    for (int i = 0; i < 10; ++i) step();
  }

  std::vector<double> steps, fresh_steps, rolled_steps;  ///< ms
  std::vector<double> evicting_steps;                    ///< of `steps`
  std::vector<double> next_steps;                        ///< those after them that did not evict

 private:
  struct Times {
    double evicting = 0;
    double fresh = 0;
    double rolled = 0;
  };

  Times round() {
    const Token token = any_token(++drawn_, n_vocab_);
    Times times;
    for (int i = 0; i < 3; ++i) {  // each follows each of the others as often
      switch ((drawn_ + (drawn_ / 3 % 2 == 0 ? i : 2 * i)) % 3) {
        case 0:
          times.evicting = step_milliseconds(evicting_, token);
          break;
        case 1:
          times.fresh = step_milliseconds(fresh_, token);
          break;
        default:
          times.rolled = step_milliseconds(rolled_, token);
      }
    }
    return times;
  }

  // Against a cache that is always full the rivals grow with each step: once they hold too much by more than `play`,
  // they are taken back to where it is too little by as much. One that has just dropped many at once grows as they do:
  // they are taken back to what it holds. A round that isn't counted follows, so that all come from a step when they
  // are timed.
  void settle() {
    constexpr int play = 16;
    const int ahead = fresh_.telemetry().cached - evicting_.telemetry().cached;
    if (ahead <= play) return;
    for (Session* session : {&fresh_, &rolled_})
      session->back(session->telemetry().fed - ahead - (ahead > 2 * play ? 0 : play));
    round();
  }

  std::vector<Token> any_tokens(int count) {
    std::vector<Token> tokens(static_cast<std::size_t>(count));
    for (Token& token : tokens) token = any_token(++drawn_, n_vocab_);
    return tokens;
  }

  void fill_up(int but) {
    for (Session* session : {&evicting_, &fresh_, &rolled_}) {
      const int left = evicting_.settings().ctx_size - but - session->telemetry().cached;
      if (left > 0) session->feed(any_tokens(left));
    }
  }

  int n_vocab_;
  Session evicting_;
  Session fresh_;
  Session rolled_;
  int drawn_ = 0;
  bool just_evicted_ = false;
};

// The stall is what a step that evicts takes longer than the next, or where every step evicts, than one of the cache
// that has room again.
Json row(const Trio& trio, int ctx_size, int n_discard) {
  const std::vector<double>& calm = trio.next_steps.empty() ? trio.rolled_steps : trio.next_steps;
  return {{"ctx_size", ctx_size},
          {"n_discard", n_discard},
          {"evictions", trio.evicting_steps.size()},
          {"p50", quantile(trio.steps, 0.5)},
          {"p99", quantile(trio.steps, 0.99)},
          {"rolled_p50", quantile(trio.rolled_steps, 0.5)},
          {"rolled_p99", quantile(trio.rolled_steps, 0.99)},
          {"fresh_p50", quantile(trio.fresh_steps, 0.5)},
          {"fresh_p99", quantile(trio.fresh_steps, 0.99)},
          {"stall_ms", quantile(trio.evicting_steps, 0.5) - quantile(calm, 0.5)}};
}

Json measure(const Options& options) {
  const auto model = Model::load(options.model, {.threads = options.threads});
  Json rows = Json::array();
  for (const int ctx_size : options.sizes) {
    for (const int n_discard : options.discards) {
      Trio trio(model, ctx_size, n_discard, options.threads);
      // With few evictions there is no median: the evicting cache is filled up again between them.
      for (int i = 0; i < options.steps; ++i) trio.step();
      while (trio.evicting_steps.size() < 40) trio.steps_at_the_brim();
      rows.push_back(row(trio, ctx_size, n_discard));
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
