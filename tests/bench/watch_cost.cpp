// What watching costs: steps of a cache that is watched as the window does it and of one that nobody looks at, in
// turns.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <numeric>

#include "runnel/session.h"

namespace {

using namespace runnel;
using Clock = std::chrono::steady_clock;

constexpr double frame_ms = 33;  // the window shows the cache this often, and has one token watched for it

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double step(Session& session, Token token, bool is_shown) {
  const auto start = Clock::now();
  session.watch_attention(is_shown);
  session.feed({&token, 1});
  if (is_shown) session.telemetry();
  return milliseconds_since(start);
}

// Without the hundredths at both ends, so that neither a moment of another program counts nor are the few
// watched steps left out, as a median would.
double trimmed_mean(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto cut = static_cast<std::ptrdiff_t>(values.size() / 100);
  return std::accumulate(values.begin() + cut, values.end() - cut, 0.0) /
         static_cast<double>(std::ssize(values) - 2 * cut);
}

void measure(const std::shared_ptr<const Model>& model, int ctx_size, int steps, int threads) {
  Session watched(model, {.ctx_size = ctx_size}, threads);
  Session plain(model, {.ctx_size = ctx_size}, threads);
  const int n_vocab = model->facts().n_vocab;
  std::vector<Token> tokens(static_cast<std::size_t>(ctx_size + steps));
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = n_vocab / 4 + static_cast<Token>(i * 7919 % static_cast<std::size_t>(n_vocab / 2));
  for (Session* session : {&watched, &plain})
    session->feed(std::span(tokens).first(static_cast<std::size_t>(ctx_size)));
  std::vector<double> with;
  std::vector<double> without;
  double since_frame = frame_ms;  // of the watched cache's own time
  const auto watched_step = [&](Token token) {
    const bool is_shown = since_frame >= frame_ms;
    with.push_back(step(watched, token, is_shown));
    since_frame = (is_shown ? 0 : since_frame) + with.back();
  };
  for (int i = 0; i < steps; ++i) {
    const Token token = tokens[static_cast<std::size_t>(ctx_size + i)];
    if (i % 2 == 0) watched_step(token);
    without.push_back(step(plain, token, false));
    if (i % 2 != 0) watched_step(token);
  }
  fmt::print("ctx_size {:>5}: mean step {:.3f} ms watched, {:.3f} ms not: ratio {:.4f}\n", ctx_size, trimmed_mean(with),
             trimmed_mean(without), trimmed_mean(with) / trimmed_mean(without));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times steps with and without watching where attention goes, in turns.");
  std::string path;
  std::vector<int> sizes{512, 4096};
  int steps = 2000;
  int threads = 0;
  app.add_option("MODEL", path, "A model file or folder")->required();
  app.add_option("--ctx-size", sizes, "Capacities to try")->delimiter(',')->capture_default_str();
  app.add_option("--steps", steps, "Steps of each cache")->capture_default_str();
  app.add_option("--threads", threads, "Threads to compute with");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto model = Model::load(path, {.threads = threads});
    for (const int ctx_size : sizes) measure(model, ctx_size, steps, threads);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
