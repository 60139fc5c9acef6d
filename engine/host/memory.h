#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace runnel {

/// Memory that can be taken without swapping or being killed, in bytes: what the system calls available, and no more
/// than the tightest control group of this process leaves (versions 1 and 2, its own group and those above it). What
/// the kernel can give back (page cache, reclaimable slabs) counts as available. Nothing when the system does not say.
/// Reads below `root`, "/" on a real system.
std::optional<std::size_t> available_memory(const std::filesystem::path& root = "/");

}  // namespace runnel
