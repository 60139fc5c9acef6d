#include "kernels/attention_layout.h"

#include <algorithm>
#include <limits>

namespace runnel {
namespace {

using Block = AttentionLayout::Block;
using Piece = AttentionLayout::Piece;
using View = AttentionLayout::View;

// Adds to `wanted` [tokens] the rotations that a piece needs; whether they agree with those that are there.
bool join_rotations(const Block& block, const Piece& piece, int* wanted) {
  const auto needed = [&](int token) {
    const View& view = block.view(piece.span, token);
    return view.from < view.to ? view.rotation : -1;
  };
  for (int t = 0; t < block.tokens; ++t) {
    if (needed(t) >= 0 && wanted[t] >= 0 && needed(t) != wanted[t]) return false;
  }
  for (int t = 0; t < block.tokens; ++t) wanted[t] = std::max(wanted[t], needed(t));
  return true;
}

}  // namespace

std::size_t AttentionLayout::Block::chunk_at(int part, int parts) const {
  const int keys = chunks.back().keys;
  // A chunk belongs where its middle is.
  const auto is_before = [&](const Chunk& chunk) {
    const int first = &chunk == chunks.data() ? 0 : (&chunk)[-1].keys;
    return (first + chunk.keys) * parts < 2 * keys * part;
  };
  return static_cast<std::size_t>(std::ranges::partition_point(chunks, is_before) - chunks.begin());
}

void AttentionLayout::build(const BatchPlan& plan, int window, int block_tokens) {
  plan_ = &plan;
  window_ = window;
  block_tokens_ = block_tokens;
  keys_ = 0;
  for (const BatchPlan::Span& span : plan.spans) keys_ += span.length;
  blocks_.resize(static_cast<std::size_t>((plan.tokens() + block_tokens - 1) / block_tokens));
  int first = 0;
  for (Block& block : blocks_) {
    block.first_token = first;
    block.tokens = std::min(block_tokens, plan.tokens() - first);
    collect_views(block);
    collect_pieces(block);
    first += block.tokens;
  }
}

// What each of the block's queries sees of each span.
void AttentionLayout::collect_views(Block& block) const {
  const auto tokens = static_cast<std::size_t>(block.tokens);
  block.views.assign(plan_->spans.size() * tokens, {});
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::int64_t position = plan_->positions[static_cast<std::size_t>(block.first_token) + t];
    for (const BatchPlan::Sight& sight : plan_->sights_of(block.first_token + static_cast<int>(t))) {
      const BatchPlan::Span& span = plan_->spans[static_cast<std::size_t>(sight.span)];
      int from = sight.from;
      if (window_ > 0) {
        const std::int64_t oldest = position - sight.gap - span.first - window_ + 1;
        from = static_cast<int>(std::clamp<std::int64_t>(oldest, sight.from, sight.to));
      }
      block.views[static_cast<std::size_t>(sight.span) * tokens + t] = {
          .from = span.slot + from, .to = span.slot + sight.to, .rotation = sight.rotation, .gap = sight.gap};
    }
  }
}

// Cuts what any query of the block sees into chunks.
void AttentionLayout::collect_pieces(Block& block) const {
  block.pieces.clear();
  block.scorings.clear();
  block.rotations.clear();
  block.chunks.clear();
  int limit = 0;  // one past the present chunk
  for (const std::size_t span : plan_->by_slot) {
    int from = std::numeric_limits<int>::max();
    int to = 0;
    for (int t = 0; t < block.tokens; ++t) {
      const View& view = block.view(span, t);
      if (view.from == view.to) continue;
      from = std::min(from, view.from);
      to = std::max(to, view.to);
    }
    while (from < to) {
      if (from >= limit) {
        end_chunk(block);
        limit = (from / chunk_keys + 1) * chunk_keys;
      }
      block.pieces.push_back({.span = span, .slot = from, .end = std::min(to, limit)});
      from = block.pieces.back().end;
    }
  }
  end_chunk(block);
}

void AttentionLayout::end_chunk(Block& block) {
  const bool is_first = block.chunks.empty();
  const std::size_t first_piece = is_first ? 0 : block.chunks.back().pieces;
  if (first_piece == block.pieces.size()) return;
  plan_scorings(block, first_piece);
  int keys = is_first ? 0 : block.chunks.back().keys;
  for (std::size_t i = first_piece; i < block.pieces.size(); ++i) keys += block.pieces[i].end - block.pieces[i].slot;
  block.chunks.push_back({.pieces = block.pieces.size(), .scorings = block.scorings.size(), .keys = keys});
}

// Pieces of a chunk for which the queries are rotated as for its newest one are scored in one go, with what lies
// between them and around them in the same vectors; the others, which may be that, afterwards. So a window that pins
// have cut up costs little more than a whole one.
void AttentionLayout::plan_scorings(Block& block, std::size_t first_piece) {
  const auto tokens = static_cast<std::size_t>(block.tokens);
  const auto add_rotations = [&] {
    block.rotations.resize(block.rotations.size() + tokens, -1);
    return block.rotations.size() - tokens;
  };
  const std::span<const Piece> pieces = std::span<const Piece>(block.pieces).subspan(first_piece);
  const std::size_t joined_at = block.scorings.size();
  Piece joined = *std::ranges::max_element(pieces, {}, &Piece::span);
  const std::size_t joined_rotations = add_rotations();
  join_rotations(block, joined, block.rotations.data() + joined_rotations);
  block.scorings.push_back({.slot = joined.slot, .end = joined.end, .rotations = joined_rotations});
  for (const Piece& piece : pieces) {
    if (join_rotations(block, piece, block.rotations.data() + joined_rotations)) {
      joined.slot = std::min(joined.slot, piece.slot);
      joined.end = std::max(joined.end, piece.end);
      continue;
    }
    const std::size_t rotations = add_rotations();
    join_rotations(block, piece, block.rotations.data() + rotations);
    block.scorings.push_back({.slot = piece.slot, .end = piece.end, .rotations = rotations});
  }
  block.scorings[joined_at].slot = joined.slot / vector_keys * vector_keys;
  block.scorings[joined_at].end = (joined.end + vector_keys - 1) / vector_keys * vector_keys;
}

}  // namespace runnel
