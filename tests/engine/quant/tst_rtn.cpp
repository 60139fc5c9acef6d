#include <QTest>
#include <cmath>
#include <limits>

#include "engine/format/arrays.h"
#include "quant/rtn.h"
#include "runnel/error.h"

using namespace runnel;

class RtnTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void agrees_with_the_reference_data();
  void agrees_with_the_reference();
  void a_row_may_end_in_a_shorter_group();
  void ties_go_to_the_even_integer();
  void extremes_stay_in_range();
  void refuses_what_it_can_not_do();

 private:
  const Arrays golden_{RUNNEL_FIXTURES "/quant/rtn.safetensors"};
};

void RtnTest::agrees_with_the_reference_data() {
  QTest::addColumn<int>("bits");
  QTest::addColumn<int>("group_size");
  QTest::addColumn<bool>("symmetric");
  for (int bits : {4, 8}) {
    for (int group_size : {32, 64, 128, -1}) {
      for (bool symmetric : {true, false}) {
        const QString name = QString("int%1.g%2.%3").arg(bits).arg(group_size).arg(symmetric ? "sym" : "asym");
        QTest::newRow(qPrintable(name)) << bits << group_size << symmetric;
      }
    }
  }
}

void RtnTest::agrees_with_the_reference() {
  QFETCH(int, bits);
  QFETCH(int, group_size);
  QFETCH(bool, symmetric);
  const std::string name = QTest::currentDataTag();
  const RtnMatrix matrix = quantize_rtn(golden_.all<float>("weight"), 6, 256,
                                        {.bits = bits, .group_size = group_size, .symmetric = symmetric});
  QCOMPARE(matrix.q, golden_.all<std::int16_t>(name + ".q"));

  const auto scales = golden_.all<float>(name + ".scale");
  const auto zeros = symmetric ? std::vector<std::int16_t>(scales.size()) : golden_.all<std::int16_t>(name + ".zero");
  QCOMPARE(matrix.groups.size(), scales.size());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    QVERIFY(matrix.groups[i].scale == scales[i]);  // exactly: QCOMPARE would forgive a relative 1e-5
    QCOMPARE(matrix.groups[i].zero, zeros[i]);
  }

  const auto expected = golden_.all<float>(name + ".value");
  std::vector<float> found(expected.size());
  dequantize_rtn(matrix, found);
  for (std::size_t i = 0; i < found.size(); ++i)
    QVERIFY(std::abs(found[i] - expected[i]) <= 1e-6f * std::abs(expected[i]));
}

void RtnTest::a_row_may_end_in_a_shorter_group() {
  std::vector<float> weights(2 * 40, 1.0f);
  weights[35] = -14.0f;
  const RtnMatrix matrix = quantize_rtn(weights, 2, 40, {});
  QCOMPARE(matrix.groups_per_row, 2);
  QCOMPARE(matrix.groups.size(), 4u);
  QCOMPARE(matrix.groups[0].scale, 1.0f / 7);
  QCOMPARE(matrix.groups[1].scale, 2.0f);
  QCOMPARE(matrix.groups[3].scale, 1.0f / 7);
  QCOMPARE(matrix.q[35], std::int16_t{-7});
  QCOMPARE(matrix.q[36], std::int16_t{0});  // 0.5 goes to the even 0
  std::vector<float> values(weights.size());
  dequantize_rtn(matrix, values);
  QCOMPARE(values[35], -14.0f);
  QCOMPARE(values[79], 1.0f);
}

void RtnTest::ties_go_to_the_even_integer() {
  const std::vector<float> weights = {7.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f};
  std::vector<std::int16_t> q(weights.size());
  QCOMPARE(quantize_rtn_group(weights, {}, q).scale, 1.0f);
  QCOMPARE(q, (std::vector<std::int16_t>{7, 0, 2, 2, 0, -2, -2}));
}

void RtnTest::extremes_stay_in_range() {
  constexpr float most = std::numeric_limits<float>::max();
  constexpr float least = std::numeric_limits<float>::denorm_min();
  for (int bits : {4, 8}) {
    for (bool symmetric : {true, false}) {
      for (const std::vector<float>& weights : {std::vector{most, -most, 1.0f}, std::vector{least, -least, 0.0f}}) {
        std::vector<std::int16_t> q(weights.size());
        const RtnGroup group = quantize_rtn_group(weights, {.bits = bits, .symmetric = symmetric}, q);
        QVERIFY(std::isfinite(group.scale));
        for (std::int16_t integer : q) {
          QVERIFY(integer >= (symmetric ? -(1 << (bits - 1)) + 1 : 0));
          QVERIFY(integer < (symmetric ? 1 << (bits - 1) : 1 << bits));
        }
      }
    }
  }
}

void RtnTest::refuses_what_it_can_not_do() {
  const std::vector<float> weights(32, 1.0f);
  QVERIFY_EXCEPTION_THROWN(quantize_rtn(weights, 1, 32, {.bits = 3}), Error);
  QVERIFY_EXCEPTION_THROWN(quantize_rtn(weights, 1, 32, {.group_size = 0}), Error);
  QVERIFY_EXCEPTION_THROWN(quantize_rtn(weights, 2, 32, {}), Error);
  for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<float> damaged = weights;
    damaged[31] = bad;
    QVERIFY_EXCEPTION_THROWN(quantize_rtn(damaged, 1, 32, {}), Error);
  }
}

QTEST_APPLESS_MAIN(RtnTest)
#include "tst_rtn.moc"
