#include "runnel/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <limits>

#include "cache/kv_cache.h"
#include "cache/ranked_tokens.h"
#include "cache/slot_surprise.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "model/forward.h"
#include "model/loaded_model.h"
#include "model/rope.h"
#include "runnel/error.h"
#include "runnel/likelihood.h"
#include "runnel/threads.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"
#include "threads/thread_pool.h"

namespace runnel {
namespace {

CacheSettings resolved(CacheSettings settings, const ModelFacts& facts) {
  constexpr int default_ctx_size = 4096;
  if (settings.ctx_size == 0) {
    settings.ctx_size =
        facts.trained_context > 0 ? std::min(default_ctx_size, facts.trained_context) : default_ctx_size;
  }
  validate(settings, facts.trained_context, facts.learned_positions);
  return settings;
}

std::shared_ptr<const LoadedModel> with_weights(std::shared_ptr<const Model> model) {
  auto loaded = std::dynamic_pointer_cast<const LoadedModel>(std::move(model));
  if (loaded == nullptr || loaded->weights().layers.empty()) {
    throw Error("The model was opened for its facts alone; it must be loaded before it can be run.");
  }
  return loaded;
}

// Below this the int8 kernels, which need no unpacking, are ahead of AMX.
constexpr int tokens_that_pay_for_bf16 = 32;

// What Session::pin and unpin can be about; sinks and the window follow from the settings.
void check_pinnable(Reason reason) {
  if (reason == Reason::system || reason == Reason::pin) return;
  throw Error("Tokens can be pinned and unpinned for the reasons system and pin; sinks are set by n_keep.");
}

KvShape shape_of(const Config& config) {
  return {.layers = config.n_layers, .kv_heads = config.n_kv_heads, .head_dim = config.head_dim};
}

}  // namespace

class Session::Impl {
 public:
  Impl(std::shared_ptr<const Model> model, const CacheSettings& settings, int threads)
      : model_(with_weights(std::move(model))),
        pool_(threads > 0 ? threads : default_threads()),
        isa_(choose_isa()),
        kernels_(kernels_for(isa_)),
        cache_(shape_of(model_->config()), resolved(settings, model_->facts())),
        forward_(model_->config(), model_->weights(), kernels_, pool_, cache_.table().settings().ctx_size,
                 isa_ == Isa::amx ? tokens_that_pay_for_bf16 : 0),
        surprise_(cache_.table().slots()) {}

  void check_tokens(std::span<const Token> tokens) const {
    for (const Token token : tokens) {
      if (token >= 0 && token < model_->config().n_vocab) continue;
      throw Error("The token " + std::to_string(token) + " is not in the vocabulary, which ends at " +
                  std::to_string(model_->config().n_vocab - 1) + ".");
    }
  }

  // Calls `after(first, count)` for each batch that was evaluated.
  template <typename After>
  void feed(std::span<const Token> tokens, After&& after) {
    check_tokens(tokens);
    for (std::size_t done = 0; done < tokens.size();) {
      make_ready();
      const std::span<const Token> batch = tokens.subspan(done, std::min(most_at_once(), tokens.size() - done));
      evaluate(batch);
      if (learned_) kept_.append(batch);
      after(done, batch.size());
      done += batch.size();
    }
  }

  // With learned positions a batch ends where the cache is full, since the next token moves those that stay.
  std::size_t most_at_once() const {
    const RunTable& table = cache_.table();
    const int room = learned_ ? table.settings().ctx_size - table.cached() : cache_.max_batch();
    return static_cast<std::size_t>(std::min(cache_.max_batch(), room));
  }

  // Learned positions can't be shifted: where tokens were dropped, those behind them are evaluated again at the places
  // that they have now. When that is cancelled, the next `feed` goes on with it.
  void make_ready() {
    if (!learned_) return;
    following([this] {
      if (const auto first = cache_.evict_ahead()) stale_from_ = std::min(stale_from_, *first);
    });
    while (stale_from_ < cache_.table().cached()) {
      if (cancelled_.exchange(false)) throw Cancelled();
      const int count = std::min(cache_.max_batch(), cache_.table().cached() - stale_from_);
      const auto ids = kept_.all().subspan(static_cast<std::size_t>(stale_from_), static_cast<std::size_t>(count));
      if (!forward_.run(ids, cache_.plan_again(stale_from_, count), cache_.memory(), cancelled_)) {
        cancelled_ = false;
        throw Cancelled();
      }
      stale_from_ += count;
    }
    stale_from_ = nothing_stale;
  }

  // Makes a change that drops tokens, after which the ids that stay are kept.
  template <typename Change>
  void following(Change&& change) {
    const std::vector<Run> before(cache_.table().runs().begin(), cache_.table().runs().end());
    change();
    if (learned_) kept_.follow(before, cache_.table().runs());
  }

  void evaluate(std::span<const Token> batch) {
    if (cancelled_.exchange(false)) throw Cancelled();
    const float first_surprise =
        logits_.empty() ? std::numeric_limits<float>::quiet_NaN() : surprise_of(batch.front(), logits_);
    const BatchPlan& plan = cache_.begin_batch(static_cast<int>(batch.size()));
    bool finished = false;
    forget_attention_in(plan.slots);
    surprise_.forget(plan.slots);
    try {
      if (watches_attention_) watch_.begin(cache_.table().slots());
      finished = forward_.run(batch, plan, cache_.memory(), cancelled_, watches_attention_ ? &watch_ : nullptr);
    } catch (...) {  // memory is short
      cache_.abandon();
      throw;
    }
    if (!finished) {
      cache_.abandon();
      cancelled_ = false;
      throw Cancelled();
    }
    cache_.commit();
    if (watches_attention_) attention_ = watch_.mean();
    surprise_.note(plan.slots.front(), first_surprise);
    logits_ = {};
    if (watches_surprise_ && batch.size() > 1) note_surprise(batch, plan.slots);
  }

  static float surprise_of(Token token, std::span<const float> logits) {
    return std::max(0.0F, static_cast<float>(negative_log_likelihood(logits, token)));
  }

  // Of the tokens behind the batch's first; the logits after the last one tell of the next batch's first.
  void note_surprise(std::span<const Token> batch, std::span<const std::int32_t> slots) {
    for (std::size_t done = 0; done < batch.size() && !cancelled_; done += rows_at_once) {
      const std::size_t count = std::min(rows_at_once, batch.size() - done);
      const auto rows = compute_logits(static_cast<int>(done), static_cast<int>(count));
      for (std::size_t row = 0; row < count && done + row + 1 < batch.size(); ++row) {
        const std::size_t next = done + row + 1;
        surprise_.note(slots[next], surprise_of(batch[next], rows[row]));
      }
    }
    if (cancelled_) logits_ = {};
  }

  // What was noted of these slots was of the tokens that they held before.
  void forget_attention_in(std::span<const std::int32_t> slots) {
    if (attention_.empty()) return;
    for (const std::int32_t slot : slots) attention_[static_cast<std::size_t>(slot)] = 0;
  }

  // Logits after some tokens of the last batch, a row each; the last of them are the session's.
  std::vector<std::span<const float>> compute_logits(int first, int count) {
    const std::span<const float> all = forward_.logits(first, count);
    std::vector<std::span<const float>> rows;
    rows.reserve(static_cast<std::size_t>(count));
    for (int row = 0; row < count; ++row) {
      rows.push_back(all.subspan(static_cast<std::size_t>(row) * forward_.logits_stride(),
                                 static_cast<std::size_t>(model_->config().n_vocab)));
    }
    logits_ = rows.back();
    return rows;
  }

  void change(const CacheChange& change) {
    const RunTable& table = cache_.table();
    CacheSettings settings = table.settings();
    settings.ctx_size = change.ctx_size.value_or(settings.ctx_size);
    settings.n_keep = change.n_keep.value_or(settings.n_keep);
    settings.n_discard = change.n_discard.value_or(settings.n_discard);
    settings.kv_type = change.kv_type.value_or(settings.kv_type);
    settings.whole_messages = change.whole_messages.value_or(settings.whole_messages);
    validate(settings, model_->facts().trained_context, learned_);
    table.check_room(settings);
    check_rotation(settings.ctx_size);
    if (settings.n_keep > table.settings().n_keep && table.fed() != table.cached()) {
      throw Error("n_keep can't grow from " + std::to_string(table.settings().n_keep) + " to " +
                  std::to_string(settings.n_keep) +
                  " in this conversation, because its first tokens are no longer in the cache; it must be made anew.");
    }
    const int cached = table.cached();
    const int slots = table.slots();
    const std::vector<Run> before(table.runs().begin(), table.runs().end());
    attention_.clear();
    following([&] { cache_.change(settings); });
    if (table.slots() != slots) surprise_.move(moves(before, table.runs()), table.slots());
    if (change.ctx_size || change.kv_type) cache_.table().forget_evicted();
    if (table.cached() < cached) stale_from_ = std::min(stale_from_, settings.n_keep);
  }

  // What was decided from ctx_size when the conversation began holds for all of it.
  void check_rotation(int ctx_size) const {
    const int present = cache_.table().settings().ctx_size;
    if (ctx_size == present || rotates_alike(model_->config(), present, ctx_size)) return;
    throw Error(
        "ctx_size can't change from " + std::to_string(present) + " to " + std::to_string(ctx_size) +
        " in this conversation, because the model rotates keys differently for it; the cache must be made anew.");
  }

  void back(std::int64_t fed) {
    const RunTable& table = cache_.table();
    if (fed < 0 || fed > table.fed()) {
      throw Error("Can't go back to token " + std::to_string(fed) + " of " + std::to_string(table.fed()) + ".");
    }
    if (fed == table.fed()) return;
    following([&] { cache_.table().back(fed); });
    attention_.clear();
    logits_ = {};
  }

  void reset() {
    cache_.clear();
    attention_.clear();
    surprise_.clear();
    kept_.clear();
    stale_from_ = nothing_stale;
    logits_ = {};
  }

  void save(const std::filesystem::path& path, std::string_view attachment) const {
    SnapshotWriter out(path);
    out.text(model_->facts().fingerprint);
    out.text(attachment);
    cache_.write(out);
    out.list(kept_.all());
    out.value(static_cast<std::int32_t>(stale_from_));
    out.list(logits_);
    out.list(std::span<const float>(surprise_.all()));
    out.commit();
  }

  // Everything is read and checked before anything changes.
  void restore(const std::filesystem::path& path, const std::function<void(const std::string&)>& accept) {
    SnapshotReader in(path);
    if (in.text() != model_->facts().fingerprint)
      throw Error("The snapshot " + path.string() + " is of another model.");
    accept(in.text());
    KvCache cache(shape_of(model_->config()), in, model_->facts().trained_context, learned_);
    check_rotation(cache.table().settings().ctx_size);
    std::vector<Token> kept = in.list<Token>();
    in.require(kept.size() == static_cast<std::size_t>(learned_ ? cache.table().cached() : 0));
    check_tokens(kept);
    const int stale_from = in.value<std::int32_t>();
    in.require(stale_from >= 0);
    std::vector<float> logits = in.list<float>();
    in.require(logits.empty() || logits.size() == static_cast<std::size_t>(model_->config().n_vocab));
    SlotSurprise surprise(0);
    in.require(surprise.assign(in.list<float>(), cache.table().slots()));
    cache_ = std::move(cache);
    surprise_ = std::move(surprise);
    attention_.clear();
    kept_.clear();
    kept_.append(kept);
    stale_from_ = stale_from;
    restored_logits_ = std::move(logits);
    logits_ = restored_logits_;
  }

  static constexpr std::size_t rows_at_once = 16;  // logits of so many tokens read the output matrix once
  static constexpr int nothing_stale = std::numeric_limits<int>::max();

  std::shared_ptr<const LoadedModel> model_;
  bool learned_ = model_->facts().learned_positions;
  ThreadPool pool_;
  Isa isa_;
  const Kernels& kernels_;
  KvCache cache_;
  Forward forward_;
  RankedTokens kept_;               ///< with learned positions
  int stale_from_ = nothing_stale;  ///< rank from which K and V are of former places
  std::span<const float> logits_;
  std::vector<float> restored_logits_;
  bool watches_attention_ = false;
  bool watches_surprise_ = false;
  AttentionWatch watch_;
  std::vector<float> attention_;  ///< of the last token that was watched, [slots]; or empty
  SlotSurprise surprise_;
  std::atomic<bool> cancelled_{false};
};

Session::Session(std::shared_ptr<const Model> model, CacheSettings settings, int threads)
    : impl_(std::make_unique<Impl>(std::move(model), settings, threads)) {}
Session::~Session() = default;

void Session::feed(std::span<const Token> tokens, const Progress& progress) {
  impl_->feed(tokens, [&](std::size_t first, std::size_t count) {
    if (first + count == tokens.size()) impl_->compute_logits(static_cast<int>(count) - 1, 1);
    if (progress) progress(first + count);
  });
}

void Session::feed_all_logits(std::span<const Token> tokens,
                              const std::function<void(std::size_t, std::span<const float>)>& visit) {
  impl_->feed(tokens, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; i += Impl::rows_at_once) {
      const std::size_t n = std::min(Impl::rows_at_once, count - i);
      const std::vector<std::span<const float>> rows = impl_->compute_logits(static_cast<int>(i), static_cast<int>(n));
      for (std::size_t row = 0; row < n; ++row) visit(first + i + row, rows[row]);
    }
  });
}

std::span<const float> Session::logits() const {
  return impl_->logits_;
}

Token Session::next(Sampler& sampler) {
  if (impl_->logits_.empty()) throw Error("There is nothing to go on from: no token has been evaluated yet.");
  const Token token = sampler.sample(impl_->logits_);
  sampler.accept(token);
  return token;
}

void Session::cancel() {
  impl_->cancelled_ = true;
}
void Session::clear_cancel() {
  impl_->cancelled_ = false;
}

bool Session::holds(std::int64_t first, std::int64_t last) const {
  return impl_->cache_.table().holds(first, last);
}

void Session::pin(std::int64_t first, std::int64_t last, Reason reason) {
  check_pinnable(reason);
  impl_->cache_.table().pin(first, last, reason);
}
void Session::unpin(std::int64_t first, std::int64_t last, Reason reason) {
  check_pinnable(reason);
  impl_->cache_.table().unpin(first, last, reason);
}
void Session::begin_message(std::int64_t first) {
  impl_->cache_.table().begin_message(first);
}
void Session::back(std::int64_t fed) {
  impl_->back(fed);
}
bool Session::back_is_exact(std::int64_t fed) const {
  return impl_->cache_.table().back_is_exact(fed);
}
bool Session::back_is_enough(std::int64_t fed) const {
  return impl_->cache_.table().back_is_enough(fed);
}
void Session::set(const CacheChange& change) {
  impl_->change(change);
}

void Session::reset() {
  impl_->reset();
}

void Session::save(const std::filesystem::path& path, std::string_view attachment) const {
  impl_->save(path, attachment);
}
void Session::restore(const std::filesystem::path& path, const std::function<void(const std::string&)>& accept) {
  impl_->restore(path, accept);
}

const CacheSettings& Session::settings() const {
  return impl_->cache_.table().settings();
}
const Model& Session::model() const {
  return *impl_->model_;
}
std::int64_t Session::fed() const {
  return impl_->cache_.table().fed();
}
void Session::watch_attention(bool on) {
  impl_->watches_attention_ = on;
}
void Session::watch_surprise(bool on) {
  impl_->watches_surprise_ = on;
}
CacheTelemetry Session::telemetry() {
  CacheTelemetry telemetry = impl_->cache_.telemetry();
  telemetry.attention = impl_->attention_;
  telemetry.surprise = impl_->surprise_.all();
  return telemetry;
}

}  // namespace runnel
