#pragma once

#include <cstdint>
#include <vector>

#include "app/chat/chat_values.h"

namespace runnel::ui {

/** What a cell of the cache's map stands for. */
enum class CellKind : std::uint8_t { Free, Sink, Pinned, System, User, Assistant };

/** Steps of attention, or of surprise, that can be told apart. */
constexpr int kMostHeat = 10;
constexpr int kUnknownHeat = -1;

/** One slot of the cache's memory. */
struct Cell {
  CellKind kind = CellKind::Free;
  bool evicted = false;        //!< forgotten, but not overwritten yet
  std::int64_t position = -1;  //!< original position of its token; -1 when free
  std::int8_t heat = 0;        //!< of what is watched: 0 … kMostHeat, or kUnknownHeat; 0 while nothing is

  bool operator==(const Cell&) const = default;
};

/**
 * One cell per slot for `snapshot`. Tokens of the template, which belong to no message, count as the system's.
 * `previous` (of the same cache) tells what evicted slots held: they keep their kind and are marked until something
 * else is written there.
 */
std::vector<Cell> cellsOf(const app::CacheSnapshot& snapshot, const std::vector<Cell>& previous);

/** Attention as steps: a token that gets the average share is in the second, one that gets fifty times as much in the
 *  last. `share`: of all attention; `cached`: tokens that share it. */
std::int8_t heatOfAttention(float share, int cached);

/** Surprise as steps of a nat each, ten and more in the last. `nats`: −ln p; NaN: not known. */
std::int8_t heatOfSurprise(float nats);

/** The message that the token at `position` belongs to; null for the template's own. */
const app::MessageSpan* spanAt(const QList<app::MessageSpan>& spans, std::int64_t position);

}  // namespace runnel::ui
