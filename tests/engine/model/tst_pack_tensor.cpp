#include <QTest>
#include <cmath>

#include "engine/format/temporary_folder.h"
#include "model/pack_tensor.h"
#include "quant/half.h"

using namespace runnel;

namespace {

/// A matrix in memory as a file would hold it.
struct Matrix {
  Matrix(BlockType block_type, int n_rows, int n_columns, std::span<const float> values)
      : type(block_type), rows(n_rows), columns(n_columns) {
    for (const float value : values) {
      const std::uint16_t half = type == BlockType::bf16 ? f32_to_bf16(value) : f32_to_f16(value);
      const auto* from = type == BlockType::f32 ? reinterpret_cast<const std::byte*>(&value)
                                                : reinterpret_cast<const std::byte*>(&half);
      bytes.insert(bytes.end(), from, from + (type == BlockType::f32 ? 4 : 2));
    }
  }

  PackedMatrix pack(const LoadOptions& options, const std::stop_token& stop = {}) const {
    const TensorView view{.name = "some.weight", .type = type, .shape = {rows, columns}, .data = bytes};
    ThreadPool pool(2);
    return pack_tensor({.tensor = view, .rows = rows, .columns = columns, .row_of = {}, .file = "a file"}, options,
                       pool, stop);
  }

  BlockType type;
  int rows;
  int columns;
  std::vector<std::byte> bytes;
};

std::vector<float> values_of(const PackedMatrix& matrix) {
  std::vector<float> all;
  for (int row = 0; row < matrix.rows; ++row) {
    std::vector<float> values(static_cast<std::size_t>(matrix.columns));
    unpack_row(matrix, row, values);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

// Forty rows, one value of which is `extreme`.
std::vector<float> with_extreme(int columns, float extreme) {
  std::vector<float> values(static_cast<std::size_t>(40 * columns), 0.5F);
  values[values.size() / 2 + 3] = extreme;
  return values;
}

}  // namespace

class PackTensorTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void each_type_has_its_packing_data();
  void each_type_has_its_packing();
  void vocabularies_have_eight_bits();
  void values_beyond_f16_are_held_wider_data();
  void values_beyond_f16_are_held_wider();
  void values_that_are_not_finite_are_refused_by_name_data();
  void values_that_are_not_finite_are_refused_by_name();
  void can_be_stopped();
};

void PackTensorTest::each_type_has_its_packing_data() {
  QTest::addColumn<BlockType>("source");
  QTest::addColumn<WeightType>("weights");
  QTest::addColumn<ComputeType>("compute");
  QTest::addColumn<int>("columns");
  QTest::addColumn<Packing>("packing");
  QTest::addColumn<bool>("rounded");
  using enum WeightType;
  using Block = BlockType;
  const auto automatic_compute = ComputeType::automatic;
  QTest::newRow("as it is, F32") << Block::f32 << as_is << automatic_compute << 64 << Packing::f32 << false;
  QTest::newRow("as it is, BF16") << Block::bf16 << as_is << automatic_compute << 64 << Packing::bf16 << false;
  QTest::newRow("as it is, F16") << Block::f16 << as_is << automatic_compute << 64 << Packing::f16 << false;
  QTest::newRow("as it is, Q4_1") << Block::q4_1 << as_is << automatic_compute << 64 << Packing::q4_offset << false;
  QTest::newRow("as it is, Q4_1 in bf16") << Block::q4_1 << as_is << ComputeType::bf16 << 64 << Packing::bf16 << false;
  QTest::newRow("as it is, Q8_0 in f32") << Block::q8_0 << as_is << ComputeType::f32 << 64 << Packing::f32 << false;
  QTest::newRow("int4") << Block::bf16 << int4 << automatic_compute << 64 << Packing::q4 << true;
  QTest::newRow("int4, rows of 40") << Block::bf16 << int4 << automatic_compute << 40 << Packing::f16 << true;
  QTest::newRow("int4 in bf16") << Block::f32 << int4 << ComputeType::bf16 << 64 << Packing::bf16 << true;
  QTest::newRow("int4 in f32") << Block::f32 << int4 << ComputeType::f32 << 40 << Packing::f32 << true;
  QTest::newRow("int4 of Q6_K") << Block::q6_k << int4 << automatic_compute << 256 << Packing::q4 << true;
  QTest::newRow("int4 of Q8_0, which stays") << Block::q8_0 << int4 << automatic_compute << 64 << Packing::q8 << false;
  QTest::newRow("int8") << Block::f16 << int8 << ComputeType::int8 << 64 << Packing::q8 << true;
  QTest::newRow("f16") << Block::q4_0 << f16 << automatic_compute << 64 << Packing::f16 << false;
  QTest::newRow("bf16") << Block::f32 << bf16 << ComputeType::int8 << 64 << Packing::bf16 << false;
  QTest::newRow("f32") << Block::q4_0 << f32 << automatic_compute << 64 << Packing::f32 << false;
}

void PackTensorTest::each_type_has_its_packing() {
  QFETCH(BlockType, source);
  QFETCH(WeightType, weights);
  QFETCH(ComputeType, compute);
  QFETCH(int, columns);
  QFETCH(Packing, packing);
  QFETCH(bool, rounded);
  const Holding holding =
      holding_for(source, MatrixUse::layer, columns, {.weight_dtype = weights, .compute_dtype = compute});
  QCOMPARE(holding.packing, packing);
  QCOMPARE(holding.rtn.has_value(), rounded);
}

void PackTensorTest::vocabularies_have_eight_bits() {
  const auto packing = [](WeightType type, Scheme scheme) {
    return holding_for(BlockType::bf16, MatrixUse::vocabulary, 64, {.weight_dtype = type, .scheme = scheme}).packing;
  };
  QCOMPARE(packing(WeightType::int4, Scheme::sym), Packing::q8);
  QCOMPARE(packing(WeightType::int4, Scheme::asym), Packing::q8);
  QCOMPARE(packing(WeightType::int8, Scheme::sym), Packing::q8);
  QCOMPARE(packing(WeightType::int8, Scheme::asym), Packing::q8_offset);
}

void PackTensorTest::values_beyond_f16_are_held_wider_data() {
  QTest::addColumn<BlockType>("source");
  QTest::addColumn<WeightType>("weights");
  QTest::addColumn<Scheme>("scheme");
  QTest::addColumn<float>("extreme");
  QTest::addColumn<Packing>("packing");
  QTest::newRow("the last that fits") << BlockType::f32 << WeightType::f16 << Scheme::sym << 65504.0F << Packing::f16;
  QTest::newRow("F32 as f16") << BlockType::f32 << WeightType::f16 << Scheme::sym << -65520.0F << Packing::f32;
  QTest::newRow("BF16 as f16") << BlockType::bf16 << WeightType::f16 << Scheme::sym << 131072.0F << Packing::bf16;
  QTest::newRow("F32 as bf16") << BlockType::f32 << WeightType::bf16 << Scheme::sym << 3.4e38F << Packing::f32;
  QTest::newRow("int4, scale fits") << BlockType::f32 << WeightType::int4 << Scheme::sym << 4e5F << Packing::q4;
  QTest::newRow("int4, scale does not") << BlockType::f32 << WeightType::int4 << Scheme::sym << 5e5F << Packing::f32;
  QTest::newRow("int4, offset does not") << BlockType::bf16 << WeightType::int4 << Scheme::asym << -131072.0F
                                         << Packing::f32;
}

void PackTensorTest::values_beyond_f16_are_held_wider() {
  QFETCH(BlockType, source);
  QFETCH(WeightType, weights);
  QFETCH(Scheme, scheme);
  QFETCH(float, extreme);
  QFETCH(Packing, packing);
  const Matrix matrix(source, 40, 64, with_extreme(64, extreme));
  const PackedMatrix packed = matrix.pack({.weight_dtype = weights, .scheme = scheme});
  QCOMPARE(packed.packing, packing);
  const float held = values_of(packed)[40 * 64 / 2 + 3];
  QVERIFY2(std::abs(held - extreme) <= 1e-3F * std::abs(extreme), qPrintable(QString::number(held)));
}

void PackTensorTest::values_that_are_not_finite_are_refused_by_name_data() {
  QTest::addColumn<WeightType>("weights");
  QTest::addColumn<float>("value");
  for (const WeightType weights : {WeightType::as_is, WeightType::int4, WeightType::f16}) {
    QTest::addRow("%d, NaN", static_cast<int>(weights)) << weights << std::nanf("");
    QTest::addRow("%d, infinity", static_cast<int>(weights)) << weights << -INFINITY;
  }
}

void PackTensorTest::values_that_are_not_finite_are_refused_by_name() {
  QFETCH(WeightType, weights);
  QFETCH(float, value);
  for (const BlockType source : {BlockType::f32, BlockType::bf16, BlockType::f16}) {
    const Matrix matrix(source, 40, 32, with_extreme(32, value));
    const QString sentence = refusal([&] { matrix.pack({.weight_dtype = weights}); });
    QVERIFY2(sentence.contains("a file") && sentence.contains("some.weight"), qPrintable(sentence));
  }
}

void PackTensorTest::can_be_stopped() {
  std::stop_source stop;
  stop.request_stop();
  const Matrix matrix(BlockType::f32, 40, 32, with_extreme(32, 1));
  QVERIFY_THROWS_EXCEPTION(Cancelled, matrix.pack({.weight_dtype = WeightType::int4}, stop.get_token()));
}

QTEST_APPLESS_MAIN(PackTensorTest)
#include "tst_pack_tensor.moc"
