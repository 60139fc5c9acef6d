#pragma once

#include "runnel/run_table.h"
#include "snapshot/snapshot_reader.h"
#include "snapshot/snapshot_writer.h"

namespace runnel {

void write_run_table(SnapshotWriter& out, const RunTable::State& state);

/// Throws Error when what stands there is no table that obeys the rules of one: sound, its settings in range (validate,
/// to which `trained_context` and `learned_positions` go), enough of it left to roll.
RunTable read_run_table(SnapshotReader& in, int trained_context, bool learned_positions);

}  // namespace runnel
