#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace runnel {
namespace {

constexpr int chunk_keys = 64;   // keys scored at once; multiple of 16
constexpr int target_rows = 24;  // queries × heads of one task: keys are loaded once for all of them
constexpr int split_keys = 256;  // a single token's keys are shared out between threads above this
constexpr float none = -std::numeric_limits<float>::infinity();

int chunks_between(int from_slot, int to_slot) {
  return from_slot >= to_slot ? 0 : (to_slot - 1) / chunk_keys - from_slot / chunk_keys + 1;
}

}  // namespace

void rotate(const float* x, int head_dim, const RotationRows& rows, std::size_t row, float scale, float* out) {
  const int pairs = rows.pairs;
  const float* cos = rows.cos + row * static_cast<std::size_t>(pairs);
  const float* sin = rows.sin + row * static_cast<std::size_t>(pairs);
  for (int i = 0; i < pairs; ++i) {
    const float a = x[i];
    const float b = x[i + pairs];
    out[i] = (a * cos[i] - b * sin[i]) * scale;
    out[i + pairs] = (b * cos[i] + a * sin[i]) * scale;
  }
  for (int i = 2 * pairs; i < head_dim; ++i) out[i] = x[i] * scale;
}

/// What one thread works in.
struct Attention::Scratch {
  struct View {
    int from = 0;  ///< visible keys of a span, counted from the span's start
    int to = 0;
    int rotation = -1;
    std::int64_t gap = 0;
  };
  AlignedBuffer<float> queries;             ///< [rows, head_dim], rotated for the present span
  AlignedBuffer<float> scores;              ///< [rows, chunk_keys]
  AlignedBuffer<float> sums;                ///< [rows, head_dim]
  std::vector<float> maxima;                ///< [rows]
  std::vector<float> totals;                ///< [rows]
  std::vector<View> views;                  ///< [spans, tokens]
  std::vector<std::pair<int, int>> ranges;  ///< [spans]: first slot that any of the tokens sees, one past the last
  std::vector<int> rotations;               ///< [tokens]: what `queries` are rotated for
};

/// Some tokens' queries of the heads that share one KV head, over a part of the keys.
struct Attention::Task {
  int first_token;
  int tokens;
  int kv_head;
  int part;
  int parts;
};

Attention::Attention(const Kernels& kernels, ThreadPool& pool)
    : kernels_(kernels), pool_(pool), scratch_(static_cast<std::size_t>(pool.size())) {}

Attention::~Attention() = default;

void Attention::run(const AttentionCall& call) {
  const int group = call.heads / call.kv_heads;
  const int tokens = call.plan->tokens();
  const int block = std::clamp(target_rows / group, 1, 16);
  const int blocks = (tokens + block - 1) / block;
  int keys = 0;
  for (const BatchPlan::Span& span : call.plan->spans) keys += span.length;
  const int parts = blocks == 1 && keys >= split_keys && pool_.size() > 1 ? 2 * pool_.size() : 1;
  prepare(call, parts);
  if (call.watch != nullptr) {
    int pieces = 0;
    for (const BatchPlan::Span& span : call.plan->spans) pieces += chunks_between(span.slot, span.slot + span.length);
    call.watch->begin_layer(call.heads, parts, pieces);
  }
  const auto kv_heads = static_cast<std::size_t>(call.kv_heads);
  const auto tasks = static_cast<std::size_t>(blocks) * kv_heads * static_cast<std::size_t>(parts);
  pool_.run(tasks, [&](std::size_t index, int thread) {
    const int part = static_cast<int>(index) % parts;
    const int kv_head = static_cast<int>(index) / parts % call.kv_heads;
    const int first = static_cast<int>(index) / parts / call.kv_heads * block;
    const Task task{.first_token = first,
                    .tokens = std::min(block, tokens - first),
                    .kv_head = kv_head,
                    .part = part,
                    .parts = parts};
    Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    attend(call, task, scratch);
    finish(call, task, scratch);
  });
  if (parts > 1) merge(call, parts);
  if (call.watch != nullptr) call.watch->end_layer();
}

// The rows of a task are its tokens' heads.
bool Attention::is_watched(const AttentionCall& call, const Task& task, int row) {
  return call.watch != nullptr && task.first_token + row / (call.heads / call.kv_heads) == call.plan->tokens() - 1;
}

void Attention::prepare(const AttentionCall& call, int parts) {
  const int group = call.heads / call.kv_heads;
  const auto rows = static_cast<std::size_t>(std::clamp(target_rows / group, 1, 16) * group);
  const auto dim = static_cast<std::size_t>(call.head_dim);
  for (Scratch& scratch : scratch_) {
    scratch.queries.reserve(rows * dim);
    scratch.scores.reserve(rows * chunk_keys);
    scratch.sums.reserve(rows * dim);
    scratch.maxima.resize(rows);
    scratch.totals.resize(rows);
    // Here and not in the tasks, which must not throw.
    scratch.views.reserve(call.plan->spans.size() * rows);
    scratch.ranges.reserve(call.plan->spans.size());
    scratch.rotations.reserve(rows);
  }
  if (parts > 1) partials_.reserve(static_cast<std::size_t>(call.kv_heads * parts) * rows * (dim + 2));
}

void Attention::attend(const AttentionCall& call, const Task& task, Scratch& scratch) const {
  const auto tokens = static_cast<std::size_t>(task.tokens);
  const std::size_t rows = tokens * static_cast<std::size_t>(call.heads / call.kv_heads);
  std::fill_n(scratch.maxima.begin(), rows, none);
  std::fill_n(scratch.totals.begin(), rows, 0.0F);
  std::fill_n(scratch.sums.data(), rows * static_cast<std::size_t>(call.head_dim), 0.0F);
  scratch.rotations.assign(tokens, -1);
  collect_views(call, task, scratch);
  const int chunks = collect_ranges(call, task, scratch);

  const int first_chunk = chunks * task.part / task.parts;
  const int last_chunk = chunks * (task.part + 1) / task.parts;
  int chunk = 0;
  for (std::size_t s = 0; s < scratch.ranges.size(); ++s) {
    bool rotated = false;
    for (int slot = scratch.ranges[s].first; slot < scratch.ranges[s].second; ++chunk) {
      const int end = std::min(scratch.ranges[s].second, (slot / chunk_keys + 1) * chunk_keys);
      if (chunk >= first_chunk && chunk < last_chunk) {
        if (!rotated) rotate_queries(call, task, scratch, s);
        rotated = true;
        add_chunk(call, task, scratch, s, slot, end - slot);
      }
      slot = end;
    }
  }
}

// What each of the task's queries sees of each span.
void Attention::collect_views(const AttentionCall& call, const Task& task, Scratch& scratch) {
  const auto& spans = call.plan->spans;
  const auto tokens = static_cast<std::size_t>(task.tokens);
  scratch.views.assign(spans.size() * tokens, {});
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::int64_t position = call.plan->positions[static_cast<std::size_t>(task.first_token) + t];
    for (const BatchPlan::Sight& sight : call.plan->sights_of(task.first_token + static_cast<int>(t))) {
      int from = sight.from;
      if (call.window > 0) {
        const std::int64_t first = spans[static_cast<std::size_t>(sight.span)].first;
        const std::int64_t oldest = position - sight.gap - first - call.window + 1;
        from = static_cast<int>(std::clamp<std::int64_t>(oldest, sight.from, sight.to));
      }
      scratch.views[static_cast<std::size_t>(sight.span) * tokens + t] = {
          .from = from, .to = sight.to, .rotation = sight.rotation, .gap = sight.gap};
    }
  }
}

// The slots of each span that any query of the task sees; returns how many chunks that makes.
int Attention::collect_ranges(const AttentionCall& call, const Task& task, Scratch& scratch) {
  const auto& spans = call.plan->spans;
  const auto tokens = static_cast<std::size_t>(task.tokens);
  int chunks = 0;
  scratch.ranges.assign(spans.size(), {});
  for (std::size_t s = 0; s < spans.size(); ++s) {
    int from = std::numeric_limits<int>::max();
    int to = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      const Scratch::View& view = scratch.views[s * tokens + t];
      if (view.from < view.to) {
        from = std::min(from, view.from);
        to = std::max(to, view.to);
      }
    }
    if (from < to) scratch.ranges[s] = {spans[s].slot + from, spans[s].slot + to};
    chunks += chunks_between(scratch.ranges[s].first, scratch.ranges[s].second);
  }
  return chunks;
}

// Queries rotated to where they stand as seen from this span's keys, times the scale of the scores.
void Attention::rotate_queries(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t span) const {
  const int group = call.heads / call.kv_heads;
  const auto dim = static_cast<std::size_t>(call.head_dim);
  for (int t = 0; t < task.tokens; ++t) {
    const Scratch::View& view =
        scratch.views[span * static_cast<std::size_t>(task.tokens) + static_cast<std::size_t>(t)];
    int& present = scratch.rotations[static_cast<std::size_t>(t)];
    if (view.rotation < 0 || view.rotation == present) continue;
    present = view.rotation;
    const float* query = call.queries + static_cast<std::size_t>(task.first_token + t) * call.query_stride +
                         static_cast<std::size_t>(task.kv_head * group) * dim;
    float* out = scratch.queries.data() + static_cast<std::size_t>(t * group) * dim;
    for (int h = 0; h < group; ++h, query += dim, out += dim) {
      rotate(query, call.head_dim, call.rotations, static_cast<std::size_t>(view.rotation), call.scale, out);
    }
  }
}

void Attention::add_chunk(const AttentionCall& call, const Task& task, Scratch& scratch, std::size_t span, int slot,
                          int count) const {
  const int group = call.heads / call.kv_heads;
  const int rows = task.tokens * group;
  const auto dim = static_cast<std::size_t>(call.head_dim);
  const KvView kv = call.memory->view(call.layer, task.kv_head);
  const KvKernels& kernels = kernels_.kv[static_cast<std::size_t>(call.memory->type())];
  kernels.scores(scratch.queries.data(), rows, kv, slot, count, scratch.scores.data(), chunk_keys);

  const int offset = slot - call.plan->spans[span].slot;  // of the chunk's first key, from the span's start
  for (int row = 0; row < rows; ++row) {
    const Scratch::View& view =
        scratch.views[span * static_cast<std::size_t>(task.tokens) + static_cast<std::size_t>(row / group)];
    float* scores = scratch.scores.data() + static_cast<std::size_t>(row) * chunk_keys;
    const int from = std::clamp(view.from - offset, 0, count);
    const int to = std::clamp(view.to - offset, from, count);
    std::fill_n(scores, from, 0.0F);
    std::fill(scores + to, scores + count, 0.0F);
    if (from == to) continue;
    if (call.soft_cap > 0) kernels_.soft_cap(scores + from, to - from, call.soft_cap);
    if (!call.slopes.empty()) {
      const float slope = call.slopes[static_cast<std::size_t>(task.kv_head * group + row % group)];
      const std::int64_t distance =
          call.plan->positions[static_cast<std::size_t>(task.first_token + row / group)] - view.gap -
          (call.plan->spans[span].first + offset);  // cache-relative, of the chunk's first key
      kernels_.add_ramp(scores + from, to - from, -slope * static_cast<float>(distance - from), slope);
    }
    float& maximum = scratch.maxima[static_cast<std::size_t>(row)];
    float& total = scratch.totals[static_cast<std::size_t>(row)];
    const float highest = kernels_.largest(scores + from, to - from);
    if (highest > maximum) {
      const float shrink = std::exp(maximum - highest);
      float* sums = scratch.sums.data() + static_cast<std::size_t>(row) * dim;
      for (std::size_t d = 0; d < dim; ++d) sums[d] *= shrink;
      total *= shrink;
      maximum = highest;
    }
    total += kernels_.exp_sum(scores + from, to - from, maximum);
    if (is_watched(call, task, row)) {
      call.watch->note(task.kv_head * group + row % group, task.part, slot + from,
                       {scores + from, static_cast<std::size_t>(to - from)}, maximum);
    }
  }
  kernels.accumulate(scratch.scores.data(), chunk_keys, rows, kv, slot, count, scratch.sums.data());
}

// Writes the result, or for a part of the keys the maximum, the sum and the weighted values that `merge` joins.
void Attention::finish(const AttentionCall& call, const Task& task, Scratch& scratch) {
  const int group = call.heads / call.kv_heads;
  const auto dim = static_cast<std::size_t>(call.head_dim);
  const auto heads = static_cast<std::size_t>(call.heads);
  for (int row = 0; row < task.tokens * group; ++row) {
    const float* sums = scratch.sums.data() + static_cast<std::size_t>(row) * dim;
    const float total = scratch.totals[static_cast<std::size_t>(row)];
    if (is_watched(call, task, row)) {
      call.watch->end_part(task.kv_head * group + row % group, task.part, scratch.maxima[static_cast<std::size_t>(row)],
                           total);
    }
    if (task.parts == 1) {
      const auto token = static_cast<std::size_t>(task.first_token + row / group);
      const auto head = static_cast<std::size_t>(task.kv_head * group + row % group);
      float* out = call.out + (token * heads + head) * dim;
      for (std::size_t d = 0; d < dim; ++d) out[d] = sums[d] / total;
      continue;
    }
    const auto index = static_cast<std::size_t>((task.kv_head * task.parts + task.part) * task.tokens * group + row);
    float* part = partials_.data() + index * (dim + 2);
    part[0] = scratch.maxima[static_cast<std::size_t>(row)];
    part[1] = total;
    std::copy_n(sums, dim, part + 2);
  }
}

void Attention::merge(const AttentionCall& call, int parts) {
  const int group = call.heads / call.kv_heads;
  const int tokens = call.plan->tokens();
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
