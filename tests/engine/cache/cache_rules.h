#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "runnel/cache.h"

namespace runnel {

/// What must be cached, by the rules alone: a list of positions, nothing about slots, runs or numbers. The definition
/// that the cache is tested against.
struct CacheRules {
  int ctx;
  int keep;
  int discard;
  std::int64_t n = 0;                                         ///< tokens fed
  std::vector<std::int64_t> items{};                          ///< cached, ascending
  std::vector<std::pair<std::int64_t, std::int64_t>> gone{};  ///< {tokens fed when it was dropped, position}
  std::set<std::int64_t> system{};
  std::set<std::int64_t> pins{};
  std::int64_t high = 0;    ///< most tokens ever held, cancelled ones included
  std::int64_t border = 0;  ///< tokens fed at the last change of size or type
  std::int64_t evictions = 0;

  Reason reason(std::int64_t p) const {
    if (p < keep) return Reason::sink;
    if (system.contains(p)) return Reason::system;
    return pins.contains(p) ? Reason::pin : Reason::window;
  }

  int pinned() const {
    std::set<std::int64_t> all = pins;
    all.insert(system.begin(), system.end());
    return static_cast<int>(std::distance(all.lower_bound(keep), all.end()));
  }

  /// Whether at least a quarter of the cache rolls; without pins anything may.
  bool enough_rolls() const { return pinned() == 0 || 4 * (ctx - keep - pinned()) >= ctx; }

  void drop(int count) {
    const int before = count;
    std::erase_if(items, [&](std::int64_t p) {
      const bool victim = count > 0 && reason(p) == Reason::window;
      if (victim) {
        gone.emplace_back(n, p);
        --count;
      }
      return victim;
    });
    evictions += count < before ? 1 : 0;
  }

  void feed() {
    if (std::ssize(items) >= ctx) drop(discard == -1 ? std::max(1, (ctx - keep - pinned()) / 2) : discard);
    items.push_back(n++);
    high = std::max(high, n);
  }

  void cancelled(int batch) { high = std::max(high, n + batch); }

  bool back_is_exact(std::int64_t to) const { return high - to <= headroom(ctx) && to >= border; }

  void back(std::int64_t to) {
    const bool exact = back_is_exact(to);
    std::erase_if(items, [to](std::int64_t p) { return p >= to; });
    for (const auto& [when, p] : gone) {
      if (exact && when >= to && p < to) items.push_back(p);
    }
    std::sort(items.begin(), items.end());
    std::erase_if(gone, [to](const auto& entry) { return entry.first >= to; });
    pins.erase(pins.lower_bound(to), pins.end());
    system.erase(system.lower_bound(to), system.end());
    n = to;
  }

  void rewritten() {
    border = n;
    gone.clear();
  }

  void resize(int to) {
    ctx = to;
    drop(std::max(0, static_cast<int>(std::ssize(items)) - ctx));
    rewritten();
  }
};

}  // namespace runnel
