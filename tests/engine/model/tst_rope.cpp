#include <QTest>
#include <cmath>
#include <numbers>

#include "engine/kernels/kernel_test.h"
#include "model/rope.h"

using namespace runnel;

namespace {

constexpr int head_dim = 64;

RopeConfig config(RopeScaling scaling, double factor = 1) {
  RopeConfig rope;
  rope.dimensions = head_dim;
  rope.scaling = scaling;
  rope.factor = factor;
  rope.original_context = 1024;
  return rope;
}

/// q·k when both are rotated to their positions.
class Scorer {
 public:
  explicit Scorer(const RopeConfig& config) : table_(rope_frequencies(config, 4096), rope_amplitude(config)), pool_(1) {
    std::mt19937 random(1);
    query_ = random_floats(head_dim, random);
    key_ = random_floats(head_dim, random);
  }

  double score(std::int64_t query_position, std::int64_t key_position) {
    const std::int64_t positions[] = {query_position, key_position};
    const RotationRows rows = table_.rows(positions, pool_);
    const Kernels& kernels = kernels_for(choose_isa());
    std::vector<float> q(head_dim);
    std::vector<float> k(head_dim);
    kernels.rotate(query_.data(), head_dim, rows.row(0), 1.0F, q.data());
    kernels.rotate(key_.data(), head_dim, rows.row(1), 1.0F, k.data());
    double sum = 0;
    for (std::size_t d = 0; d < head_dim; ++d) sum += static_cast<double>(q[d]) * k[d];
    return sum / std::sqrt(head_dim);
  }

 private:
  RotationTable table_;
  ThreadPool pool_;
  std::vector<float> query_;
  std::vector<float> key_;
};

}  // namespace

class RopeTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void scores_do_not_drift_with_the_position_data();
  void scores_do_not_drift_with_the_position();
  void frequencies_fall_as_the_paper_says();
  void linear_scaling_divides_all_frequencies();
  void llama3_scaling_leaves_the_high_and_divides_the_low();
  void yarn_leaves_the_high_and_divides_the_low();
  void the_files_own_divisors_count();
  void longrope_takes_the_long_divisors_beyond_the_original_context();
  void dynamic_scaling_raises_the_base_with_ctx_size();
  void yarn_makes_attention_sharper();
  void yarn_stretches_the_trained_context();
  void rows_are_cos_and_sin();
};

void RopeTest::scores_do_not_drift_with_the_position_data() {
  QTest::addColumn<RopeConfig>("rope");
  QTest::newRow("none") << config(RopeScaling::none);
  QTest::newRow("linear") << config(RopeScaling::linear, 4);
  QTest::newRow("llama3") << config(RopeScaling::llama3, 8);
  QTest::newRow("yarn") << config(RopeScaling::yarn, 16);
  QTest::newRow("dynamic") << config(RopeScaling::dynamic, 2);
  QTest::newRow("dynamic, in steps") << config(RopeScaling::dynamic_steps);
  RopeConfig longrope = config(RopeScaling::longrope, 4);
  for (int pair = 0; pair < head_dim / 2; ++pair) {
    longrope.divisors.push_back(1.0F + 0.05F * static_cast<float>(pair));
    longrope.long_divisors.push_back(1.0F + 2.0F * static_cast<float>(pair));
  }
  QTest::newRow("longrope, long") << longrope;  // the scorer's ctx_size is above the original context
  longrope.original_context = 4096;
  QTest::newRow("longrope, short") << longrope;
  RopeConfig own = config(RopeScaling::none);
  own.divisors = longrope.divisors;
  QTest::newRow("divisors of the file") << own;
  RopeConfig partial = config(RopeScaling::none);
  partial.dimensions = 16;
  QTest::newRow("partial") << partial;
  RopeConfig wide = config(RopeScaling::none);
  wide.base = 1e6;
  QTest::newRow("base 1,000,000") << wide;
}

void RopeTest::scores_do_not_drift_with_the_position() {
  QFETCH(RopeConfig, rope);
  Scorer scorer(rope);
  std::mt19937 random(3);
  const auto below = [&random](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 300; ++i) {
    const std::int64_t distance = below(i % 2 == 0 ? 64 : 131'072);
    const std::int64_t far = i % 3 == 0 ? below(1'000'000) : 100'000'000 + below(1'000'000);
    QVERIFY(near(scorer.score(far + distance, far), scorer.score(distance, 0), 1e-4));
  }
}

void RopeTest::frequencies_fall_as_the_paper_says() {
  const std::vector<double> frequencies = rope_frequencies(config(RopeScaling::none), 4096);
  QCOMPARE(frequencies.size(), 32U);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    QVERIFY(near(frequencies[i], std::pow(10000.0, -static_cast<double>(2 * i) / head_dim), 1e-15));
  }
}

void RopeTest::linear_scaling_divides_all_frequencies() {
  const std::vector<double> plain = rope_frequencies(config(RopeScaling::none), 4096);
  const std::vector<double> scaled = rope_frequencies(config(RopeScaling::linear, 4), 4096);
  for (std::size_t i = 0; i < plain.size(); ++i) QCOMPARE(scaled[i], plain[i] / 4);
}

void RopeTest::llama3_scaling_leaves_the_high_and_divides_the_low() {
  const std::vector<double> plain = rope_frequencies(config(RopeScaling::none), 4096);
  const std::vector<double> scaled = rope_frequencies(config(RopeScaling::llama3, 8), 4096);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const double wavelength = 2 * std::numbers::pi / plain[i];
    if (wavelength < 1024.0 / 4) QCOMPARE(scaled[i], plain[i]);
    if (wavelength > 1024.0) QCOMPARE(scaled[i], plain[i] / 8);
    QVERIFY(scaled[i] <= plain[i] && scaled[i] >= plain[i] / 8);
  }
}

void RopeTest::yarn_leaves_the_high_and_divides_the_low() {
  const std::vector<double> plain = rope_frequencies(config(RopeScaling::none), 4096);
  const std::vector<double> scaled = rope_frequencies(config(RopeScaling::yarn, 16), 4096);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const double turns = 1024 * plain[i] / (2 * std::numbers::pi);
    if (turns > 45) QCOMPARE(scaled[i], plain[i]);        // 32 turns, rounded to a whole dimension
    if (turns < 0.7) QCOMPARE(scaled[i], plain[i] / 16);  // one turn, likewise
    QVERIFY(scaled[i] <= plain[i] && scaled[i] >= plain[i] / 16);
  }
}

void RopeTest::the_files_own_divisors_count() {
  RopeConfig rope = config(RopeScaling::none);
  const std::vector<double> plain = rope_frequencies(rope, 4096);
  rope.divisors.assign(32, 1.0F);
  rope.divisors[31] = 8;
  const std::vector<double> divided = rope_frequencies(rope, 4096);
  QCOMPARE(divided[30], plain[30]);
  QCOMPARE(divided[31], plain[31] / 8);
}

void RopeTest::longrope_takes_the_long_divisors_beyond_the_original_context() {
  RopeConfig rope = config(RopeScaling::longrope, 4);
  rope.divisors.assign(32, 1.5F);
  rope.long_divisors.assign(32, 6.0F);
  const std::vector<double> plain = rope_frequencies(config(RopeScaling::none), 4096);
  QCOMPARE(rope_frequencies(rope, 1024)[5], plain[5] / 1.5);
  QCOMPARE(rope_frequencies(rope, 1025)[5], plain[5] / 6);
  QVERIFY(near(rope_amplitude(rope), std::sqrt(1 + std::log(4.0) / std::log(1024.0)), 1e-12));
}

// So that the slowest pair turns within ctx_size as far as it did within the original context.
void RopeTest::dynamic_scaling_raises_the_base_with_ctx_size() {
  const RopeConfig rope = config(RopeScaling::dynamic, 2);
  const std::vector<double> plain = rope_frequencies(config(RopeScaling::none), 4096);
  QCOMPARE(rope_frequencies(rope, 1024), plain);
  const std::vector<double> stretched = rope_frequencies(rope, 4096);
  QCOMPARE(stretched[0], 1.0);
  QVERIFY(near(stretched[31] * 7, plain[31], 1e-12));  // 2 × 4096 / 1024 − 1
  QCOMPARE(rope_amplitude(rope), 1.0);
  RopeConfig steps = config(RopeScaling::dynamic_steps);
  QCOMPARE(rope_frequencies(steps, 1024), plain);
  QVERIFY(near(rope_frequencies(steps, 1025)[31] * 3, plain[31], 1e-12));  // 2^2 − 1
  QVERIFY(near(rope_frequencies(steps, 4096)[31] * 7, plain[31], 1e-12));  // 2^3 − 1
}

void RopeTest::yarn_makes_attention_sharper() {
  QCOMPARE(rope_amplitude(config(RopeScaling::linear, 4)), 1.0);
  QVERIFY(near(rope_amplitude(config(RopeScaling::yarn, 4)), 0.1 * std::log(4.0) + 1, 1e-12));
  RopeConfig stated = config(RopeScaling::yarn, 4);
  stated.attention_factor = 1.25;
  QCOMPARE(rope_amplitude(stated), 1.25);
}

void RopeTest::yarn_stretches_the_trained_context() {
  QCOMPARE(context_after_scaling(config(RopeScaling::yarn, 4), 1024), 4096);
  QCOMPARE(context_after_scaling(config(RopeScaling::yarn, 4), 8192), 8192);
  QCOMPARE(context_after_scaling(config(RopeScaling::yarn, 4), 0), 0);
  QCOMPARE(context_after_scaling(config(RopeScaling::llama3, 4), 1024), 1024);
}

void RopeTest::rows_are_cos_and_sin() {
  ThreadPool pool(2);
  RotationTable table({1.0, 0.25}, 2.0);
  std::vector<std::int64_t> positions(50);
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i * i);
  const RotationRows rows = table.rows(positions, pool);
  QCOMPARE(rows.pairs, 2);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto position = static_cast<double>(positions[i]);
    QVERIFY(near(rows.cos[2 * i], 2 * std::cos(position), 1e-6));
    QVERIFY(near(rows.sin[2 * i + 1], 2 * std::sin(position / 4), 1e-6));
  }
}

QTEST_APPLESS_MAIN(RopeTest)
#include "tst_rope.moc"
