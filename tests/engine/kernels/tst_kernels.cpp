#include <QTest>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "engine/kernels/kernel_test.h"
#include "quant/half.h"

using namespace runnel;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr int lengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 576, 1537};

constexpr Activation activations[] = {Activation::silu, Activation::gelu, Activation::gelu_tanh, Activation::relu};

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::relu:
      return std::max(x, 0.0);
  }
  return 0;
}

// GELU subtracts numbers that nearly cancel for negative x; silu does not.
double tolerance_of(Activation activation, double x, double expected) {
  if (activation == Activation::silu) return 1e-6 * std::abs(expected) + 1e-35;
  if (activation == Activation::relu) return 1e-7 * std::abs(expected);
  return 4e-7 * std::max(1.0, std::abs(x));
}

}  // namespace

/// The operations on one row, at every level.
class KernelsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_level_calls_itself_by_its_name_data() { level_rows(); }
  void every_level_calls_itself_by_its_name();
  void rms_norm_is_as_defined_data() { level_rows(); }
  void rms_norm_is_as_defined();
  void rms_norm_of_zeros_is_zero_data() { level_rows(); }
  void rms_norm_of_zeros_is_zero();
  void layer_norm_is_as_defined_data() { level_rows(); }
  void layer_norm_is_as_defined();
  void activations_are_as_defined_data() { level_rows(); }
  void activations_are_as_defined();
  void soft_cap_is_as_defined_data() { level_rows(); }
  void soft_cap_is_as_defined();
  void rotate_is_as_defined_data() { level_rows(); }
  void rotate_is_as_defined();
  void add_ramp_is_as_defined_data() { level_rows(); }
  void add_ramp_is_as_defined();
  void add_is_as_defined_data() { level_rows(); }
  void add_is_as_defined();
  void exp_sum_is_as_defined_data() { level_rows(); }
  void exp_sum_is_as_defined();
  void exp_sum_takes_minus_infinity_for_zero_data() { level_rows(); }
  void exp_sum_takes_minus_infinity_for_zero();
  void largest_is_found_at_every_place_data() { level_rows(); }
  void largest_is_found_at_every_place();
  void to_half_rounds_to_nearest_even_data() { level_rows(); }
  void to_half_rounds_to_nearest_even();
  void to_bf16_rounds_to_nearest_even_data() { level_rows(); }
  void to_bf16_rounds_to_nearest_even();
};

void KernelsTest::every_level_calls_itself_by_its_name() {
  QFETCH(const Kernels*, kernels);
  QCOMPARE(QString::fromStdString(std::string(name_of(kernels->isa))), QString(QTest::currentDataTag()));
}

void KernelsTest::rms_norm_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(1);
  for (const int n : lengths) {
    const auto size = static_cast<std::size_t>(n);
    const std::vector<float> x = random_floats(size, random, 10);
    const std::vector<float> weight = random_floats(size, random);
    std::vector<float> out(size);
    kernels->rms_norm(x.data(), weight.data(), n, 1e-5F, out.data());
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * value;
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = x[i] / std::sqrt(squares / n + 1e-5) * weight[i];
      QVERIFY2(near(out[i], expected, 3e-6 * std::abs(expected)), qPrintable(QString("%1 of %2").arg(i).arg(n)));
    }
  }
}

void KernelsTest::rms_norm_of_zeros_is_zero() {
  QFETCH(const Kernels*, kernels);
  const std::vector<float> weight(33, 2.0F);
  std::vector<float> x(33, 0.0F);
  kernels->rms_norm(x.data(), weight.data(), 33, 1e-6F, x.data());
  QCOMPARE(x, std::vector<float>(33, 0.0F));
}

void KernelsTest::layer_norm_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(7);
  for (const int n : lengths) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<float> x = random_floats(size, random, 3);
    for (float& value : x) value += 10;
    const std::vector<float> weight = random_floats(size, random);
    const std::vector<float> bias = random_floats(size, random);
    std::vector<float> out(size);
    std::vector<float> without_bias = x;
    kernels->layer_norm(x.data(), weight.data(), bias.data(), n, 1e-5F, out.data());
    kernels->layer_norm(without_bias.data(), weight.data(), nullptr, n, 1e-5F, without_bias.data());
    double mean = 0;
    for (const float value : x) mean += static_cast<double>(value) / n;
    double variance = 0;
    for (const float value : x) variance += (value - mean) * (value - mean) / n;
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = (x[i] - mean) / std::sqrt(variance + 1e-5) * weight[i];
      QVERIFY2(near(out[i], expected + bias[i], 2e-5), qPrintable(QString("%1 of %2").arg(i).arg(n)));
      QVERIFY2(near(without_bias[i], expected, 2e-5), qPrintable(QString("%1 of %2").arg(i).arg(n)));
    }
  }
}

void KernelsTest::activations_are_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(2);
  for (const Activation activation : activations) {
    for (const int n : lengths) {
      for (const float deviation : {1.0F, 30.0F}) {  // to well beyond where exp leaves the floats' range
        const auto size = static_cast<std::size_t>(n);
        const std::vector<float> x = random_floats(size, random, deviation);
        const std::vector<float> up = random_floats(size, random);
        std::vector<float> plain = x;
        std::vector<float> gated = x;
        kernels->activate(activation, plain.data(), n, plain.data());
        kernels->activate_gate(activation, gated.data(), up.data(), n, gated.data());
        for (std::size_t i = 0; i < size; ++i) {
          const double expected = activated(activation, x[i]);
          const double tolerance = tolerance_of(activation, x[i], expected);
          QVERIFY2(near(plain[i], expected, tolerance), qPrintable(QString("f(%1) = %2").arg(x[i]).arg(plain[i])));
          QVERIFY2(near(gated[i], expected * up[i], tolerance * std::abs(up[i]) * 1.01),
                   qPrintable(QString::number(x[i])));
        }
      }
    }
  }
}

void KernelsTest::soft_cap_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(8);
  for (const int n : lengths) {
    for (const float cap : {0.5F, 20.0F, 50.0F}) {
      std::vector<float> x = random_floats(static_cast<std::size_t>(n), random, 60);
      x.front() = 1e30F;
      const std::vector<float> original = x;
      kernels->soft_cap(x.data(), n, cap);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = cap * std::tanh(static_cast<double>(original[i]) / cap);
        QVERIFY2(near(x[i], expected, 4e-7 * cap), qPrintable(QString::number(original[i])));
      }
    }
  }
}

void KernelsTest::rotate_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(10);
  for (const int head_dim : {4, 64, 80, 100, 128}) {
    for (const int pairs : {0, 1, head_dim / 4, head_dim / 2}) {
      const std::vector<float> x = random_floats(static_cast<std::size_t>(head_dim), random);
      const std::vector<float> cos = random_floats(static_cast<std::size_t>(pairs), random);
      const std::vector<float> sin = random_floats(static_cast<std::size_t>(pairs), random);
      std::vector<float> out(x.size());
      kernels->rotate(x.data(), head_dim, {.cos = cos.data(), .sin = sin.data(), .pairs = pairs}, 2.0F, out.data());
      std::vector<double> expected(x.begin(), x.end());
      for (std::size_t i = 0; i < cos.size(); ++i) {
        const std::size_t other = i + cos.size();
        expected[i] = static_cast<double>(x[i]) * cos[i] - static_cast<double>(x[other]) * sin[i];
        expected[other] = static_cast<double>(x[other]) * cos[i] + static_cast<double>(x[i]) * sin[i];
      }
      for (std::size_t i = 0; i < out.size(); ++i) QVERIFY(near(out[i], 2 * expected[i], 1e-5));
    }
  }
}

void KernelsTest::add_ramp_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(9);
  for (const int n : lengths) {
    std::vector<float> x = random_floats(static_cast<std::size_t>(n), random);
    const std::vector<float> original = x;
    kernels->add_ramp(x.data(), n, -131072.0F * 0.25F, 0.25F);
    for (std::size_t i = 0; i < x.size(); ++i) {
      QVERIFY(near(x[i], original[i] + (static_cast<double>(i) - 131072) * 0.25, 4e-3));
    }
  }
}

void KernelsTest::add_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(3);
  for (const int n : lengths) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<float> x = random_floats(size, random);
    const std::vector<float> y = random_floats(size, random);
    std::vector<float> expected = x;
    for (std::size_t i = 0; i < size; ++i) expected[i] += y[i];
    kernels->add(y.data(), n, x.data());
    QCOMPARE(x, expected);
  }
}

void KernelsTest::exp_sum_is_as_defined() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(4);
  QCOMPARE(kernels->exp_sum(nullptr, 0, 0.0F), 0.0F);
  for (const int n : lengths) {
    std::vector<float> x = random_floats(static_cast<std::size_t>(n), random, 20);
    const std::vector<float> original = x;
    const float max = *std::max_element(x.begin(), x.end());
    const float sum = kernels->exp_sum(x.data(), n, max);
    double expected_sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = std::exp(static_cast<double>(original[i] - max));
      expected_sum += expected;
      QVERIFY2(near(x[i], expected, 5e-7 * expected + 1e-37), qPrintable(QString("exp(%1)").arg(original[i] - max)));
    }
    QVERIFY(near(sum, expected_sum, 3e-6 * expected_sum));
  }
}

void KernelsTest::exp_sum_takes_minus_infinity_for_zero() {
  QFETCH(const Kernels*, kernels);
  for (int hidden = 0; hidden < 40; ++hidden) {
    std::vector<float> x(40, 1.0F);
    std::fill_n(x.begin(), hidden, -infinity);
    QCOMPARE(kernels->exp_sum(x.data(), 40, 1.0F), static_cast<float>(40 - hidden));
    for (int i = 0; i < 40; ++i) QCOMPARE(x[static_cast<std::size_t>(i)], i < hidden ? 0.0F : 1.0F);
  }
}

void KernelsTest::largest_is_found_at_every_place() {
  QFETCH(const Kernels*, kernels);
  QCOMPARE(kernels->largest(nullptr, 0), -infinity);
  for (int n = 1; n < 70; ++n) {
    for (int at = 0; at < n; ++at) {
      std::vector<float> x(static_cast<std::size_t>(n), -9.0F);
      x[static_cast<std::size_t>(at)] = -3.0F;
      QCOMPARE(kernels->largest(x.data(), n), -3.0F);
    }
  }
  const std::vector<float> nothing(20, -infinity);
  QCOMPARE(kernels->largest(nothing.data(), 20), -infinity);
}

void KernelsTest::to_half_rounds_to_nearest_even() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(5);
  std::vector<float> x = random_floats(1000, random, 100);
  for (const float special : {0.0F, -0.0F, 65504.0F, 65519.0F, 65520.0F, -1e9F, infinity, -infinity, 0x1p-24F, 0x1p-25F,
                              0x1.8p-24F, 6.1e-5F, 1e-30F, 1.0F + 0x1p-11F, 1.0F + 0x1.8p-10F}) {
    x.push_back(special);
  }
  for (std::size_t n : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{17}, x.size()}) {
    const std::span<const float> in = std::span(x).last(n);
    std::vector<std::uint16_t> out(n);
    kernels->to_half(in.data(), static_cast<int>(n), out.data());
    for (std::size_t i = 0; i < n; ++i) QCOMPARE(out[i], f32_to_f16(in[i]));
  }
}

void KernelsTest::to_bf16_rounds_to_nearest_even() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(6);
  std::vector<float> x = random_floats(1000, random, 100);
  for (const float special :
       {0.0F, -0.0F, 1e-40F, 3e38F, 3.3999e38F, infinity, -infinity, 1.0F + 0x1p-8F, 1.0F + 0x1.8p-7F})
    x.push_back(special);
  for (std::size_t n : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{17}, x.size()}) {
    const std::span<const float> in = std::span(x).last(n);
    std::vector<std::uint16_t> out(n);
    kernels->to_bf16(in.data(), static_cast<int>(n), out.data());
    for (std::size_t i = 0; i < n; ++i) QCOMPARE(out[i], f32_to_bf16(in[i]));
  }
}

QTEST_APPLESS_MAIN(KernelsTest)
#include "tst_kernels.moc"
