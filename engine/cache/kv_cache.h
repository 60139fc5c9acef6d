#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cache/kv_memory.h"
#include "runnel/eviction_log.h"
#include "runnel/run_table.h"

namespace runnel {

/// What each query of a batch sees. The keys of the whole batch are written first; a query then looks only at what it
/// would have seen had it come alone (DESIGN §2.7).
struct BatchPlan {
  /// Consecutive slots with consecutive original positions.
  struct Span {
    std::int32_t slot;
    std::int32_t length;
    std::int64_t first;  ///< original position of the first key
  };
  /// The part of a span that one query sees.
  struct Sight {
    std::int32_t span;
    std::int32_t from;      ///< first visible key, counted from the span's start
    std::int32_t to;        ///< one past the last
    std::int32_t rotation;  ///< index into `positions`: where the query is rotated to for these keys
    std::int64_t gap;       ///< positions between these keys and the query that are no longer cached
  };

  std::int64_t first = 0;               ///< original position of the first query
  std::vector<std::int32_t> slots;      ///< [tokens]
  std::vector<std::int32_t> ranks;      ///< [tokens]: cache-relative position of each query
  std::vector<Span> spans;              ///< in cache order
  std::vector<std::size_t> by_slot;     ///< indices of the spans in the order of their slots
  std::vector<Sight> sights;            ///< of all queries, one after the other, spans ascending
  std::vector<std::size_t> sights_end;  ///< [tokens]
  std::vector<std::int64_t> positions;  ///< rotation angles needed; the first [tokens] are the tokens' own positions

  int tokens() const { return static_cast<int>(slots.size()); }
  std::span<const Sight> sights_of(int token) const {
    const std::size_t begin = token == 0 ? 0 : sights_end[static_cast<std::size_t>(token) - 1];
    return std::span(sights).subspan(begin, sights_end[static_cast<std::size_t>(token)] - begin);
  }
};

/// What stays of a conversation: sinks and pins for ever, a rolling window of the newest tokens besides
/// (StreamingLLM, arXiv 2309.17453, section 3.2). Lives on the session's thread.
class KvCache {
 public:
  /// Reserves memory for ctx_size tokens and the headroom, once. `settings` validated. Throws Error when memory is
  /// short.
  KvCache(const KvShape& shape, const CacheSettings& settings);

  /// The cache that `write` wrote. Throws Error when memory is short, or when what stands there is none;
  /// `trained_context` and `learned_positions` as in validate.
  KvCache(const KvShape& shape, SnapshotReader& in, int trained_context, bool learned_positions);
  void write(SnapshotWriter& out) const;

  /// Gives `tokens` tokens (at most `max_batch()`) their slots, evicting before each as the settings say. To be
  /// followed by `commit` or `abandon`.
  const BatchPlan& begin_batch(int tokens);
  /// The batch has been evaluated: its evictions become events.
  void commit();
  /// The batch was cancelled: as if it had never begun, but for its slots.
  void abandon();
  int max_batch() const;

  /// For positions that can't be shifted: drops now what the next token would push out, as an event that tells how many
  /// tokens stand behind the dropped ones and must be evaluated again. Gives the rank of the first of these; nothing
  /// when there was room.
  std::optional<int> evict_ahead();
  /// A batch of the cached tokens at ranks [first, first + count), to be evaluated again into their slots.
  const BatchPlan& plan_again(int first, int count);

  KvMemory& memory() { return memory_; }
  const KvMemory& memory() const { return memory_; }
  RunTable& table() { return table_; }
  const RunTable& table() const { return table_; }

  /// Takes over ctx_size, n_keep, n_discard and KV type, evicting the oldest and copying rows where that asks for it.
  /// All or, when memory is short (throws Error), nothing. `settings` validated, and with enough left to roll.
  void change(const CacheSettings& settings);
  /// Forgets everything: as after construction, in the same memory.
  void clear();

  CacheTelemetry telemetry();

 private:
  struct Eviction {
    std::int64_t at;
    RunTable::Evicted tokens;
    std::int64_t reevaluated = 0;
  };

  void see(std::int64_t position, std::int64_t rank, std::int32_t own);
  void sort_spans();
  void note(const Eviction& eviction);
  double seconds() const;

  KvShape shape_;
  RunTable table_;
  KvMemory memory_;
  BatchPlan plan_;
  std::int64_t evictions_before_ = 0;
  std::vector<Eviction> batch_evictions_;
  EvictionLog log_;
  double started_;
};

}  // namespace runnel
