#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runnel/cache.h"
#include "runnel/model.h"
#include "runnel/sampler.h"

namespace runnel {

/// Which part of the settings changes; what is absent stays. Naming `ctx_size` or `kv_type`, be it with the present
/// value, makes a border: what was evicted before it is never restored by going back.
struct CacheChange {
  std::optional<int> ctx_size{};
  std::optional<int> n_keep{};
  std::optional<int> n_discard{};
  std::optional<KvType> kv_type{};
  std::optional<bool> whole_messages{};
};

/// One conversation's state: a model, its streaming cache and the logits after the last token.
/// Lives on its owner's thread; only `cancel` may be called from others.
class Session {
 public:
  /// Called between batches with the number of tokens evaluated of those given to `feed`.
  using Progress = std::function<void(std::size_t done)>;

  /// Reserves the cache, and decides what depends on ctx_size (longrope, dynamic NTK). `settings.ctx_size` 0 means
  /// min(4096, trained context). `threads` 0 means default_threads().
  /// Throws Error when a setting is out of range or memory is short.
  Session(std::shared_ptr<const Model> model, CacheSettings settings, int threads = 0);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Evaluates `tokens`, each in [0, n_vocab), evicting as the settings say, in batches. Throws Cancelled when `cancel`
  /// was called; what was evaluated in whole batches stays, a cancelled batch is as if it had never begun. With learned
  /// positions an eviction evaluates the tokens behind the dropped ones again, at their new places; cancelled there,
  /// the eviction stays and the next `feed` goes on. Throws Error (before evaluating anything) when a token is out of
  /// range.
  void feed(std::span<const Token> tokens, const Progress& progress = {});

  /// Evaluates `tokens` and gives the logits of each to `visit` [n_vocab], in order.
  void feed_all_logits(std::span<const Token> tokens,
                       const std::function<void(std::size_t index, std::span<const float>)>& visit);

  /// Logits after the last token fed, [n_vocab]; empty before the first and after `back`.
  std::span<const float> logits() const;

  /// Samples from `logits` and notes the token in the sampler; does not feed it, so that it can be shown first.
  /// Throws Error when there are no logits.
  Token next(Sampler& sampler);

  /// Makes the running or next `feed` throw Cancelled, after at most one batch. Any thread.
  void cancel();
  /// Takes back a `cancel` that no `feed` has met. Owner's thread.
  void clear_cancel();

  /// Whether all tokens at original positions [first, last), which must be some, are in the cache.
  bool holds(std::int64_t first, std::int64_t last) const;

  /// Exempts the tokens at original positions [first, last) from eviction; rotates and moves nothing. Throws Error when
  /// one of them is no longer cached, when less than a quarter of ctx_size would be left to roll, or when `reason` is
  /// neither system nor pin.
  void pin(std::int64_t first, std::int64_t last, Reason reason = Reason::pin);
  /// Lifts pins of this reason in [first, last); unpinning what is not pinned does nothing.
  void unpin(std::int64_t first, std::int64_t last, Reason reason = Reason::pin);

  /// A message begins at original position `first`, that of a token which was fed or is yet to be; what was said of
  /// messages from there on no longer holds, as after `back`. Needed for CacheSettings::whole_messages alone.
  void begin_message(std::int64_t first);

  /// Goes back to the state after token `fed` − 1: exact while no more than the headroom has been written since, a cut
  /// of the newer tokens beyond it (what was evicted meanwhile stays forgotten). Evaluates nothing; there are no logits
  /// until the next `feed`. Throws Error when fed is negative or more than were fed.
  void back(std::int64_t fed);

  /// Whether `back(fed)` would restore everything, evicted tokens included. False for more tokens than were fed.
  bool back_is_exact(std::int64_t fed) const;

  /// Whether a conversation can go on after `back(fed)`: token fed − 1 would be cached, and not only sinks and pins.
  /// Where not, the cache must be made anew.
  bool back_is_enough(std::int64_t fed) const;

  /// Changes settings in place, evaluating nothing. Throws Error when a value is out of range or when the change needs
  /// the cache to be made anew (a larger n_keep after evictions, a ctx_size for which keys are rotated differently);
  /// then nothing has changed.
  void set(const CacheChange& change);

  /// Forgets everything: as after construction.
  void reset();

  /// Writes all that the session knows (keys and values, what the headroom still holds, counters, the last logits) to a
  /// file that appears whole or not at all and that its owner alone can read. `attachment`: what the caller knows of
  /// the conversation. Throws Error naming path and reason.
  void save(const std::filesystem::path& path, std::string_view attachment) const;

  /// Becomes the session that was saved, in its settings; what was forgotten stays so. `accept` is given the attachment
  /// first and may refuse by throwing. Throws Error when the file is missing, damaged, of another model, or of a
  /// ctx_size for which the model rotates keys differently; then nothing has changed.
  void restore(const std::filesystem::path& path, const std::function<void(const std::string& attachment)>& accept);

  const CacheSettings& settings() const;
  const Model& model() const;
  std::int64_t fed() const;

  /// Whether it is noted where the last token of each batch looks, from the next batch on. While this is off, the
  /// telemetry tells what was noted last, and batches cost nothing: so one token in several may be watched.
  void watch_attention(bool on);

  /// Whether it is noted of every token how little it was expected, from the next batch on; costs the logits of every
  /// token. While this is off, it is noted of the first token of each `feed`, as which generated tokens are fed.
  void watch_surprise(bool on);

  /// What the cache holds now; takes the eviction events collected since the last call.
  CacheTelemetry telemetry();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runnel
