#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "runnel/cache.h"
#include "runnel/interval_set.h"

namespace runnel {

/// Which tokens are cached, why, and in which slots: the streaming cache without its numbers (DESIGN §2.1–3, 8, 9).
///
/// Cached tokens stand in feeding order as runs. Free slots form a queue; its entries remember which evicted token they
/// still hold, so that going back finds it there until the slot is written again.
class RunTable {
 public:
  /// Consecutive free slots. `first` ≥ 0: they still hold the tokens from that position on, evicted before token
  /// `when`.
  struct Free {
    std::int32_t slot;
    std::int32_t length;
    std::int64_t first;
    std::int64_t when;
  };

  /// All there is to a table, for snapshots; ranks and reasons of the runs follow from the rest.
  struct State {
    CacheSettings settings;
    std::vector<Run> runs;
    std::vector<Free> free;
    std::vector<Interval> system;
    std::vector<Interval> pins;
    std::vector<std::int64_t> messages;
    std::int64_t fed = 0;
    std::int64_t high = 0;
    std::int64_t border = 0;
    std::int64_t evictions = 0;
  };

  /// `settings` validated.
  explicit RunTable(const CacheSettings& settings);

  /// The table that has this state, which is sound.
  explicit RunTable(const State& state);
  State state() const;
  /// Whether a table can be in this state: every slot in exactly one place, positions in order. Settings validated.
  static bool is_sound(const State& state);

  /// Makes room for one token as `settings` say and gives it a slot, which is returned. O(runs).
  std::int32_t append();

  /// Drops what `append` would drop before the next token; whether that was anything (`last_evicted` tells).
  bool make_room();

  /// Undoes the last `count` calls of append, for a batch that was cancelled: restores what they evicted, and the
  /// number of evictions from before. `high()` keeps counting the tokens, since their slots were written.
  void take_back(std::int64_t count, std::int64_t evictions_before);

  /// Goes back to the state after token `fed` − 1; exact where `back_is_exact`, else a cut. `fed` in [0, fed()].
  void back(std::int64_t fed);
  bool back_is_exact(std::int64_t fed) const;
  /// Whether a conversation can go on after `back(fed)`, as Session::back_is_enough says.
  bool back_is_enough(std::int64_t fed) const;

  /// Whether all tokens of [first, end), which must be some, are cached.
  bool holds(std::int64_t first, std::int64_t end) const;

  /// Exempts [first, end) from eviction, or lifts that. Only `Reason::system` and `Reason::pin`. `pin` throws Error as
  /// Session::pin does.
  void pin(std::int64_t first, std::int64_t end, Reason reason);
  void unpin(std::int64_t first, std::int64_t end, Reason reason);

  /// A message begins at position `first`, which may be one that is yet to be fed. What was known of messages from
  /// there on is forgotten, as it is by `back`.
  void begin_message(std::int64_t first);

  /// Checks that pins leave enough to roll under `settings`; throws Error when not.
  void check_room(const CacheSettings& settings) const;

  /// Takes over ctx_size, n_keep, n_discard, KV type and whole_messages, as the functions below say.
  void change(const CacheSettings& settings);
  void set_n_discard(int n_discard) { settings_.n_discard = n_discard; }
  void set_whole_messages(bool whole) { settings_.whole_messages = whole; }
  /// A smaller n_keep, or any while nothing was evicted.
  void set_n_keep(int n_keep);
  /// Evicts what exceeds the new size (`last_evicted` tells), puts the rest into slots 0, 1, … in cache order and
  /// forgets what was evicted.
  void resize(int ctx_size);
  /// Notes that K and V are rewritten in another type: nothing from before now can be restored.
  void set_kv_type(KvType type);
  /// Notes that K and V were computed anew: nothing from before now can be restored.
  void forget_evicted() { set_border(); }

  std::span<const Run> runs() const { return runs_; }
  /// One past the last slot that holds a token, cached or evicted.
  std::int32_t used_slots() const;
  const CacheSettings& settings() const { return settings_; }
  std::int64_t fed() const { return fed_; }
  std::int64_t high() const { return high_; }
  std::int64_t border() const { return border_; }
  int cached() const { return cached_; }
  int slots() const { return slots_; }
  std::int64_t evictions() const { return evictions_; }
  /// Slot that the next token is written to.
  std::int32_t head() const { return free_.front().slot; }

  /// The tokens that the last append or make_room evicted: how many, and the first and last position (0, −1, −1 when
  /// none).
  struct Evicted {
    std::int32_t tokens = 0;
    std::int64_t first = -1;
    std::int64_t last = -1;
  };
  const Evicted& last_evicted() const { return last_evicted_; }

 private:
  Reason reason_of(std::int64_t position) const;
  bool exempt(Reason reason) const { return reason != Reason::window; }
  int evictable() const;
  int headless_after(int dropped) const;
  bool is_exempt(std::int64_t position) const;
  void evict(int count);
  void cut(std::int64_t fed, bool exact);
  void restore(std::vector<Run>& restored);
  void rebuild_runs();
  void update_ranks();
  void set_border();

  CacheSettings settings_;
  int slots_;
  std::vector<Run> runs_;  ///< in cache order
  std::deque<Free> free_;  ///< front is used next
  IntervalSet system_;
  IntervalSet pins_;
  std::vector<std::int64_t> messages_;  ///< where they begin, ascending
  std::int64_t fed_ = 0;
  std::int64_t high_ = 0;
  std::int64_t border_ = 0;
  std::int64_t evictions_ = 0;
  int cached_ = 0;
  Evicted last_evicted_;
};

}  // namespace runnel
