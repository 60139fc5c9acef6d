// Whether a model speaks better when what is left of a message is forgotten together with its beginning: a conversation
// is held in a cache that forgets nothing, then predicted through small caches with and without that.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "runnel/answer_reader.h"
#include "runnel/chat.h"
#include "runnel/error.h"
#include "runnel/likelihood.h"
#include "runnel/reasoning.h"
#include "runnel/session.h"
#include "runnel/stop_strings.h"
#include "tests/bench/streaming/json_program.h"

namespace {

using namespace runnel;
using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<int> sizes{256, 512, 1024};
  std::vector<int> discards{1, 16, 64, -1};
  int most_tokens = 7000;
  int threads = 0;
};

constexpr std::string_view topics[] = {"bread",     "glaciers", "chess",       "honey bees",  "the moon", "violins",
                                       "volcanoes", "tea",      "maps",        "lighthouses", "dreams",   "bridges",
                                       "elephants", "clocks",   "earthquakes", "poetry",      "salt",     "railways",
                                       "whales",    "kites",    "deserts",     "paper",       "thunder",  "gardens"};
constexpr std::string_view questions[] = {"What should I know about {}?", "Can you tell me a short story about {}?",
                                          "Give me three facts about {}.", "Why do people like {}?",
                                          "And what did you say about {} before?"};

/// The tokens of a conversation, and where its messages begin and its answers stand.
struct Transcript {
  std::vector<Token> tokens;
  std::vector<std::int64_t> begins;
  std::vector<std::pair<std::int64_t, std::int64_t>> answers;
};

std::string question(std::size_t turn) {
  const std::string_view topic = topics[turn % std::size(topics)];
  return fmt::format(fmt::runtime(questions[turn % std::size(questions)]), topic);
}

class Talk {
 public:
  explicit Talk(const Options& options)
      : options_(options),
        model_(Model::load(options.model, {.threads = options.threads})),
        session_(model_, {.ctx_size = options.most_tokens + 1024, .n_keep = 0, .allow_untrained_ctx = true},
                 options.threads),
        sampler_(SamplerSettings{.repetition_penalty = 1.1F, .temperature = 0.7F, .seed = 7}),
        rendering_(render_options(model_->tokenizer())),
        opening_(static_cast<std::int64_t>(answer_opening(model_->chat_template(), model_->tokenizer(), rendering_))) {}

  Transcript hold() {
    for (std::size_t turn = 0; session_.fed() < options_.most_tokens; ++turn) exchange(question(turn));
    return transcript_;
  }

  const std::shared_ptr<const Model>& model() const { return model_; }

 private:
  void exchange(const std::string& text) {
    const bool is_first = messages_.empty();
    messages_.push_back({.role = "user", .content = text});
    const Turn turn = is_first ? first_turn(model_->chat_template(), model_->tokenizer(), messages_, rendering_)
                               : next_turn(model_->chat_template(), model_->tokenizer(), messages_,
                                           messages_.size() - 2, transcript_.tokens.back(), rendering_);
    transcript_.begins.push_back(session_.fed() + static_cast<std::int64_t>(turn.before_first_user));
    feed(turn.tokens);
    transcript_.begins.push_back(session_.fed() - opening_);
    messages_.push_back({.role = "assistant", .content = answer()});
  }

  std::string answer() {
    const std::int64_t first = session_.fed();
    AnswerReader reader(model_->tokenizer(), stop_marks(model_->chat_template(), model_->tokenizer(), rendering_), {});
    std::string text;
    for (int i = 0; i < 250 && !reader.ended(); ++i) {
      const Token token = session_.next(sampler_);
      text += reader.push(token);
      feed({&token, 1});
    }
    transcript_.answers.emplace_back(first, session_.fed());
    return text + reader.finish();
  }

  void feed(std::span<const Token> tokens) {
    session_.feed(tokens);
    transcript_.tokens.insert(transcript_.tokens.end(), tokens.begin(), tokens.end());
  }

  const Options& options_;
  std::shared_ptr<const Model> model_;
  Session session_;
  Sampler sampler_;
  RenderOptions rendering_;
  std::int64_t opening_;
  std::vector<Message> messages_;
  Transcript transcript_;
};

/// Means over what was predicted after the cache had filled.
struct Means {
  double answers = 0;
  double ends = 0;
  double cached = 0;
};

Means predict(const std::shared_ptr<const Model>& model, const Transcript& transcript, const CacheSettings& settings,
              int threads) {
  Session session(model, settings, threads);
  std::vector<double> nll(transcript.tokens.size(), 0.0);
  Means means;
  std::int64_t readings = 0;
  for (std::size_t message = 0; message < transcript.begins.size(); ++message) {
    const bool is_last = message + 1 == transcript.begins.size();
    const std::int64_t from = message == 0 ? 0 : transcript.begins[message];
    const std::int64_t to =
        is_last ? static_cast<std::int64_t>(transcript.tokens.size()) : transcript.begins[message + 1];
    session.begin_message(transcript.begins[message]);
    const auto tokens =
        std::span(transcript.tokens).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
    session.feed_all_logits(tokens, [&](std::size_t i, std::span<const float> logits) {
      const std::size_t target = static_cast<std::size_t>(from) + i + 1;
      if (target < nll.size()) nll[target] = negative_log_likelihood(logits, transcript.tokens[target]);
    });
    if (from < settings.ctx_size) continue;
    means.cached += session.telemetry().cached;
    ++readings;
  }
  std::int64_t counted = 0;
  std::int64_t answers = 0;
  for (const auto& [first, end] : transcript.answers) {
    if (first < settings.ctx_size) continue;
    for (std::int64_t at = first; at < end - 1; ++at) means.answers += nll[static_cast<std::size_t>(at)];
    means.ends += nll[static_cast<std::size_t>(end) - 1];
    counted += end - 1 - first;
    ++answers;
  }
  means.answers /= static_cast<double>(std::max<std::int64_t>(counted, 1));
  means.ends /= static_cast<double>(std::max<std::int64_t>(answers, 1));
  means.cached /= static_cast<double>(std::max<std::int64_t>(readings, 1));
  return means;
}

Json measure(const Options& options) {
  Talk talk(options);
  const Transcript transcript = talk.hold();
  fmt::print(stderr, "{} tokens in {} messages\n", transcript.tokens.size(), transcript.begins.size());
  Json rows = Json::array();
  for (const int ctx_size : options.sizes) {
    for (const int n_discard : options.discards) {
      for (const bool whole : {false, true}) {
        const Means means =
            predict(talk.model(), transcript, {.ctx_size = ctx_size, .n_discard = n_discard, .whole_messages = whole},
                    options.threads);
        rows.push_back({{"ctx_size", ctx_size},
                        {"n_discard", n_discard},
                        {"whole_messages", whole},
                        {"answers", means.answers},
                        {"ends", means.ends},
                        {"cached", means.cached}});
        fmt::print(stderr, "{}\n", rows.back().dump());
      }
    }
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predicts a conversation with and without forgetting whole messages; prints JSON.");
  Options options;
  app.add_option("MODEL", options.model, "A model file or folder")->required();
  app.add_option("--ctx-size", options.sizes, "Capacities to try")->delimiter(',')->capture_default_str();
  app.add_option("--n-discard", options.discards, "Values to try")->delimiter(',')->capture_default_str();
  app.add_option("--tokens", options.most_tokens, "Length of the conversation")->capture_default_str();
  app.add_option("--threads", options.threads, "Threads to compute with");
  return runnel::print_json(app, argc, argv, [&] { return measure(options); });
}
