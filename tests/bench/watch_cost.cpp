// What watching costs: steps of a cache whose attention is watched and of one that nobody looks at, in turns.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "runnel/session.h"

namespace {

using namespace runnel;
using Clock = std::chrono::steady_clock;

constexpr int kFrame = 5;  // tokens between two frames of the window, which takes the telemetry then

double step(Session& session, Token token, bool is_frame) {
  const auto start = Clock::now();
  session.feed({&token, 1});
  if (is_frame) session.telemetry();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const std::shared_ptr<const Model>& model, int ctx_size, int steps, int threads) {
  Session watched(model, {.ctx_size = ctx_size}, threads);
  Session plain(model, {.ctx_size = ctx_size}, threads);
  const int n_vocab = model->facts().n_vocab;
  std::vector<Token> tokens(static_cast<std::size_t>(ctx_size + steps));
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = n_vocab / 4 + static_cast<Token>(i * 7919 % static_cast<std::size_t>(n_vocab / 2));
  watched.watch_attention(true);
  for (Session* session : {&watched, &plain})
    session->feed(std::span(tokens).first(static_cast<std::size_t>(ctx_size)));
  std::vector<double> with;
  std::vector<double> without;
  for (int i = 0; i < steps; ++i) {
    const Token token = tokens[static_cast<std::size_t>(ctx_size + i)];
    const bool is_frame = i % kFrame == 0;
    if (i % 2 == 0) with.push_back(step(watched, token, is_frame));
    without.push_back(step(plain, token, is_frame));
    if (i % 2 != 0) with.push_back(step(watched, token, is_frame));
  }
  fmt::print("ctx_size {:>5}: median step {:.3f} ms watched, {:.3f} ms not: ratio {:.4f}\n", ctx_size, median(with),
             median(without), median(with) / median(without));
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
