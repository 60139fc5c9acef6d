#include "snapshot/run_table_state.h"

#include <span>

#include "runnel/error.h"

namespace runnel {
namespace {

void write_settings(SnapshotWriter& out, const CacheSettings& settings) {
  out.value(static_cast<std::int32_t>(settings.ctx_size));
  out.value(static_cast<std::int32_t>(settings.n_keep));
  out.value(static_cast<std::int32_t>(settings.n_discard));
  out.text(name_of(settings.kv_type));
  out.value(static_cast<std::int32_t>(settings.batch));
  out.value(static_cast<std::uint8_t>(settings.allow_untrained_ctx));
  out.value(static_cast<std::uint8_t>(settings.whole_messages));
}

CacheSettings read_settings(SnapshotReader& in, int trained_context, bool learned_positions) {
  CacheSettings settings;
  settings.ctx_size = in.value<std::int32_t>();
  settings.n_keep = in.value<std::int32_t>();
  settings.n_discard = in.value<std::int32_t>();
  settings.kv_type = kv_type_from(in.text());
  settings.batch = in.value<std::int32_t>();
  settings.allow_untrained_ctx = in.value<std::uint8_t>() != 0;
  settings.whole_messages = in.value<std::uint8_t>() != 0;
  validate(settings, trained_context, learned_positions);
  return settings;
}

void write_intervals(SnapshotWriter& out, std::span<const Interval> intervals) {
  out.value(static_cast<std::uint64_t>(intervals.size()));
  for (const Interval& interval : intervals) {
    out.value(interval.first);
    out.value(interval.end);
  }
}

std::vector<Interval> read_intervals(SnapshotReader& in) {
  std::vector<Interval> intervals;
  for (auto left = in.value<std::uint64_t>(); left > 0; --left) {
    const auto first = in.value<std::int64_t>();
    intervals.push_back({.first = first, .end = in.value<std::int64_t>()});
  }
  return intervals;
}

}  // namespace

void write_run_table(SnapshotWriter& out, const RunTable::State& state) {
  write_settings(out, state.settings);
  for (const std::int64_t number : {state.fed, state.high, state.border, state.evictions}) out.value(number);
  out.value(static_cast<std::uint64_t>(state.runs.size()));
  for (const Run& run : state.runs) {
    out.value(run.first);
    out.value(run.length);
    out.value(run.slot);
  }
  out.value(static_cast<std::uint64_t>(state.free.size()));
  for (const RunTable::Free& free : state.free) {
    out.value(free.slot);
    out.value(free.length);
    out.value(free.first);
    out.value(free.when);
  }
  write_intervals(out, state.system);
  write_intervals(out, state.pins);
  out.list(std::span<const std::int64_t>(state.messages));
}

RunTable read_run_table(SnapshotReader& in, int trained_context, bool learned_positions) {
  RunTable::State state;
  state.settings = read_settings(in, trained_context, learned_positions);
  for (std::int64_t* number : {&state.fed, &state.high, &state.border, &state.evictions})
    *number = in.value<std::int64_t>();
  for (auto left = in.value<std::uint64_t>(); left > 0; --left) {
    Run run{.first = in.value<std::int64_t>(), .length = 0, .rank = 0, .slot = 0, .reason = Reason::window};
    run.length = in.value<std::int32_t>();
    run.slot = in.value<std::int32_t>();
    state.runs.push_back(run);
  }
  for (auto left = in.value<std::uint64_t>(); left > 0; --left) {
    RunTable::Free free{.slot = in.value<std::int32_t>(), .length = 0, .first = 0, .when = 0};
    free.length = in.value<std::int32_t>();
    free.first = in.value<std::int64_t>();
    free.when = in.value<std::int64_t>();
    state.free.push_back(free);
  }
  state.system = read_intervals(in);
  state.pins = read_intervals(in);
  state.messages = in.list<std::int64_t>();
  in.require(RunTable::is_sound(state));
  RunTable table(state);
  table.check_room(state.settings);
  return table;
}

}  // namespace runnel
