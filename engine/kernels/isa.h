#pragma once

#include <string_view>

#include "kernels/isa_levels.h"

namespace runnel {

std::string_view name_of(Isa isa);

/// The highest level that the processor has and the operating system lets us use (CPUID and XCR0).
Isa best_isa();

/// Parses a level by name. Throws Error naming the value and the levels, or when this machine lacks the level.
Isa isa_from(std::string_view name);

/// The level to use: `wanted` when given, else RUNNEL_ISA from the environment, else the best. Throws like `isa_from`.
Isa choose_isa(std::string_view wanted = {});

}  // namespace runnel
