#include "cache/kv_cache.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "snapshot/run_table_state.h"

namespace runnel {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// How many of the cached tokens come before the original position `position`.
int rank_of_next(std::span<const Run> runs, std::int64_t position) {
  int rank = 0;
  for (const Run& run : runs) {
    rank += static_cast<int>(std::clamp<std::int64_t>(position - run.first, 0, run.length));
  }
  return rank;
}

}  // namespace

KvCache::KvCache(const KvShape& shape, const CacheSettings& settings)
    : shape_(shape), table_(settings), memory_(shape, table_.slots(), settings.kv_type), started_(now()) {}

KvCache::KvCache(const KvShape& shape, SnapshotReader& in, int trained_context, bool learned_positions)
    : shape_(shape),
      table_(read_run_table(in, trained_context, learned_positions)),
      memory_(shape, table_.slots(), table_.settings().kv_type),
      started_(now()) {
  memory_.read(in, table_.used_slots());
}

void KvCache::write(SnapshotWriter& out) const {
  write_run_table(out, table_.state());
  memory_.write(out, table_.used_slots());
}

int KvCache::max_batch() const {
  return std::min(table_.settings().batch, headroom(table_.settings().ctx_size));
}

double KvCache::seconds() const {
  return now() - started_;
}

const BatchPlan& KvCache::begin_batch(int tokens) {
  evictions_before_ = table_.evictions();
  batch_evictions_.clear();
  plan_ = {};
  plan_.first = table_.fed();
  for (const Run& run : table_.runs())
    plan_.spans.push_back({.slot = run.slot, .length = run.length, .first = run.first});
  for (int i = 0; i < tokens; ++i) plan_.positions.push_back(plan_.first + i);
  for (int i = 0; i < tokens; ++i) {
    const std::int64_t position = plan_.first + i;
    const std::int32_t slot = table_.append();
    plan_.slots.push_back(slot);
    if (table_.last_evicted().tokens > 0) batch_evictions_.push_back({.at = position, .tokens = table_.last_evicted()});
    BatchPlan::Span* last = plan_.spans.empty() ? nullptr : &plan_.spans.back();
    const Run& run = table_.runs().back();
    const bool grows = last != nullptr && run.length > 1 && last->first + last->length == position &&
                       last->slot + last->length == slot;
    if (grows) {
      ++last->length;
    } else {
      plan_.spans.push_back({.slot = slot, .length = 1, .first = position});
    }
    see(position, table_.cached() - 1, i);
  }
  sort_spans();
  return plan_;
}

std::optional<int> KvCache::evict_ahead() {
  if (!table_.make_room()) return std::nullopt;
  const int first = rank_of_next(table_.runs(), table_.last_evicted().first);
  note({.at = table_.fed(), .tokens = table_.last_evicted(), .reevaluated = table_.cached() - first});
  table_.forget_evicted();
  return first;
}

const BatchPlan& KvCache::plan_again(int first, int count) {
  plan_ = {};
  for (const Run& run : table_.runs())
    plan_.spans.push_back({.slot = run.slot, .length = run.length, .first = run.first});
  for (const Run& run : table_.runs()) {
    const int from = std::max(first, run.rank);
    const int to = std::min(first + count, run.rank + run.length);
    for (int rank = from; rank < to; ++rank) {
      plan_.slots.push_back(run.slot + rank - run.rank);
      plan_.positions.push_back(run.first + rank - run.rank);
    }
  }
  plan_.first = plan_.positions.front();
  for (int i = 0; i < count; ++i) see(plan_.positions[static_cast<std::size_t>(i)], first + i, i);
  sort_spans();
  return plan_;
}

// Notes what the query at `position`, which is token `own` of the batch and stands at `rank`, sees.
void KvCache::see(std::int64_t position, std::int64_t rank, std::int32_t own) {
  plan_.ranks.push_back(static_cast<std::int32_t>(rank));
  std::size_t span = 0;
  std::int64_t gap_before = 0;
  std::int32_t rotation = own;
  for (const Run& run : table_.runs()) {
    if (run.rank > rank) break;
    while (run.first >= plan_.spans[span].first + plan_.spans[span].length) ++span;
    const std::int64_t gap = (position - run.first) - (rank - run.rank);
    if (gap == 0) {
      rotation = own;
    } else if (gap != gap_before) {
      rotation = static_cast<std::int32_t>(plan_.positions.size());
      plan_.positions.push_back(position - gap);
    }
    gap_before = gap;
    const auto from = static_cast<std::int32_t>(run.first - plan_.spans[span].first);
    plan_.sights.push_back({.span = static_cast<std::int32_t>(span),
                            .from = from,
                            .to = from + std::min(run.length, static_cast<std::int32_t>(rank - run.rank + 1)),
                            .rotation = rotation,
                            .gap = gap});
  }
  plan_.sights_end.push_back(plan_.sights.size());
}

void KvCache::sort_spans() {
  plan_.by_slot.resize(plan_.spans.size());
  std::iota(plan_.by_slot.begin(), plan_.by_slot.end(), std::size_t{0});
  std::ranges::sort(plan_.by_slot, {}, [this](std::size_t span) { return plan_.spans[span].slot; });
}

void KvCache::commit() {
  for (const Eviction& eviction : batch_evictions_) note(eviction);
  batch_evictions_.clear();
}

void KvCache::abandon() {
  table_.take_back(plan_.tokens(), evictions_before_);
  batch_evictions_.clear();
}

void KvCache::note(const Eviction& eviction) {
  log_.note(eviction.at, eviction.tokens, seconds(), eviction.reevaluated);
}

void KvCache::change(const CacheSettings& settings) {
  const bool resized = settings.ctx_size != table_.settings().ctx_size;
  const bool retyped = settings.kv_type != memory_.type();
  RunTable changed = table_;
  changed.change(settings);
  if (resized || retyped) {
    KvMemory memory(shape_, changed.slots(), settings.kv_type);
    memory.copy_from(memory_, moves(table_.runs(), changed.runs()));
    memory_ = std::move(memory);
  }
  if (changed.cached() < table_.cached()) note({.at = table_.fed(), .tokens = changed.last_evicted()});
  table_ = std::move(changed);
}

void KvCache::clear() {
  table_ = RunTable(table_.settings());
  batch_evictions_.clear();
  log_.clear();
  started_ = now();
}

CacheTelemetry KvCache::telemetry() {
  return telemetry_of(table_, log_, memory_.bytes(), memory_.bytes_per_token());
}

}  // namespace runnel
