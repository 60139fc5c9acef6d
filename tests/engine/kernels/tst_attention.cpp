#include <QTest>
#include <cmath>

#include "engine/kernels/kernel_test.h"
#include "kernels/attention.h"

using namespace runnel;

namespace {

/// Sizes and kind of one attention.
struct Case {
  int heads;
  int kv_heads;
  int head_dim;
  int pairs;   ///< rotated pairs of dimensions, 0: none
  int window;  ///< 0: none
  bool alibi;
  int ctx_size;
  int n_discard;
  int batch;
  int threads;
  float queries = 1;   ///< their deviation
  float soft_cap = 0;  ///< of the scores, 0: none
};

double frequency(int pair, int pairs) {
  return std::pow(10000.0, -static_cast<double>(pair) / pairs);
}

// RoPE by its definition, halves, in double.
std::vector<double> rotated(std::span<const float> x, int pairs, double position) {
  std::vector<double> out(x.begin(), x.end());
  const auto half = static_cast<std::size_t>(pairs);
  for (std::size_t i = 0; i < half; ++i) {
    const double angle = position * frequency(static_cast<int>(i), pairs);
    out[i] = x[i] * std::cos(angle) - x[i + half] * std::sin(angle);
    out[i + half] = x[i + half] * std::cos(angle) + x[i] * std::sin(angle);
  }
  return out;
}

/// cos and sin for a plan's positions.
struct Rotations {
  Rotations(const BatchPlan& plan, int n_pairs) : pairs(n_pairs) {
    for (const std::int64_t position : plan.positions) {
      for (int i = 0; i < pairs; ++i) {
        cos.push_back(static_cast<float>(std::cos(static_cast<double>(position) * frequency(i, pairs))));
        sin.push_back(static_cast<float>(std::sin(static_cast<double>(position) * frequency(i, pairs))));
      }
    }
  }
  RotationRows rows() const { return {.cos = cos.data(), .sin = sin.data(), .pairs = pairs}; }

  int pairs;
  std::vector<float> cos;
  std::vector<float> sin;
};

/// Feeds random tokens through a cache and attention, remembering every token's own key and value, and compares with
/// a softmax in double over the tokens that the cache's runs name.
class Trial {
 public:
  Trial(const Case& wanted, const Kernels& kernels, unsigned seed)
      : case_(wanted),
        kernels_(kernels),
        random_(seed),
        pool_(wanted.threads),
        attention_(kernels, pool_),
        cache_({.layers = 2, .kv_heads = wanted.kv_heads, .head_dim = wanted.head_dim},
               {.ctx_size = wanted.ctx_size, .n_keep = 3, .n_discard = wanted.n_discard, .kv_type = KvType::f32}),
        slopes_(wanted.alibi ? static_cast<std::size_t>(wanted.heads) : 0) {
    for (std::size_t h = 0; h < slopes_.size(); ++h) slopes_[h] = std::exp2(-static_cast<float>(h + 1));
  }

  KvCache& cache() { return cache_; }
  int max_batch() const { return std::min(case_.batch, cache_.max_batch()); }

  // The largest difference of a batch's outputs, and of what a watch is told, from the definition.
  double feed(int tokens) {
    const std::size_t row = static_cast<std::size_t>(case_.heads * case_.head_dim);
    const BatchPlan& plan = cache_.begin_batch(tokens);
    const Rotations rotations(plan, case_.pairs);
    for (int t = 0; t < tokens; ++t) store(plan, rotations, t);
    const std::size_t stride = row + 5;  // as in a row that holds more than the query
    const std::vector<float> queries = random_floats(static_cast<std::size_t>(tokens) * stride, random_, case_.queries);
    std::vector<float> out(static_cast<std::size_t>(tokens) * row);
    watch_.begin(cache_.table().slots());
    AttentionLayout layout;
    layout.build(plan, case_.window, Attention::block_tokens(case_.heads, case_.kv_heads));
    attention_.run({.queries = queries.data(),
                    .query_stride = stride,
                    .out = out.data(),
                    .heads = case_.heads,
                    .kv_heads = case_.kv_heads,
                    .head_dim = case_.head_dim,
                    .scale = scale(),
                    .soft_cap = case_.soft_cap,
                    .slopes = slopes_,
                    .rotations = rotations.rows(),
                    .layout = &layout,
                    .memory = &cache_.memory(),
                    .layer = 1,
                    .watch = &watch_});
    double worst = 0;
    std::vector<double> looks(static_cast<std::size_t>(cache_.table().slots()), 0.0);
    for (int t = 0; t < tokens; ++t) {
      const std::vector<std::int64_t> seen = keys_of(plan, t);
      for (int head = 0; head < case_.heads; ++head) {
        const auto at = static_cast<std::size_t>(head * case_.head_dim);
        const std::span<const float> query =
            std::span(queries).subspan(static_cast<std::size_t>(t) * stride + at, dim());
        std::vector<double> weights;
        const std::vector<double> expected = defined(query, seen, head, weights);
        for (std::size_t rank = 0; t == tokens - 1 && rank < seen.size(); ++rank)
          looks[slot_of(plan, seen[rank])] += weights[rank] / case_.heads;
        for (std::size_t d = 0; d < dim(); ++d) {
          const double off = std::abs(out[static_cast<std::size_t>(t) * row + at + d] - expected[d]);
          if (!(off <= worst)) worst = std::isfinite(off) ? off : INFINITY;
        }
      }
    }
    const std::vector<float> mean = watch_.mean();
    for (std::size_t slot = 0; slot < looks.size(); ++slot)
      worst = std::max(worst, std::abs(static_cast<double>(mean[slot]) - looks[slot]));
    cache_.commit();
    return worst;
  }

 private:
  std::size_t dim() const { return static_cast<std::size_t>(case_.head_dim); }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(case_.head_dim)); }

  void store(const BatchPlan& plan, const Rotations& rotations, int token) {
    const auto n = static_cast<std::size_t>(case_.kv_heads) * dim();
    const auto at = static_cast<std::size_t>(plan.first + token) * n;  // a token fed again replaces what was cut
    keys_.resize(at);
    values_.resize(at);
    for (std::vector<float>* all : {&keys_, &values_}) {
      const std::vector<float> row = random_floats(n, random_);
      all->insert(all->end(), row.begin(), row.end());
    }
    std::vector<float> key(dim());
    for (int head = 0; head < case_.kv_heads; ++head) {
      const std::size_t from = at + static_cast<std::size_t>(head) * dim();
      kernels_.rotate(keys_.data() + from, case_.head_dim, rotations.rows().row(token), 1.0F, key.data());
      cache_.memory().store(1, head, plan.slots[static_cast<std::size_t>(token)], key.data(), values_.data() + from,
                            kernels_);
    }
  }

  // Original positions of what a query sees, in cache order.
  static std::vector<std::int64_t> keys_of(const BatchPlan& plan, int token) {
    std::vector<std::int64_t> positions;
    for (const BatchPlan::Sight& sight : plan.sights_of(token)) {
      for (std::int32_t k = sight.from; k < sight.to; ++k)
        positions.push_back(plan.spans[static_cast<std::size_t>(sight.span)].first + k);
    }
    return positions;
  }

  static std::size_t slot_of(const BatchPlan& plan, std::int64_t position) {
    for (const BatchPlan::Span& span : plan.spans) {
      if (span.first <= position && position < span.first + span.length)
        return static_cast<std::size_t>(span.slot + (position - span.first));
    }
    return 0;
  }

  std::span<const float> row_of(const std::vector<float>& all, std::int64_t position, int head) const {
    const int kv_head = head / (case_.heads / case_.kv_heads);
    return std::span(all).subspan((static_cast<std::size_t>(position) * static_cast<std::size_t>(case_.kv_heads) +
                                   static_cast<std::size_t>(kv_head)) *
                                      dim(),
                                  dim());
  }

  // softmax(q · k / sqrt(head_dim) − slope × distance) · v, each key rotated to its rank and the query to the last.
  // `weights`: what the softmax gives, by rank.
  std::vector<double> defined(std::span<const float> query, const std::vector<std::int64_t>& seen, int head,
                              std::vector<double>& weights) const {
    weights.assign(seen.size(), 0.0);
    const auto last = static_cast<std::int64_t>(seen.size()) - 1;
    const std::vector<double> q = rotated(query, case_.pairs, static_cast<double>(last));
    std::vector<double> out(dim(), 0.0);
    double total = 0;
    for (std::int64_t rank = 0; rank <= last; ++rank) {
      if (case_.window > 0 && last - rank >= case_.window) continue;
      const std::int64_t position = seen[static_cast<std::size_t>(rank)];
      const std::vector<double> k = rotated(row_of(keys_, position, head), case_.pairs, static_cast<double>(rank));
      double score = 0;
      for (std::size_t d = 0; d < dim(); ++d) score += q[d] * k[d];
      score *= scale();
      if (case_.soft_cap > 0) score = case_.soft_cap * std::tanh(score / case_.soft_cap);
      if (!slopes_.empty())
        score -= static_cast<double>(slopes_[static_cast<std::size_t>(head)]) * static_cast<double>(last - rank);
      const double weight = std::exp(score);
      total += weight;
      weights[static_cast<std::size_t>(rank)] = weight;
      const std::span<const float> value = row_of(values_, position, head);
      for (std::size_t d = 0; d < dim(); ++d) out[d] += weight * value[d];
    }
    for (std::vector<double>* sums : {&out, &weights}) {
      for (double& x : *sums) x /= total;
    }
    return out;
  }

  Case case_;
  const Kernels& kernels_;
  std::mt19937 random_;
  ThreadPool pool_;
  Attention attention_;
  AttentionWatch watch_;
  KvCache cache_;
  std::vector<float> slopes_;
  std::vector<float> keys_;  ///< [fed, kv_heads, head_dim], not rotated
  std::vector<float> values_;
};

}  // namespace

class AttentionTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void is_a_softmax_over_what_is_cached_data();
  void is_a_softmax_over_what_is_cached();
};

void AttentionTest::is_a_softmax_over_what_is_cached_data() {
  QTest::addColumn<Case>("wanted");
  const Case plain{.heads = 4,
                   .kv_heads = 4,
                   .head_dim = 16,
                   .pairs = 8,
                   .window = 0,
                   .alibi = false,
                   .ctx_size = 40,
                   .n_discard = 1,
                   .batch = 20,
                   .threads = 2};
  const auto with = [&plain](auto&& change) {
    Case changed = plain;
    change(changed);
    return changed;
  };
  QTest::newRow("plain") << plain;
  QTest::newRow("one thread") << with([](Case& c) { c.threads = 1; });
  QTest::newRow("token by token") << with([](Case& c) { c.batch = 1; });
  QTest::newRow("shared keys") << with([](Case& c) { c.heads = 6, c.kv_heads = 2; });
  QTest::newRow("one key head for more heads than a task has rows")
      << with([](Case& c) { c.heads = 32, c.kv_heads = 1; });
  QTest::newRow("part of the head rotated") << with([](Case& c) { c.head_dim = 20, c.pairs = 3; });
  QTest::newRow("no positions") << with([](Case& c) { c.pairs = 0; });
  QTest::newRow("window") << with([](Case& c) { c.window = 7; });
  QTest::newRow("window of one") << with([](Case& c) { c.window = 1; });
  QTest::newRow("window of the cache's size") << with([](Case& c) { c.window = 40; });
  QTest::newRow("slopes") << with([](Case& c) { c.alibi = true, c.pairs = 0; });
  QTest::newRow("slopes, shared keys, window")
      << with([](Case& c) { c.alibi = true, c.pairs = 0, c.kv_heads = 2, c.window = 11; });
  QTest::newRow("soft cap") << with([](Case& c) { c.soft_cap = 2, c.queries = 4; });
  QTest::newRow("soft cap, shared keys, window")
      << with([](Case& c) { c.soft_cap = 1, c.kv_heads = 2, c.window = 11, c.queries = 4; });
  QTest::newRow("half is dropped") << with([](Case& c) { c.n_discard = -1; });
  // Long enough for a token's keys to be shared out between threads.
  QTest::newRow("split, token by token") << with(
      [](Case& c) { c.ctx_size = 320, c.batch = 1, c.threads = 3, c.heads = 2, c.kv_heads = 1; });
  QTest::newRow("split, few tokens") << with([](Case& c) { c.ctx_size = 320, c.batch = 5, c.threads = 4; });
  QTest::newRow("split, window in the last part") << with([](Case& c) { c.ctx_size = 320, c.batch = 1, c.window = 9; });
  // exp of these scores would leave the range of floats.
  QTest::newRow("large scores") << with([](Case& c) { c.queries = 100; });
  QTest::newRow("split, large scores") << with([](Case& c) { c.ctx_size = 320, c.batch = 2, c.queries = 100; });
  QTest::newRow("split, slopes") << with([](Case& c) { c.ctx_size = 320, c.batch = 3, c.alibi = true, c.pairs = 0; });
}

void AttentionTest::is_a_softmax_over_what_is_cached() {
  QFETCH(Case, wanted);
  const std::vector<const Kernels*> levels = all_levels();
  for (const Kernels* kernels : {levels.front(), levels.back()}) {
    Trial trial(wanted, *kernels, 1);
    KvCache& cache = trial.cache();
    std::mt19937 random(2);
    const auto feed = [&](int tokens) {
      for (int left = tokens; left > 0;) {
        const int batch = std::min(left, std::uniform_int_distribution(1, trial.max_batch())(random));
        QVERIFY(trial.feed(batch) < 2e-5 * wanted.queries);
        left -= batch;
      }
    };
    feed(wanted.ctx_size + 10);
    const std::int64_t newest = cache.table().fed();
    cache.table().pin(newest - 20, newest - 14, Reason::pin);
    cache.table().pin(newest - 9, newest - 8, Reason::pin);
    feed(30);
    cache.table().unpin(newest - 18, newest - 16, Reason::pin);
    feed(12);
    cache.table().back(cache.table().fed() - 8);
    feed(15);
  }
}

QTEST_APPLESS_MAIN(AttentionTest)
#include "tst_attention.moc"
