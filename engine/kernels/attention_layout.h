#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cache/kv_cache.h"

namespace runnel {

/// What the queries of a batch look at, in the order of slots, whatever runs they belong to: the same for all heads,
/// and for all layers with the same window.
class AttentionLayout {
 public:
  static constexpr int vector_keys = 16;              ///< keys that kernels take at once: the groups of KvView
  static constexpr int chunk_keys = 4 * vector_keys;  ///< keys weighed at once

  /// What one query sees of a span.
  struct View {
    int from = 0;  ///< slots
    int to = 0;
    int rotation = -1;  ///< as in BatchPlan::Sight
    std::int64_t gap = 0;
  };
  /// Neighbouring slots of one span and one chunk, of which some query of the block sees something.
  struct Piece {
    std::size_t span;
    int slot;
    int end;
  };
  /// Slots that are scored in one go.
  struct Scoring {
    int slot;
    int end;
    std::size_t rotations;  ///< where in Block::rotations those that the queries need begin
  };
  /// What lies in the same chunk_keys slots.
  struct Chunk {
    std::size_t pieces;  ///< end in Block::pieces, by slot
    std::size_t scorings;
    int keys;  ///< in this chunk and those before
  };
  /// Queries that are taken together, so that keys are loaded once for all of them.
  struct Block {
    int first_token;
    int tokens;
    std::vector<View> views;  ///< [spans, tokens]
    std::vector<Piece> pieces;
    std::vector<Scoring> scorings;  ///< where two of a chunk overlap, the later one counts
    std::vector<int> rotations;     ///< [scorings, tokens]; −1: any, since the query sees nothing there
    std::vector<Chunk> chunks;

    const View& view(std::size_t span, int token) const {
      return views[span * static_cast<std::size_t>(tokens) + static_cast<std::size_t>(token)];
    }
    std::span<const Piece> pieces_of(std::size_t chunk) const {
      const std::size_t first = chunk == 0 ? 0 : chunks[chunk - 1].pieces;
      return std::span(pieces).subspan(first, chunks[chunk].pieces - first);
    }
    /// First chunk of `part` when the keys are shared out in `parts`, as evenly as chunks allow; chunks.size() for part
    /// = parts.
    std::size_t chunk_at(int part, int parts) const;
    std::span<const Scoring> scorings_of(std::size_t chunk) const {
      const std::size_t first = chunk == 0 ? 0 : chunks[chunk - 1].scorings;
      return std::span(scorings).subspan(first, chunks[chunk].scorings - first);
    }
  };

  /// `plan` must outlive what is built. `window`: keys at cache-relative distance < window are seen; 0: all. Blocks are
  /// of at most `block_tokens`.
  void build(const BatchPlan& plan, int window, int block_tokens);

  const BatchPlan& plan() const { return *plan_; }
  int block_tokens() const { return block_tokens_; }
  std::span<const Block> blocks() const { return blocks_; }
  /// Keys that the batch can see.
  int keys() const { return keys_; }

 private:
  void collect_views(Block& block) const;
  void collect_pieces(Block& block) const;
  static void end_chunk(Block& block);
  static void plan_scorings(Block& block, std::size_t first_piece);

  const BatchPlan* plan_ = nullptr;
  int window_ = 0;
  int block_tokens_ = 1;
  int keys_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace runnel
