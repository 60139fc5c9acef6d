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
  bool whole_messages = false;
  std::set<std::int64_t> messages{};  ///< where they begin
  std::int64_t high = 0;              ///< most tokens ever held, cancelled ones included
  std::int64_t border = 0;            ///< tokens fed at the last change of size or type
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

  /// Tokens that are left of the oldest rolling message after `dropped` more were dropped, if its first one is gone.
  int headless_after(int dropped) const {
    std::vector<std::int64_t> window;
    std::copy_if(items.begin(), items.end(), std::back_inserter(window),
                 [&](std::int64_t p) { return reason(p) == Reason::window; });
    if (std::ssize(window) <= dropped) return 0;
    window.erase(window.begin(), window.begin() + dropped);
    const auto next = messages.upper_bound(window.front());
    if (next == messages.begin()) return 0;
    const std::int64_t first = *std::prev(next);
    const bool is_whole =
        first == window.front() || (std::ranges::binary_search(items, first) && reason(first) != Reason::window);
    if (is_whole) return 0;
    const auto rest = std::ranges::count_if(window, [&](auto p) { return next == messages.end() || p < *next; });
    return std::min({static_cast<int>(rest), static_cast<int>(std::ssize(window)) - 1, ctx / 10});
  }

  void feed() {
    if (std::ssize(items) >= ctx) {
      const int wanted = discard == -1 ? std::max(1, (ctx - keep - pinned()) / 2) : discard;
      drop(wanted + (whole_messages ? headless_after(wanted) : 0));
    }
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
    messages.erase(messages.lower_bound(to), messages.end());
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
