#include <QTest>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "quant/half.h"

using namespace runnel;

namespace {

// The compiler's own half precision is the reference: an implementation that shares nothing with ours.
float reference_f16(std::uint16_t half) {
  return static_cast<float>(std::bit_cast<_Float16>(half));
}
std::uint16_t reference_half(float value) {
  return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
}

/// Rounding in double precision, by the definition: the nearest multiple of the unit in the last place, ties to even.
std::uint16_t reference_bfloat(float value) {
  const float truncated = bf16_to_f32(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
  const auto low = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(truncated) >> 16);
  const auto high = static_cast<std::uint16_t>(low + 1);
  const double to_low = std::abs(static_cast<double>(value) - truncated);
  // Beyond the largest bfloat16 the next value counts as 2^128, for the distance.
  const double next = std::isinf(bf16_to_f32(high)) ? std::copysign(0x1p128, value) : bf16_to_f32(high);
  const double to_high = std::abs(static_cast<double>(value) - next);
  if (to_low != to_high) return to_low < to_high ? low : high;
  return low % 2 == 0 ? low : high;
}

static_assert(f16_to_f32(0x3C00) == 1.0f && f32_to_f16(-2.0f) == 0xC000 && f32_to_bf16(1.0f) == 0x3F80);

}  // namespace

class HalfTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_half_has_the_value_of_the_reference();
  void every_half_comes_back_from_its_value();
  void floats_around_every_half_round_as_the_reference();
  void random_floats_round_as_the_reference();
  void nan_stays_nan();
};

void HalfTest::every_half_has_the_value_of_the_reference() {
  for (std::uint32_t half = 0; half < 65536; ++half) {
    const float found = f16_to_f32(static_cast<std::uint16_t>(half));
    const float expected = reference_f16(static_cast<std::uint16_t>(half));
    if (std::isnan(expected) ? !std::isnan(found)
                             : std::bit_cast<std::uint32_t>(found) != std::bit_cast<std::uint32_t>(expected)) {
      QFAIL(qPrintable(QString("0x%1 became %2, expected %3").arg(half, 4, 16).arg(found).arg(expected)));
    }
  }
}

void HalfTest::every_half_comes_back_from_its_value() {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (!std::isnan(f16_to_f32(half))) QCOMPARE(f32_to_f16(f16_to_f32(half)), half);
    if (!std::isnan(bf16_to_f32(half))) QCOMPARE(f32_to_bf16(bf16_to_f32(half)), half);
  }
}

void HalfTest::floats_around_every_half_round_as_the_reference() {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const float value = f16_to_f32(static_cast<std::uint16_t>(bits));
    const float next = bits == 0x7BFF ? 65536.0f : f16_to_f32(static_cast<std::uint16_t>(bits + 1));
    const float middle = value + (next - value) / 2;
    for (float near :
         {std::nextafter(value, next), std::nextafter(middle, value), middle, std::nextafter(middle, next)}) {
      QCOMPARE(f32_to_f16(near), reference_half(near));
      QCOMPARE(f32_to_f16(-near), reference_half(-near));
    }
  }
}

void HalfTest::random_floats_round_as_the_reference() {
  std::mt19937 random(7);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isnan(value)) continue;
    QCOMPARE(f32_to_f16(value), reference_half(value));
    if (!std::isinf(value)) QCOMPARE(f32_to_bf16(value), reference_bfloat(value));
  }
}

void HalfTest::nan_stays_nan() {
  for (std::uint32_t bits : {0x7F800001u, 0x7FC00000u, 0xFFFFFFFFu, 0xFF80FFFFu, 0x7F80FFFFu}) {
    const auto nan = std::bit_cast<float>(bits);
    QVERIFY(std::isnan(f16_to_f32(f32_to_f16(nan))));
    QVERIFY(std::isnan(bf16_to_f32(f32_to_bf16(nan))));
    QCOMPARE(std::signbit(f16_to_f32(f32_to_f16(nan))), std::signbit(nan));
  }
}

QTEST_APPLESS_MAIN(HalfTest)
#include "tst_half.moc"
