#include <QTest>
#include <cmath>

#include "cache/kv_memory.h"
#include "engine/cache/rounded_row.h"
#include "engine/kernels/kernel_test.h"

using namespace runnel;

namespace {

constexpr float untouched = -12345.0F;
constexpr int n_slots = 150;

/// A memory of keys and values, and what was written, rounded as the memory rounds.
struct Memory {
  Memory(int head_dim, KvType type, std::mt19937& random)
      : rows({.layers = 1, .kv_heads = 1, .head_dim = head_dim}, n_slots, type) {
    for (int slot = 0; slot < n_slots; ++slot) {
      std::vector<float> key = random_floats(static_cast<std::size_t>(head_dim), random);
      std::vector<float> value = random_floats(static_cast<std::size_t>(head_dim), random);
      rows.store(0, 0, slot, key.data(), value.data(), kernels_for(Isa::scalar));
      keys.push_back(rounded(type, key));
      values.push_back(rounded(type, value));
    }
  }

  KvMemory rows;
  std::vector<std::vector<float>> keys;
  std::vector<std::vector<float>> values;
};

/// Some queries against `count` slots from `slot` on.
struct Call {
  int rows;
  int slot;
  int count;
};

QString wrong_score(const Kernels& kernels, const Memory& memory, const Call& call, std::mt19937& random) {
  const auto dim = memory.keys[0].size();
  const auto stride = static_cast<std::size_t>(call.count) + 3;
  const std::vector<float> q = random_floats(static_cast<std::size_t>(call.rows) * dim, random);
  std::vector<float> out(static_cast<std::size_t>(call.rows) * stride, untouched);
  const auto scores = kernels.kv[static_cast<std::size_t>(memory.rows.type())].scores;
  scores(q.data(), call.rows, memory.rows.view(0, 0), call.slot, call.count, out.data(), stride);
  for (std::size_t r = 0; r < static_cast<std::size_t>(call.rows); ++r) {
    for (std::size_t j = 0; j < stride; ++j) {
      double expected = 0;
      double magnitude = 0;
      if (j >= static_cast<std::size_t>(call.count)) {
        expected = untouched;
      } else {
        const std::vector<float>& key = memory.keys[static_cast<std::size_t>(call.slot) + j];
        for (std::size_t d = 0; d < dim; ++d) {
          expected += static_cast<double>(q[r * dim + d]) * key[d];
          magnitude += std::abs(static_cast<double>(q[r * dim + d]) * key[d]);
        }
      }
      if (!near(out[r * stride + j], expected, 1e-5 * magnitude)) return QString("row %1, key %2").arg(r).arg(j);
    }
  }
  return {};
}

QString wrong_sum(const Kernels& kernels, const Memory& memory, const Call& call, std::mt19937& random) {
  const auto dim = memory.values[0].size();
  const auto stride = static_cast<std::size_t>(call.count) + 3;
  const std::vector<float> weights = random_floats(static_cast<std::size_t>(call.rows) * stride, random);
  const std::vector<float> before = random_floats(static_cast<std::size_t>(call.rows) * dim, random);
  std::vector<float> out = before;
  const auto accumulate = kernels.kv[static_cast<std::size_t>(memory.rows.type())].accumulate;
  accumulate(weights.data(), stride, call.rows, memory.rows.view(0, 0), call.slot, call.count, out.data());
  for (std::size_t r = 0; r < static_cast<std::size_t>(call.rows); ++r) {
    for (std::size_t d = 0; d < dim; ++d) {
      double expected = before[r * dim + d];
      double magnitude = std::abs(expected);
      for (std::size_t j = 0; j < static_cast<std::size_t>(call.count); ++j) {
        const double product =
            static_cast<double>(weights[r * stride + j]) * memory.values[static_cast<std::size_t>(call.slot) + j][d];
        expected += product;
        magnitude += std::abs(product);
      }
      if (!near(out[r * dim + d], expected, 1e-5 * magnitude)) return QString("row %1, dimension %2").arg(r).arg(d);
    }
  }
  return {};
}

}  // namespace

/// The two halves of attention, at every level, against their definitions in double precision.
class ScoresTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void scores_and_sums_are_as_defined_data();
  void scores_and_sums_are_as_defined();
};

void ScoresTest::scores_and_sums_are_as_defined_data() {
  QTest::addColumn<const Kernels*>("kernels");
  QTest::addColumn<KvType>("type");
  QTest::addColumn<int>("head_dim");
  for (const Kernels* kernels : all_levels()) {
    for (const KvType type : kv_types) {
      for (const int head_dim : {2, 16, 50, 64, 80, 100, 128}) {
        const std::string level(name_of(kernels->isa));
        QTest::addRow("%s, %s, %d", level.c_str(), std::string(name_of(type)).c_str(), head_dim)
            << kernels << type << head_dim;
      }
    }
  }
}

void ScoresTest::scores_and_sums_are_as_defined() {
  QFETCH(const Kernels*, kernels);
  QFETCH(KvType, type);
  QFETCH(int, head_dim);
  std::mt19937 random(1);
  const Memory memory(head_dim, type, random);
  for (const int rows : {1, 2, 3, 4, 5, 7, 8, 9, 16, 24}) {
    for (const int slot : {0, 1, 15, 16, 37}) {
      for (const int count : {1, 2, 15, 16, 17, 64}) {
        const Call call{.rows = rows, .slot = slot, .count = count};
        const QString where = QString(" (%1 rows, %2 keys from slot %3)").arg(rows).arg(count).arg(slot);
        const QString score = wrong_score(*kernels, memory, call, random);
        QVERIFY2(score.isEmpty(), qPrintable("score: " + score + where));
        const QString sum = wrong_sum(*kernels, memory, call, random);
        QVERIFY2(sum.isEmpty(), qPrintable("sum: " + sum + where));
      }
    }
  }
}

QTEST_APPLESS_MAIN(ScoresTest)
#include "tst_scores.moc"
