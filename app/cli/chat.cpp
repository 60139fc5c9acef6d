#include <fmt/format.h>
#include <histedit.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <span>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "runnel/answer_reader.h"
#include "runnel/error.h"
#include "runnel/reasoning.h"
#include "runnel/stop_strings.h"

namespace runnel::cli {
namespace {

struct Options {
  CommonOptions common;
  SamplerSettings sampling;
  std::string system;
  int n = 1024;
};

std::atomic<Session*> interrupted_session{nullptr};
std::atomic<bool> interrupted{false};

// Ctrl+C stops the answer, not the program; both calls only set atomics.
void interrupt(int) {
  interrupted = true;
  if (Session* session = interrupted_session.load()) session->cancel();
}

/// Reads messages: a line each from a file or pipe, with line editing and history from a terminal.
class Input {
 public:
  Input() : terminal_(isatty(STDIN_FILENO) != 0) {
    if (!terminal_) return;
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, 200);
    editor_ = el_init("runnel-cli", stdin, stdout, stderr);
    el_set(editor_, EL_PROMPT, prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_SIGNAL, 1);
    el_set(editor_, EL_HIST, ::history, history_);
  }
  ~Input() {
    if (editor_ != nullptr) el_end(editor_);
    if (history_ != nullptr) history_end(history_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  bool terminal() const { return terminal_; }

  std::optional<std::string> line() {
    std::string text;
    if (!terminal_) {
      if (!std::getline(std::cin, text)) return std::nullopt;
    } else {
      int count = 0;
      const char* read = el_gets(editor_, &count);
      if (read == nullptr || count <= 0) return std::nullopt;
      HistEvent event;
      history(history_, &event, H_ENTER, read);
      text.assign(read, static_cast<std::size_t>(count));
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
  }

 private:
  static const char* prompt(EditLine*) { return "> "; }

  bool terminal_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
};

/// One conversation in the terminal.
class Conversation {
 public:
  explicit Conversation(const Options& options)
      : options_(options),
        model_(load_model(options.common)),
        tokenizer_(model_->tokenizer()),
        session_(open_session(model_, options.common)),
        answer_opening_(
            static_cast<std::int64_t>(answer_opening(model_->chat_template(), tokenizer_, render_options(tokenizer_)))),
        stop_marks_(stop_marks(model_->chat_template(), tokenizer_, render_options(tokenizer_))),
        sampler_(options.sampling) {
    if (!model_->template_problem().empty()) spdlog::warn("{} A fallback takes its place.", model_->template_problem());
    if (!options.system.empty()) messages_.push_back({.role = "system", .content = options.system});
    interrupted_session = session_.get();
  }
  ~Conversation() { interrupted_session = nullptr; }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void say(const std::string& text, bool show_status) {
    messages_.push_back({.role = "user", .content = text});
    const std::int64_t before = session_->fed();
    const Turn turn = next();
    interrupted = false;
    session_->clear_cancel();
    try {
      feed(turn);
    } catch (const Cancelled&) {
      session_->back(before);
      messages_.pop_back();
      std::cout << "(stopped; the message was taken back)\n";
      return;
    }
    for (const Token token : turn.tokens) sampler_.accept(token);
    last_fed_ = turn.tokens.back();
    answer(turn.tokens);
    if (show_status) status();
  }

 private:
  /// What is kept for ever is pinned before the message, however long, can push it out.
  void feed(const Turn& turn) {
    const std::span<const Token> tokens(turn.tokens);
    const std::size_t kept = options_.common.keep_system ? turn.before_first_user : 0;
    session_->begin_message(session_->fed() + static_cast<std::int64_t>(turn.before_first_user));
    session_->feed(tokens.first(kept));
    if (kept > 0) session_->pin(0, static_cast<std::int64_t>(kept), Reason::system);
    session_->feed(tokens.subspan(kept));
  }

  Turn next() const {
    const RenderOptions options = render_options(tokenizer_);
    const auto last =
        std::find_if(messages_.rbegin(), messages_.rend(), [](const Message& m) { return m.role == "assistant"; });
    if (last == messages_.rend()) return first_turn(model_->chat_template(), tokenizer_, messages_, options);
    const auto index = static_cast<std::size_t>(messages_.rend() - last) - 1;
    return next_turn(model_->chat_template(), tokenizer_, messages_, index, last_fed_, options);
  }

  /// `prompt`: the tokens that it follows.
  void answer(std::span<const Token> prompt) {
    session_->begin_message(session_->fed() - answer_opening_);
    AnswerReader reader(tokenizer_, stop_marks_, reasoning_opening(tokenizer_, prompt));
    std::string text;
    std::vector<Token> ids;  // that were fed
    const auto started = std::chrono::steady_clock::now();
    const auto show = [&text](const std::string& piece) {
      text += piece;
      std::cout << piece << std::flush;
    };
    try {
      while (static_cast<int>(ids.size()) < options_.n && !interrupted && !reader.ended()) {
        const Token token = session_->next(sampler_);
        show(reader.push(token));
        session_->feed({&token, 1});
        ids.push_back(token);
      }
    } catch (const Cancelled&) {
      // The partial answer stays; the token that was cut off was shown but never entered the cache.
    }
    show(reader.finish());
    std::cout << std::endl;
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    answered_ = static_cast<int>(ids.size());
    keep(ids, reader.kept());
    if (!ids.empty()) last_fed_ = ids.back();
    messages_.push_back({.role = "assistant", .content = text});
  }

  /// What the template writes after an answer comes with the next message, so that what the model wrote of it goes,
  /// where the cache can still do without.
  void keep(std::vector<Token>& ids, std::size_t tokens) {
    const auto gone = static_cast<std::int64_t>(ids.size()) - static_cast<std::int64_t>(tokens);
    if (gone <= 0 || !session_->back_is_enough(session_->fed() - gone)) return;
    session_->back(session_->fed() - gone);
    ids.resize(tokens);
  }

  void status() {
    const CacheTelemetry cache = session_->telemetry();
    fmt::print(stderr, "[{}/{} cached, {} evicted, {:.1f} t/s]\n", cache.cached, cache.settings.ctx_size, cache.evicted,
               seconds_ > 0 ? answered_ / seconds_ : 0.0);
  }

  const Options& options_;
  std::shared_ptr<const Model> model_;
  const Tokenizer& tokenizer_;
  std::unique_ptr<Session> session_;
  std::int64_t answer_opening_;
  StopMarks stop_marks_;
  Sampler sampler_;
  std::vector<Message> messages_;
  std::optional<Token> last_fed_;
  double seconds_ = 0;
  int answered_ = 0;
};

void run(const Options& options) {
  apply(options.common);
  Conversation conversation(options);
  Input input;
  std::signal(SIGINT, interrupt);
  if (input.terminal()) std::cout << "Ctrl+C stops an answer, Ctrl+D ends the conversation.\n";
  while (const auto line = input.line()) {
    if (!line->empty()) conversation.say(*line, input.terminal());
  }
  if (input.terminal()) std::cout << "\n";
}

}  // namespace

void add_chat(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("chat", "Holds a conversation in the terminal; a message a line from a pipe");
  add_model_options(*command, options->common);
  add_cache_options(*command, options->common);
  add_sampling_options(*command, options->sampling);
  command->add_option("--system", options->system, "System prompt");
  command->add_option("-n", options->n, "Tokens of an answer at most")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->callback([options] { run(*options); });
}

}  // namespace runnel::cli
