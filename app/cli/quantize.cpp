#include "runnel/quantize.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <stop_token>
#include <thread>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "runnel/error.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  std::string target;
  std::string weight_dtype = "int4";
  bool scale_search = false;
};

/// A bar on standard error, if that is a terminal.
class ProgressBar {
 public:
  ProgressBar() : terminal_(isatty(STDERR_FILENO) != 0) {}
  ~ProgressBar() {
    if (shown_ >= 0) std::cerr << "\r\x1b[K" << std::flush;
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(double done) {
    const int percent = static_cast<int>(done * 100);
    if (!terminal_ || percent == shown_) return;
    shown_ = percent;
    constexpr int width = 40;
    const int filled = percent * width / 100;
    std::cerr << fmt::format("\r[{:#<{}}{:{}}] {} %", "", filled, "", width - filled, percent) << std::flush;
  }

 private:
  bool terminal_;
  int shown_ = -1;
};

/// Turns Ctrl+C and a polite kill into a stop request, so that no half of a file is left behind.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);  // before threads begin, which inherit it
    waiter_ = std::jthread([this](const std::stop_token& ended) {
      const timespec moment{.tv_sec = 0, .tv_nsec = 50'000'000};
      while (!ended.stop_requested()) {
        if (sigtimedwait(&signals_, nullptr, &moment) > 0) source_.request_stop();
      }
    });
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
  std::jthread waiter_;
};

QuantizeOptions quantize_options(const Options& options) {
  QuantizeOptions result{.weight_dtype = weight_type_from(options.weight_dtype),
                         .group_size = options.common.group_size,
                         .scheme = scheme_from(options.common.scheme),
                         .scale_search = options.scale_search,
                         .threads = options.common.threads};
  try {
    check(result);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
  return result;
}

void report(const std::string& target, const QuantizeReport& report) {
  std::string types;
  for (const auto& [name, count] : report.tensor_types)
    types += fmt::format("{}{} × {}", types.empty() ? "" : ", ", count, name);
  fmt::print("{}: {:.1f} MB, {}\n", target, static_cast<double>(report.bytes) / 1e6, types);
  if (!report.has_tokenizer) fmt::print("The source has no tokenizer: the file takes and gives token ids alone.\n");
}

void run(const Options& options) {
  const QuantizeOptions settings = quantize_options(options);
  apply(options.common);
  const StopOnSignal stop;
  QuantizeReport written;
  {
    ProgressBar bar;
    written = quantize(
        find_model(options.common.model), options.target, settings, [&bar](double done) { bar.show(done); },
        stop.token());
  }
  report(options.target, written);
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("quantize", "Saves a model as a GGUF file with weights of fewer bits");
  command
      ->add_option("SRC", options->common.model, "A Hugging Face folder, a .gguf file, or a name in the model library")
      ->required();
  command->add_option("DST", options->target, "The .gguf file to write")->required();
  command
      ->add_option("--weight-dtype", options->weight_dtype,
                   "int4 (Q4_0 or Q4_1, embedding and output Q8_0), int8 (Q8_0), f16, bf16, f32")
      ->capture_default_str()
      ->check(CLI::IsMember({"int4", "int8", "f16", "bf16", "f32"}));
  add_rounding_options(*command, options->common.group_size, options->common.scheme);
  command->add_flag("--scale-search", options->scale_search,
                    "Look for the scale of each group that has the least squared error");
  add_threads_option(*command, options->common.threads);
  add_log_option(*command, options->common.log_level);
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
