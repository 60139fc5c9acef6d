#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace runnel {
namespace {

constexpr int chunk_keys = AttentionLayout::chunk_keys;
constexpr int target_rows = 24;  // queries × heads of one task: keys are loaded once for all of them
constexpr int split_keys = 256;  // a single token's keys are shared out between threads above this
constexpr int vector_keys = AttentionLayout::vector_keys;
constexpr float none = -std::numeric_limits<float>::infinity();

// The keys of a chunk that are weighed: its pieces and what completes the vectors.
struct Lanes {
  explicit Lanes(std::span<const AttentionLayout::Piece> pieces)
      : first(pieces.front().slot % chunk_keys / vector_keys * vector_keys),
        end((pieces.back().end - 1) % chunk_keys / vector_keys * vector_keys + vector_keys) {}
  int count() const { return end - first; }

  int first;
  int end;
};

}  // namespace

/// What one thread works in.
struct Attention::Scratch {
  AlignedBuffer<float> queries;  ///< [rows, head_dim], rotated for the keys at hand
  AlignedBuffer<float> scores;   ///< [rows, chunk_keys]
  AlignedBuffer<float> sums;     ///< [rows, head_dim]
  std::vector<float> maxima;     ///< [rows]
  std::vector<float> totals;     ///< [rows]
  std::vector<int> rotations;    ///< [tokens]: what `queries` are rotated for
};

/// The queries that a block's tokens have for the heads that share one KV head, over a part of the keys. Its rows are
/// the tokens' heads.
struct Attention::Task {
  const AttentionLayout::Block& block;
  int kv_head;
  int part;
  int parts;
};

Attention::Attention(const Kernels& kernels, ThreadPool& pool)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<std::size_t>(pool.size())) {}

Attention::~Attention() = default;

int Attention::block_tokens(int heads, int kv_heads) {
  return std::clamp(target_rows / (heads / kv_heads), 1, 16);
}

void Attention::run(const AttentionCall& call) {
  const AttentionLayout& layout = *call.layout;
  const auto blocks = layout.blocks();
  const int parts = blocks.size() == 1 && layout.keys() >= split_keys && pool_.size() > 1 ? 2 * pool_.size() : 1;
  prepare(call, parts);
  if (call.watch != nullptr) call.watch->begin_layer(call.heads, parts);
  const auto kv_heads = static_cast<std::size_t>(call.kv_heads);
  const auto tasks = blocks.size() * kv_heads * static_cast<std::size_t>(parts);
  pool_.run(tasks, [&](std::size_t index, int thread) {
    const std::size_t share = index / static_cast<std::size_t>(parts);
    const Task task{.block = blocks[share / kv_heads],
                    .kv_head = static_cast<int>(share % kv_heads),
                    .part = static_cast<int>(index % static_cast<std::size_t>(parts)),
                    .parts = parts};
    Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    attend(call, task, scratch);
    finish(call, task, scratch);
  });
  if (parts > 1) merge(call, parts);
  if (call.watch != nullptr) call.watch->end_layer(kernels_);
}

bool Attention::is_watched(const AttentionCall& call, const Task& task, int row) {
  return call.watch != nullptr &&
         task.block.first_token + row / (call.heads / call.kv_heads) == call.layout->plan().tokens() - 1;
}

void Attention::prepare(const AttentionCall& call, int parts) {
  const auto tokens = static_cast<std::size_t>(call.layout->block_tokens());
  const std::size_t rows = tokens * static_cast<std::size_t>(call.heads / call.kv_heads);
  const auto dim = static_cast<std::size_t>(call.head_dim);
  for (Scratch& scratch : scratch_) {  // here and not in the tasks, which must not throw
    scratch.queries.reserve(rows * dim);
    scratch.scores.reserve(rows * chunk_keys);
    scratch.sums.reserve(rows * dim);
    scratch.maxima.resize(rows);
    scratch.totals.resize(rows);
    scratch.rotations.reserve(tokens);
  }
  if (parts > 1) partials_.reserve(static_cast<std::size_t>(call.kv_heads * parts) * rows * (dim + 2));
}

void Attention::attend(const AttentionCall& call, const Task& task, Scratch& scratch) const {
  const auto tokens = static_cast<std::size_t>(task.block.tokens);
  const std::size_t rows = tokens * static_cast<std::size_t>(call.heads / call.kv_heads);
  std::fill_n(scratch.maxima.begin(), rows, none);
  std::fill_n(scratch.totals.begin(), rows, 0.0F);
  std::fill_n(scratch.sums.data(), rows * static_cast<std::size_t>(call.head_dim), 0.0F);
  scratch.rotations.assign(tokens, -1);
  const std::size_t last = task.block.chunk_at(task.part + 1, task.parts);
  for (std::size_t chunk = task.block.chunk_at(task.part, task.parts); chunk < last; ++chunk)
    add_chunk(call, task, scratch, chunk);
}

void Attention::add_chunk(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t chunk) const {
  const KvView kv = call.memory->view(call.layer, task.kv_head);
  const KvKernels& kernels = kernels_.kv[static_cast<std::size_t>(call.memory->type())];
  const int rows = task.block.tokens * (call.heads / call.kv_heads);
  for (const AttentionLayout::Scoring& scoring : task.block.scorings_of(chunk)) {
    rotate_queries(call, task, scratch, scoring);
    kernels.scores(scratch.queries.data(), rows, kv, scoring.slot, scoring.end - scoring.slot,
                   scratch.scores.data() + scoring.slot % chunk_keys, chunk_keys);
  }
  const Pieces pieces = task.block.pieces_of(chunk);
  fill_holes(pieces, rows, scratch);
  // A token alone sees all of its pieces.
  const bool has_more = task.block.tokens > 1 || call.soft_cap > 0 || !call.slopes.empty();
  for (int row = 0; row < rows; ++row) {
    if (has_more) adjust_scores(call, task, scratch, pieces, row);
    weigh_scores(call, task, scratch, pieces, row);
  }
  // Slots that nobody sees are left out: what they hold need not be a number.
  for (auto piece = pieces.begin(); piece != pieces.end();) {
    const int slot = piece->slot;
    int end = piece->end;
    for (++piece; piece != pieces.end() && piece->slot == end; ++piece) end = piece->end;
    kernels.accumulate(scratch.scores.data() + slot % chunk_keys, chunk_keys, rows, kv, slot, end - slot,
                       scratch.sums.data());
  }
}

// Queries rotated to where they stand as seen from the keys at hand, times the scale of the scores.
void Attention::rotate_queries(const AttentionCall& call, const Task& task, Scratch& scratch,
                               const AttentionLayout::Scoring& scoring) const {
  const int group = call.heads / call.kv_heads;
  const auto dim = static_cast<std::size_t>(call.head_dim);
  for (std::size_t t = 0; t < static_cast<std::size_t>(task.block.tokens); ++t) {
    const int wanted = task.block.rotations[scoring.rotations + t];
    if (wanted < 0 || wanted == scratch.rotations[t]) continue;
    scratch.rotations[t] = wanted;
    const float* query = call.queries + (static_cast<std::size_t>(task.block.first_token) + t) * call.query_stride +
                         static_cast<std::size_t>(task.kv_head * group) * dim;
    float* out = scratch.queries.data() + t * static_cast<std::size_t>(group) * dim;
    const RotationRow rotation = call.rotations.row(wanted);
    for (int h = 0; h < group; ++h, query += dim, out += dim)
      kernels_.rotate(query, call.head_dim, rotation, call.scale, out);
  }
}

// −infinity for what nobody sees, in the vectors that are weighed.
void Attention::fill_holes(Pieces pieces, int rows, Scratch& scratch) {
  const Lanes lanes(pieces);
  const auto fill = [&](int from, int to) {
    if (from == to) return;
    for (int row = 0; row < rows; ++row)
      std::fill_n(scratch.scores.data() + static_cast<std::size_t>(row * chunk_keys + from), to - from, none);
  };
  int done = lanes.first;
  for (const AttentionLayout::Piece& piece : pieces) {
    fill(done, piece.slot % chunk_keys);
    done = (piece.end - 1) % chunk_keys + 1;
  }
  fill(done, lanes.end);
}

// Cap and slope for what the row's token sees of the pieces, −infinity for the rest of them.
void Attention::adjust_scores(const AttentionCall& call, const Task& task, Scratch& scratch, Pieces pieces,
                              int row) const {
  const int group = call.heads / call.kv_heads;
  const int token = row / group;
  const int start = pieces.front().slot / chunk_keys * chunk_keys;
  const BatchPlan& plan = call.layout->plan();
  float* scores = scratch.scores.data() + static_cast<std::size_t>(row) * chunk_keys;
  for (const AttentionLayout::Piece& piece : pieces) {
    const AttentionLayout::View& view = task.block.view(piece.span, token);
    const int from = std::clamp(view.from, piece.slot, piece.end) - start;
    const int to = std::clamp(view.to, start + from, piece.end) - start;
    std::fill(scores + piece.slot - start, scores + from, none);
    std::fill(scores + to, scores + piece.end - start, none);
    if (from == to) continue;
    if (call.soft_cap > 0) kernels_.soft_cap(scores + from, to - from, call.soft_cap);
    if (call.slopes.empty()) continue;
    const float slope = call.slopes[static_cast<std::size_t>(task.kv_head * group + row % group)];
    const BatchPlan::Span& span = plan.spans[piece.span];
    const std::int64_t distance = plan.positions[static_cast<std::size_t>(task.block.first_token + token)] - view.gap -
                                  (span.first + start + from - span.slot);  // cache-relative, of the first key
    kernels_.add_ramp(scores + from, to - from, -slope * static_cast<float>(distance), slope);
  }
}

// Scores become weights relative to the row's running maximum.
void Attention::weigh_scores(const AttentionCall& call, const Task& task, Scratch& scratch, Pieces pieces,
                             int row) const {
  const Lanes lanes(pieces);
  float* scores = scratch.scores.data() + static_cast<std::size_t>(row) * chunk_keys + lanes.first;
  float& maximum = scratch.maxima[static_cast<std::size_t>(row)];
  float& total = scratch.totals[static_cast<std::size_t>(row)];
  const float highest = kernels_.largest(scores, lanes.count());
  if (highest == none) {
    std::fill_n(scores, lanes.count(), 0.0F);
    return;
  }
  if (highest > maximum) {
    const auto dim = static_cast<std::size_t>(call.head_dim);
    const float shrink = std::exp(maximum - highest);
    float* sums = scratch.sums.data() + static_cast<std::size_t>(row) * dim;
    for (std::size_t d = 0; d < dim; ++d) sums[d] *= shrink;
    total *= shrink;
    maximum = highest;
  }
  total += kernels_.exp_sum(scores, lanes.count(), maximum);
  if (!is_watched(call, task, row)) return;
  const int first = pieces.front().slot;
  call.watch->note(task.kv_head * (call.heads / call.kv_heads) + row % (call.heads / call.kv_heads), first,
                   {scores + first % chunk_keys - lanes.first, static_cast<std::size_t>(pieces.back().end - first)},
                   maximum);
}

// Writes the result, or for a part of the keys the maximum, the sum and the weighted values that `merge` joins.
void Attention::finish(const AttentionCall& call, const Task& task, Scratch& scratch) {
  const int group = call.heads / call.kv_heads;
  const auto dim = static_cast<std::size_t>(call.head_dim);
  const auto heads = static_cast<std::size_t>(call.heads);
  for (int row = 0; row < task.block.tokens * group; ++row) {
    const float* sums = scratch.sums.data() + static_cast<std::size_t>(row) * dim;
    const float total = scratch.totals[static_cast<std::size_t>(row)];
    if (is_watched(call, task, row)) {
      call.watch->end_part(task.kv_head * group + row % group, task.part, scratch.maxima[static_cast<std::size_t>(row)],
                           total);
    }
    if (task.parts == 1) {
      const auto token = static_cast<std::size_t>(task.block.first_token + row / group);
      const auto head = static_cast<std::size_t>(task.kv_head * group + row % group);
      float* out = call.out + (token * heads + head) * dim;
      for (std::size_t d = 0; d < dim; ++d) out[d] = sums[d] / total;
      continue;
    }
    const auto index =
        static_cast<std::size_t>((task.kv_head * task.parts + task.part) * task.block.tokens * group + row);
    float* part = partials_.data() + index * (dim + 2);
    part[0] = scratch.maxima[static_cast<std::size_t>(row)];
    part[1] = total;
    std::copy_n(sums, dim, part + 2);
  }
}

void Attention::merge(const AttentionCall& call, int parts) {
  const int group = call.heads / call.kv_heads;
  const int tokens = call.layout->plan().tokens();
  const auto dim = static_cast<std::size_t>(call.head_dim);
  const std::size_t step = static_cast<std::size_t>(tokens * group) * (dim + 2);
  for (int kv_head = 0; kv_head < call.kv_heads; ++kv_head) {
    for (int row = 0; row < tokens * group; ++row) {
      const float* part = partials_.data() + static_cast<std::size_t>(kv_head * parts) * step +
                          static_cast<std::size_t>(row) * (dim + 2);
      float maximum = none;
      for (int p = 0; p < parts; ++p) maximum = std::max(maximum, part[static_cast<std::size_t>(p) * step]);
      const auto token = static_cast<std::size_t>(row / group);
      float* out = call.out + (token * static_cast<std::size_t>(call.heads) +
                               static_cast<std::size_t>(kv_head * group + row % group)) *
                                  dim;
      std::fill_n(out, dim, 0.0F);
      float total = 0;
      for (int p = 0; p < parts; ++p) {
        const float* one = part + static_cast<std::size_t>(p) * step;
        const float weight = one[0] == none ? 0.0F : std::exp(one[0] - maximum);
        total += weight * one[1];
        for (std::size_t d = 0; d < dim; ++d) out[d] += weight * one[2 + d];
      }
      for (std::size_t d = 0; d < dim; ++d) out[d] /= total;
    }
  }
}

}  // namespace runnel
