#include "runnel/run_table.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <string>

#include "runnel/error.h"

namespace runnel {

RunTable::RunTable(const CacheSettings& settings)
    : settings_(settings), slots_(settings.ctx_size + headroom(settings.ctx_size)) {
  free_.push_back({.slot = 0, .length = slots_, .first = -1, .when = 0});
}

RunTable::RunTable(const State& state)
    : settings_(state.settings),
      slots_(state.settings.ctx_size + headroom(state.settings.ctx_size)),
      runs_(state.runs),
      free_(state.free.begin(), state.free.end()),
      messages_(state.messages),
      fed_(state.fed),
      high_(state.high),
      border_(state.border),
      evictions_(state.evictions) {
  for (const Interval& interval : state.system) system_.add(interval.first, interval.end);
  for (const Interval& interval : state.pins) pins_.add(interval.first, interval.end);
  rebuild_runs();
}

RunTable::State RunTable::state() const {
  return {.settings = settings_,
          .runs = runs_,
          .free = {free_.begin(), free_.end()},
          .system = {system_.intervals().begin(), system_.intervals().end()},
          .pins = {pins_.intervals().begin(), pins_.intervals().end()},
          .messages = messages_,
          .fed = fed_,
          .high = high_,
          .border = border_,
          .evictions = evictions_};
}

bool RunTable::is_sound(const State& state) {
  constexpr std::int64_t most = std::int64_t{1} << 60;
  const auto counts = {state.fed, state.high, state.border, state.evictions};
  if (std::ranges::any_of(counts, [](std::int64_t count) { return count < 0 || count > most; })) return false;
  if (state.fed > state.high || state.border > state.high) return false;
  std::vector<bool> taken(static_cast<std::size_t>(state.settings.ctx_size + headroom(state.settings.ctx_size)));
  const auto take = [&taken](std::int32_t slot, std::int32_t length) {
    if (slot < 0 || length < 1 || static_cast<std::size_t>(slot) + static_cast<std::size_t>(length) > taken.size())
      return false;
    const auto first = static_cast<std::size_t>(slot);
    for (std::size_t at = first; at < first + static_cast<std::size_t>(length); ++at) {
      if (taken[at]) return false;
      taken[at] = true;
    }
    return true;
  };
  std::int64_t next = 0;
  std::int64_t cached = 0;
  for (const Run& run : state.runs) {
    if (run.first < next || run.first > most || !take(run.slot, run.length)) return false;
    next = run.first + run.length;
    cached += run.length;
  }
  for (const Free& free : state.free) {
    if (!take(free.slot, free.length) || free.first < -1 || free.first > most) return false;
    if (free.first >= 0 && free.when < free.first + free.length) return false;
  }
  const auto in_order = [&state](const Interval& interval) {
    return interval.first >= 0 && interval.first < interval.end && interval.end <= state.fed;
  };
  const bool ascends = std::ranges::adjacent_find(state.messages, std::greater_equal<>()) == state.messages.end();
  return ascends && next <= state.fed && cached <= state.settings.ctx_size &&
         std::ranges::all_of(state.system, in_order) && std::ranges::all_of(state.pins, in_order) &&
         std::ranges::all_of(taken, [](bool slot) { return slot; });
}

std::int32_t RunTable::used_slots() const {
  std::int32_t used = 0;
  for (const Run& run : runs_) used = std::max(used, run.slot + run.length);
  for (const Free& free : free_) used = std::max(used, free.first < 0 ? 0 : free.slot + free.length);
  return used;
}

Reason RunTable::reason_of(std::int64_t position) const {
  if (position < settings_.n_keep) return Reason::sink;
  if (system_.contains(position)) return Reason::system;
  return pins_.contains(position) ? Reason::pin : Reason::window;
}

int RunTable::evictable() const {
  int count = 0;
  for (const Run& run : runs_) count += exempt(run.reason) ? 0 : run.length;
  return count;
}

bool RunTable::make_room() {
  last_evicted_ = {};
  if (cached_ < settings_.ctx_size) return false;
  const int can = evictable();
  const int wanted = std::min(can, settings_.n_discard == -1 ? std::max(1, can / 2) : settings_.n_discard);
  evict(wanted + (settings_.whole_messages ? headless_after(wanted) : 0));
  return last_evicted_.tokens > 0;
}

// How many more tokens to drop so that the window does not begin inside a message whose beginning is gone. One that
// rolls is left, whatever n_discard.
int RunTable::headless_after(int dropped) const {
  const int most = std::min(evictable() - dropped - 1, settings_.ctx_size / 10);
  std::int64_t oldest = -1;
  int rest = 0;
  std::int64_t end = 0;
  for (const Run& run : runs_) {
    if (exempt(run.reason)) continue;
    const int skipped = std::min(dropped, run.length);
    dropped -= skipped;
    if (skipped == run.length) continue;
    if (oldest < 0) {
      oldest = run.first + skipped;
      const auto next = std::ranges::upper_bound(messages_, oldest);
      const bool begins_here = next == messages_.begin() || *std::prev(next) == oldest;
      if (begins_here || is_exempt(*std::prev(next))) return 0;
      end = next == messages_.end() ? fed_ : *next;
    }
    rest += static_cast<int>(std::clamp<std::int64_t>(end - run.first - skipped, 0, run.length - skipped));
  }
  return std::clamp(rest, 0, std::max(most, 0));
}

// Whether the token at `position` is cached and stays so.
bool RunTable::is_exempt(std::int64_t position) const {
  return std::ranges::any_of(runs_, [&](const Run& run) {
    return exempt(run.reason) && run.first <= position && position < run.first + run.length;
  });
}

void RunTable::begin_message(std::int64_t first) {
  while (!messages_.empty() && messages_.back() >= first) messages_.pop_back();
  messages_.push_back(first);
}

std::int32_t RunTable::append() {
  make_room();
  if (free_.empty()) throw Error("The cache has no free slot.");  // a table that was read and lies about its past
  Free& front = free_.front();
  const std::int32_t slot = front.slot;
  ++front.slot;
  if (front.first >= 0) ++front.first;
  if (--front.length == 0) free_.pop_front();

  const Reason reason = fed_ < settings_.n_keep ? Reason::sink : Reason::window;
  Run* last = runs_.empty() ? nullptr : &runs_.back();
  if (last != nullptr && last->reason == reason && last->first + last->length == fed_ &&
      last->slot + last->length == slot) {
    ++last->length;
  } else {
    runs_.push_back({.first = fed_, .length = 1, .rank = cached_, .slot = slot, .reason = reason});
  }
  ++cached_;
  ++fed_;
  high_ = std::max(high_, fed_);
  return slot;
}

// Drops the oldest `count` tokens that nothing exempts. Looks at each run once, whatever the number of tokens.
void RunTable::evict(int count) {
  int left = count;
  for (Run& run : runs_) {
    if (left == 0) break;
    if (exempt(run.reason)) continue;
    const int n = std::min(left, run.length);
    free_.push_back({.slot = run.slot, .length = n, .first = run.first, .when = fed_});
    if (last_evicted_.tokens == 0) last_evicted_.first = run.first;
    last_evicted_.last = run.first + n - 1;
    last_evicted_.tokens += n;
    run.first += n;
    run.slot += n;
    run.length -= n;
    left -= n;
  }
  std::erase_if(runs_, [](const Run& run) { return run.length == 0; });
  cached_ -= count - left;
  if (count > left) ++evictions_;
  update_ranks();
}

void RunTable::update_ranks() {
  std::int32_t rank = 0;
  for (Run& run : runs_) {
    run.rank = rank;
    rank += run.length;
  }
  cached_ = rank;
}

void RunTable::take_back(std::int64_t count, std::int64_t evictions_before) {
  cut(fed_ - count, true);
  evictions_ = evictions_before;
}

bool RunTable::back_is_exact(std::int64_t fed) const {
  return fed <= fed_ && high_ - fed <= headroom(settings_.ctx_size) && fed >= border_;
}

bool RunTable::back_is_enough(std::int64_t fed) const {
  if (fed > fed_) return false;
  if (back_is_exact(fed) || fed_ == cached_) return true;
  const auto holds_last = [fed](const Run& run) { return run.first < fed && fed <= run.first + run.length; };
  const auto rolls = [fed](const Run& run) { return run.first < fed && run.reason == Reason::window; };
  return std::ranges::any_of(runs_, holds_last) && std::ranges::any_of(runs_, rolls);
}

void RunTable::back(std::int64_t fed) {
  while (!messages_.empty() && messages_.back() >= fed) messages_.pop_back();
  cut(fed, back_is_exact(fed));
}

// Everything from position `fed` on leaves the cache; its slots, evicted tokens' too, go to the front of the queue in
// the order in which they were written. What was evicted since then comes back when `exact`, and can never come back
// otherwise.
void RunTable::cut(std::int64_t fed, bool exact) {
  std::vector<Free> cut_slots;
  std::vector<Run> restored;
  for (Run& run : runs_) {
    const std::int64_t keep = std::clamp<std::int64_t>(fed - run.first, 0, run.length);
    if (keep < run.length) {
      const auto kept = static_cast<std::int32_t>(keep);
      cut_slots.push_back(
          {.slot = run.slot + kept, .length = run.length - kept, .first = run.first + keep, .when = -1});
      run.length = kept;
    }
  }
  std::erase_if(runs_, [](const Run& run) { return run.length == 0; });

  std::deque<Free> queue;
  for (Free entry : free_) {
    const bool since = entry.first >= 0 && entry.when >= fed;
    if (!since) {
      queue.push_back(entry);
      continue;
    }
    const auto older = static_cast<std::int32_t>(std::clamp<std::int64_t>(fed - entry.first, 0, entry.length));
    if (older > 0 && exact) {
      restored.push_back(
          {.first = entry.first, .length = older, .rank = 0, .slot = entry.slot, .reason = Reason::window});
    } else if (older > 0) {
      queue.push_back({.slot = entry.slot, .length = older, .first = -1, .when = 0});
    }
    if (older < entry.length) {
      cut_slots.push_back(
          {.slot = entry.slot + older, .length = entry.length - older, .first = entry.first + older, .when = -1});
    }
  }
  std::sort(cut_slots.begin(), cut_slots.end(), [](const Free& a, const Free& b) { return a.first < b.first; });
  for (auto it = cut_slots.rbegin(); it != cut_slots.rend(); ++it) {
    queue.push_front({.slot = it->slot, .length = it->length, .first = -1, .when = 0});
  }
  free_ = std::move(queue);
  fed_ = fed;
  system_.remove(fed, std::numeric_limits<std::int64_t>::max());
  pins_.remove(fed, std::numeric_limits<std::int64_t>::max());
  restore(restored);
}

void RunTable::restore(std::vector<Run>& restored) {
  runs_.insert(runs_.end(), restored.begin(), restored.end());
  std::sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
  rebuild_runs();
}

// Splits and joins runs so that each has one reason, by the exemptions of now.
void RunTable::rebuild_runs() {
  std::vector<Run> result;
  for (Run run : runs_) {
    while (run.length > 0) {
      std::int64_t change = std::min(system_.next_change(run.first), pins_.next_change(run.first));
      if (run.first < settings_.n_keep) change = std::min<std::int64_t>(change, settings_.n_keep);
      const auto n = static_cast<std::int32_t>(std::min<std::int64_t>(run.length, change - run.first));
      const Reason reason = reason_of(run.first);
      if (!result.empty() && result.back().reason == reason &&
          result.back().first + result.back().length == run.first &&
          result.back().slot + result.back().length == run.slot) {
        result.back().length += n;
      } else {
        result.push_back({.first = run.first, .length = n, .rank = 0, .slot = run.slot, .reason = reason});
      }
      run.first += n;
      run.slot += n;
      run.length -= n;
    }
  }
  runs_ = std::move(result);
  update_ranks();
}

bool RunTable::holds(std::int64_t first, std::int64_t end) const {
  std::int64_t cached = 0;
  for (const Run& run : runs_) {
    cached += std::max<std::int64_t>(0, std::min(end, run.first + run.length) - std::max(first, run.first));
  }
  return first >= 0 && first < end && cached == end - first;
}

void RunTable::pin(std::int64_t first, std::int64_t end, Reason reason) {
  if (!holds(first, end)) {
    throw Error("The tokens " + std::to_string(first) + " to " + std::to_string(end - 1) +
                " can't be pinned, because they are not all in the cache any more.");
  }
  const IntervalSet before_system = system_;
  const IntervalSet before_pins = pins_;
  (reason == Reason::system ? system_ : pins_).add(first, end);
  try {
    check_room(settings_);
  } catch (const Error&) {
    system_ = before_system;
    pins_ = before_pins;
    throw;
  }
  rebuild_runs();
}

void RunTable::unpin(std::int64_t first, std::int64_t end, Reason reason) {
  (reason == Reason::system ? system_ : pins_).remove(first, end);
  rebuild_runs();
}

void RunTable::check_room(const CacheSettings& settings) const {
  IntervalSet all = pins_;
  for (const Interval& interval : system_.intervals()) all.add(interval.first, interval.end);
  const std::int64_t pinned = all.count_from(settings.n_keep);
  const std::int64_t rolling = settings.ctx_size - settings.n_keep - pinned;
  if (pinned > 0 && rolling * 4 < settings.ctx_size) {
    throw Error("Of ctx_size " + std::to_string(settings.ctx_size) + " only " +
                std::to_string(std::max<std::int64_t>(rolling, 0)) + " tokens would be left to roll beside " +
                std::to_string(settings.n_keep) + " sinks and " + std::to_string(pinned) +
                " pinned tokens; at least a quarter must be. Unpin something or raise ctx_size.");
  }
}

void RunTable::change(const CacheSettings& settings) {
  set_n_keep(settings.n_keep);  // before the size, since it decides what a smaller one may evict
  set_n_discard(settings.n_discard);
  set_whole_messages(settings.whole_messages);
  if (settings.ctx_size != settings_.ctx_size) resize(settings.ctx_size);
  if (settings.kv_type != settings_.kv_type) set_kv_type(settings.kv_type);
}

void RunTable::set_n_keep(int n_keep) {
  settings_.n_keep = n_keep;
  rebuild_runs();
}

void RunTable::resize(int ctx_size) {
  settings_.ctx_size = ctx_size;
  last_evicted_ = {};
  if (cached_ > ctx_size) evict(cached_ - ctx_size);
  slots_ = ctx_size + headroom(ctx_size);
  std::int32_t slot = 0;
  for (Run& run : runs_) {
    run.slot = slot;
    slot += run.length;
  }
  free_.clear();
  free_.push_back({.slot = slot, .length = slots_ - slot, .first = -1, .when = 0});
  rebuild_runs();
  set_border();
}

void RunTable::set_kv_type(KvType type) {
  settings_.kv_type = type;
  set_border();
}

void RunTable::set_border() {
  border_ = fed_;
  for (Free& entry : free_) entry.first = -1;
}

}  // namespace runnel
