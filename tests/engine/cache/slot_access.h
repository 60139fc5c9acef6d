#pragma once

#include <cstdint>

#include "cache/kv_cache.h"

namespace runnel {

// moc takes the word "slots" for its keyword inside the classes of a test's source file; these say it elsewhere.

inline int slot_count(const RunTable& table) { return table.slots(); }
inline std::int32_t slot_of(const BatchPlan& plan, int token) { return plan.slots[static_cast<std::size_t>(token)]; }

}  // namespace runnel
