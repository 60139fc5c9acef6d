// What it costs that a cache consists of many runs: steps of a cache with many pins and of one without, in turns, at
// equal fill.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "runnel/error.h"
#include "runnel/session.h"
#include "tests/bench/streaming/json_program.h"
#include "tests/bench/streaming/steps.h"

namespace {

using namespace runnel;
using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  int ctx_size = 512;
  std::vector<int> pins{0, 6, 14, 30, 62};
  int steps = 4000;
  int threads = 0;
};

constexpr int pin_length = 2;
constexpr int sinks = 4;

/// Full, and rolled until nothing is left between the pins, each of which then is a run of its own.
std::unique_ptr<Session> rolled(const std::shared_ptr<const Model>& model, const Options& options, int pins) {
  auto session =
      std::make_unique<Session>(model, CacheSettings{.ctx_size = options.ctx_size, .n_keep = sinks}, options.threads);
  const int n_vocab = model->facts().n_vocab;
  std::vector<Token> tokens;
  for (int i = 0; i < 2 * options.ctx_size; ++i) tokens.push_back(any_token(i, n_vocab));
  const auto half = tokens.begin() + options.ctx_size;
  session->feed({tokens.begin(), half});
  const int step = (options.ctx_size - sinks) / std::max(1, pins);
  for (int pin = 0; pin < pins; ++pin) {
    const int first = sinks + pin * step + 1;
    session->pin(first, first + pin_length);
  }
  session->feed({half, tokens.end()});
  return session;
}

Json measure(const Options& options) {
  const auto model = Model::load(options.model, {.threads = options.threads});
  Json rows = Json::array();
  for (const int pins : options.pins) {
    const auto many = rolled(model, options, pins);
    const auto few = rolled(model, options, 0);
    std::vector<double> with;
    std::vector<double> without;
    for (int i = 0; i < options.steps; ++i) {
      const Token token = any_token(i, model->facts().n_vocab);
      if (i % 2 == 0) with.push_back(step_milliseconds(*many, token));
      without.push_back(step_milliseconds(*few, token));
      if (i % 2 != 0) with.push_back(step_milliseconds(*many, token));
    }
    rows.push_back({{"ctx_size", options.ctx_size},
                    {"runs", many->telemetry().runs.size()},
                    {"plain_runs", few->telemetry().runs.size()},
                    {"p50", quantile(with, 0.5)},
                    {"plain_p50", quantile(without, 0.5)}});
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times steps of a cache in many runs and of one in few, in turns, at equal fill; prints JSON.");
  Options options;
  app.add_option("MODEL", options.model, "A model file or folder")->required();
  app.add_option("--ctx-size", options.ctx_size, "Capacity")->capture_default_str();
  app.add_option("--pins", options.pins, "How many pairs of tokens to pin")->delimiter(',')->capture_default_str();
  app.add_option("--steps", options.steps, "Steps of each cache")->capture_default_str();
  app.add_option("--threads", options.threads, "Threads to compute with");
  return runnel::print_json(app, argc, argv, [&] { return measure(options); });
}
