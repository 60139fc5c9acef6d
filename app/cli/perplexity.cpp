#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/files.h"
#include "app/cli/options.h"
#include "runnel/error.h"
#include "runnel/likelihood.h"

namespace runnel::cli {
namespace {

/// A half-open range of target positions.
struct Range {
  std::size_t from;
  std::size_t to;
};

struct Options {
  CommonOptions common;
  std::string file;
  std::string mode = "stream";
  std::size_t limit = 0;
  std::size_t segment = 512;
  std::string score;
  bool json = false;
};

/// −log p of the tokens that were scored, in order of position.
struct Score {
  std::size_t position;
  double nll;
};

std::vector<Range> parse_ranges(const std::string& text) {
  std::vector<Range> ranges;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    Range range{};
    const char* end = part.data() + part.size();
    const auto first = std::from_chars(part.data(), end, range.from);
    const bool dash = first.ec == std::errc() && first.ptr != end && *first.ptr == '-';
    const auto second = dash ? std::from_chars(first.ptr + 1, end, range.to) : first;
    if (!dash || second.ec != std::errc() || second.ptr != end || range.to < range.from) {
      throw Error("--score must be ranges of positions like 100-199,300-399, and \"" + part + "\" is none.");
    }
    ++range.to;
    ranges.push_back(range);
  }
  return ranges;
}

bool wanted(const std::vector<Range>& ranges, std::size_t position) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(),
                     [position](const Range& range) { return range.from <= position && position < range.to; });
}

/// Scores a text in one of the ways that --mode names.
class Scorer {
 public:
  explicit Scorer(const Options& options)
      : options_(options), model_(load_model(options.common)), ranges_(parse_ranges(options.score)) {
    tokens_ = model_->tokenizer().encode(read_file(options.file));
    if (options.limit > 0 && tokens_.size() > options.limit) tokens_.resize(options.limit);
    if (tokens_.size() < 2) throw Error(options.file + " is too short to score: it has fewer than two tokens.");
  }

  std::vector<Score> run() {
    if (options_.mode == "chunks") return chunks();
    if (options_.mode == "recompute") return recompute();
    return stream(options_.mode == "dense");
  }

 private:
  // Independent pieces of ctx_size; the second half of each is scored, so that every target has that much context.
  // BOS takes the first place where the vocabulary adds it.
  std::vector<Score> chunks() {
    const auto session = open_session(model_, options_.common);
    const auto size = static_cast<std::size_t>(session->settings().ctx_size);
    std::vector<Score> scores;
    for (std::size_t first = 0; first + size <= tokens_.size(); first += size) {
      std::vector<Token> chunk(tokens_.begin() + static_cast<std::ptrdiff_t>(first),
                               tokens_.begin() + static_cast<std::ptrdiff_t>(first + size));
      if (const auto bos = model_->tokenizer().bos(); bos && model_->tokenizer().adds_bos()) chunk.front() = *bos;
      session->reset();
      session->feed(std::span(chunk).first(size / 2 - 1));
      session->feed_all_logits(std::span(chunk).subspan(size / 2 - 1, size - size / 2),
                               [&](std::size_t i, std::span<const float> logits) {
                                 const std::size_t target = size / 2 + i;
                                 if (wanted(ranges_, first + target))
                                   scores.push_back({first + target, negative_log_likelihood(logits, chunk[target])});
                               });
    }
    if (scores.empty())
      throw Error(options_.file + " is shorter than one chunk of ctx_size " + std::to_string(size) + ".");
    return scores;
  }

  std::vector<Score> stream(bool dense) {
    CommonOptions common = options_.common;
    if (dense) {
      common.cache.ctx_size = std::max(static_cast<int>(tokens_.size()), 16);
      common.cache.allow_untrained_ctx = true;
      common.cache.n_discard = 1;
      common.cache.n_keep = 0;
    }
    const auto session = open_session(model_, common);
    std::vector<Score> scores;
    session->feed_all_logits(std::span(tokens_).first(tokens_.size() - 1),
                             [&](std::size_t i, std::span<const float> logits) {
                               if (wanted(ranges_, i + 1))
                                 scores.push_back({i + 1, negative_log_likelihood(logits, tokens_[i + 1])});
                             });
    return scores;
  }

  // Sliding window with recomputation: each target from a fresh cache of the ctx_size tokens before it.
  std::vector<Score> recompute() {
    const auto session = open_session(model_, options_.common);
    const auto size = static_cast<std::size_t>(session->settings().ctx_size);
    std::vector<Score> scores;
    for (std::size_t target = 1; target < tokens_.size(); ++target) {
      if (!wanted(ranges_, target)) continue;
      const std::size_t first = target > size ? target - size : 0;
      session->reset();
      session->feed(std::span(tokens_).subspan(first, target - first));
      scores.push_back({target, negative_log_likelihood(session->logits(), tokens_[target])});
    }
    return scores;
  }

  const Options& options_;
  std::shared_ptr<const Model> model_;
  std::vector<Range> ranges_;
  std::vector<Token> tokens_;
};

double perplexity(std::span<const Score> scores) {
  double sum = 0;
  for (const Score& score : scores) sum += score.nll;
  return std::exp(sum / static_cast<double>(scores.size()));
}

void report(const Options& options, std::span<const Score> scores) {
  nlohmann::ordered_json segments = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < scores.size();) {
    const std::size_t segment = scores[i].position / options.segment;
    std::size_t end = i;
    while (end < scores.size() && scores[end].position / options.segment == segment) ++end;
    segments.push_back({{"from", scores[i].position},
                        {"to", scores[end - 1].position},
                        {"ppl", perplexity(scores.subspan(i, end - i))}});
    i = end;
  }
  const double total = perplexity(scores);
  if (options.json) {
    std::cout << nlohmann::ordered_json{{"ppl", total}, {"tokens", scores.size()}, {"segments", segments}}.dump(2)
              << "\n";
    return;
  }
  for (const auto& segment : segments) {
    fmt::print("{:>9} – {:<9} {:8.3f}\n", segment["from"].get<std::size_t>(), segment["to"].get<std::size_t>(),
               segment["ppl"].get<double>());
  }
  fmt::print("perplexity of {} tokens: {:.4f}\n", scores.size(), total);
}

void run(const Options& options) {
  apply(options.common);
  const std::vector<Score> scores = Scorer(options).run();
  if (scores.empty()) throw Error("--score " + options.score + " names no position of " + options.file + ".");
  report(options, scores);
}

}  // namespace

void add_perplexity(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("perplexity", "Measures how well a model predicts a text");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  command->add_option("--file", options->file, "The text")->required();
  command
      ->add_option(
          "--mode", options->mode,
          "chunks: independent pieces of ctx_size, second halves scored; stream: the rolling cache; recompute: "
          "sliding window with recomputation; dense: an unbounded cache")
      ->capture_default_str()
      ->check(CLI::IsMember({"chunks", "stream", "recompute", "dense"}));
  command->add_option("--limit", options->limit, "Use only so many tokens of the text; 0: all");
  command->add_option("--segment", options->segment, "Length of the segments reported")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--score", options->score, "Score only these target positions, e.g. 100-199,300-399")
      ->check(accepted_by(parse_ranges));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
