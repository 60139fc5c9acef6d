#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace runnel {

/// Number type of cached keys and values. q8: 8-bit integers with a scale for each token and head.
enum class KvType : std::uint8_t { f32, f16, bf16, q8 };

/// Parses "f32", "f16", "bf16" or "q8"; throws Error naming the value and what is allowed.
KvType kv_type_from(std::string_view name);
std::string_view name_of(KvType type);

/// Capacity and eviction of the streaming cache (StreamingLLM, Xiao et al. 2023, arXiv 2309.17453, section 3.2).
struct CacheSettings {
  int ctx_size = 0;   ///< capacity in tokens, 16 … ; 0: min(4096, trained context)
  int n_keep = 4;     ///< attention sinks: the first tokens, kept for ever; 0 … ctx_size − 2
  int n_discard = 1;  ///< oldest evictable tokens dropped when full; 1 … ctx_size − n_keep − 1, or -1: half of them
  KvType kv_type = KvType::f16;
  int batch = 512;                   ///< tokens evaluated at once; cut to the headroom
  bool allow_untrained_ctx = false;  ///< permit a ctx_size above the trained context
  /// Once the beginning of a message is dropped, drop the rest of it too, up to a tenth of ctx_size at once.
  bool whole_messages = false;
};

/// Slots reserved beside ctx_size: evicted entries stay readable there for exact batches and for going back.
constexpr int headroom(int ctx_size) {
  return ctx_size / 2 < 512 ? ctx_size / 2 : 512;
}

/// Throws Error that names the setting, its value and the allowed range. `trained_context` in tokens, 0: unknown; with
/// learned positions nothing permits a larger ctx_size.
void validate(const CacheSettings& settings, int trained_context, bool learned_positions = false);

/// Why tokens stay in the cache; the first that holds.
enum class Reason : std::uint8_t { sink, system, pin, window };

/// Cached tokens with consecutive original positions, one reason, and consecutive slots.
struct Run {
  std::int64_t first;   ///< original position of the first token, 0-based since the conversation began
  std::int32_t length;  ///< tokens, at least 1
  std::int32_t rank;    ///< cache-relative position of the first token
  std::int32_t slot;    ///< place in the cache's memory of the first token, 0 … ctx_size + headroom − 1
  Reason reason;
};

/// Tokens that left the cache. Evictions before consecutive tokens merge into one event.
struct EvictionEvent {
  std::int64_t at;               ///< tokens fed when it began
  std::int64_t first;            ///< original position of the first token that was dropped
  std::int64_t last;             ///< … and of the last
  std::int64_t tokens;           ///< how many were dropped
  std::int64_t evictions;        ///< how many evictions the event merges
  double time_s;                 ///< seconds since the session began, when it began
  std::int64_t reevaluated = 0;  ///< tokens behind the dropped ones whose learned positions changed with that
};

/// What the cache holds, as a value that may cross threads.
struct CacheTelemetry {
  CacheSettings settings;
  std::int64_t fed = 0;        ///< tokens of the conversation so far, evicted ones included
  std::int64_t evicted = 0;    ///< of these, no longer cached
  std::int64_t evictions = 0;  ///< how often something was dropped
  int cached = 0;              ///< tokens in the cache now
  int slots = 0;               ///< ctx_size + headroom
  int head = 0;                ///< slot that the next token is written to
  std::size_t bytes = 0;       ///< memory of keys and values, measured
  std::size_t bytes_per_token = 0;
  std::vector<Run> runs;  ///< in cache order
  /// [slots]: how much of the attention of the last token that was watched (Session::watch_attention) went to each
  /// slot, the mean over heads and layers; 0 where another token has been written since. Empty where none was watched
  /// since the cache was last laid out anew or taken back.
  std::vector<float> attention;
  /// [slots]: −ln of the probability that the model gave to the token in each slot before it was fed; NaN where that
  /// isn't known (Session::watch_surprise).
  std::vector<float> surprise;
  /// Since the last telemetry was taken, at most the newest 4,096. The first may be one that was taken before and has
  /// grown since (same `at`).
  std::vector<EvictionEvent> events;
};

}  // namespace runnel
