#include <QTest>
#include <cmath>
#include <thread>

#include "engine/format/temporary_folder.h"
#include "engine/kernels/kernel_test.h"
#include "kernels/onednn/bf16_matmul.h"
#include "kernels/packed_matrix.h"
#include "quant/half.h"

using namespace runnel;

namespace {

/// Random weights and activations that bfloat16 holds exactly, so that only sums are rounded.
struct Product {
  Product(int m, int n_rows, int n_columns)
      : tokens(m), rows(n_rows), columns(n_columns), matrix(make_packed(Packing::bf16, n_rows, n_columns)) {
    std::mt19937 random(1);
    const auto width = static_cast<std::size_t>(columns);
    for (int row = 0; row < rows; ++row) {
      std::vector<float> values = random_floats(width, random);
      pack_float_row(matrix, row, values);
      for (const float value : values) weights.push_back(bf16_to_f32(f32_to_bf16(value)));
    }
    x.resize(static_cast<std::size_t>(Bf16Matmul::padded_tokens(m)) * width);
    for (std::uint16_t& value : x) value = f32_to_bf16(random_floats(1, random).front());
  }

  // The first wrong value of `out` in groups [first, last).
  QString fault(const std::vector<float>& out, std::size_t stride, int first, int last) const {
    const auto width = static_cast<std::size_t>(columns);
    for (std::size_t t = 0; t < static_cast<std::size_t>(tokens); ++t) {
      for (int row = first * group_rows; row < std::min(rows, last * group_rows); ++row) {
        double sum = 0;
        double magnitude = 0;
        for (std::size_t c = 0; c < width; ++c) {
          const double product =
              static_cast<double>(weights[static_cast<std::size_t>(row) * width + c]) * bf16_to_f32(x[t * width + c]);
          sum += product;
          magnitude += std::abs(product);
        }
        if (!near(out[t * stride + static_cast<std::size_t>(row)], sum, 1e-5 * magnitude))
          return QString("token %1, row %2").arg(t).arg(row);
      }
    }
    return {};
  }

  int tokens;
  int rows;
  int columns;
  PackedMatrix matrix;
  std::vector<float> weights;    ///< [rows, columns]
  std::vector<std::uint16_t> x;  ///< [padded tokens, columns]
};

}  // namespace

class Bf16MatmulTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void multiplies_as_defined_data();
  void multiplies_as_defined();
  void threads_may_multiply_at_once();
  void what_onednn_refuses_is_an_error();
};

void Bf16MatmulTest::initTestCase() {
  if (!Bf16Matmul::supported()) QSKIP("this processor has no bfloat16 products");
}

void Bf16MatmulTest::multiplies_as_defined_data() {
  QTest::addColumn<int>("tokens");
  QTest::addColumn<int>("rows");
  QTest::addColumn<int>("columns");
  QTest::newRow("few tokens") << 3 << 64 << 32;
  QTest::newRow("a tile and one") << 65 << 48 << 64;
  QTest::newRow("rows that fill no group") << 32 << 37 << 96;
  QTest::newRow("one group") << 40 << 16 << 160;
}

void Bf16MatmulTest::multiplies_as_defined() {
  QFETCH(int, tokens);
  QFETCH(int, rows);
  QFETCH(int, columns);
  const Product product(tokens, rows, columns);
  Bf16Matmul matmul(kernels_for(best_isa()), 1);
  const std::size_t stride = static_cast<std::size_t>(product.matrix.groups()) * group_rows + 16;
  std::vector<float> out(static_cast<std::size_t>(Bf16Matmul::padded_tokens(tokens)) * stride);
  for (int round = 0; round < 2; ++round) {  // a new product, and one that oneDNN has compiled already
    matmul.multiply(product.matrix.view(), 0, product.matrix.groups(), product.x.data(), tokens, out.data(), stride, 0);
    QCOMPARE(product.fault(out, stride, 0, product.matrix.groups()), QString());
  }
}

void Bf16MatmulTest::threads_may_multiply_at_once() {
  const Product product(64, 128, 64);
  Bf16Matmul matmul(kernels_for(best_isa()), 2);
  std::vector<float> out(std::size_t{64} * 128);
  for (int round = 0; round < 20; ++round) {
    std::fill(out.begin(), out.end(), 0.0F);
    const auto half = [&](int thread) {
      matmul.multiply(product.matrix.view(), 4 * thread, 4 * thread + 4, product.x.data(), 64, out.data(), 128, thread);
    };
    std::thread other(half, 1);
    half(0);
    other.join();
    QCOMPARE(product.fault(out, 128, 0, 8), QString());
  }
}

void Bf16MatmulTest::what_onednn_refuses_is_an_error() {
  const Product product(64, 64, 32);
  Bf16Matmul matmul(kernels_for(best_isa()), 1);
  std::vector<float> out(64 * 64);
  constexpr std::size_t too_short = 16;  // rows of the output would overlap
  const QString sentence =
      refusal([&] { matmul.multiply(product.matrix.view(), 0, 4, product.x.data(), 64, out.data(), too_short, 0); });
  QVERIFY2(sentence.contains("oneDNN"), qPrintable(sentence));
}

QTEST_APPLESS_MAIN(Bf16MatmulTest)
#include "tst_bf16_matmul.moc"
