#include <QTest>
#include <cmath>
#include <cstring>

#include "engine/kernels/kernel_test.h"
#include "kernels/packed_matrix.h"
#include "quant/dequantize.h"
#include "quant/half.h"

using namespace runnel;

namespace {

constexpr Packing packings[] = {Packing::q4,  Packing::q4_offset, Packing::q8, Packing::q8_offset,
                                Packing::f16, Packing::bf16,      Packing::f32};
constexpr float untouched = -12345.0F;

bool has_offset(Packing packing) {
  return packing == Packing::q4_offset || packing == Packing::q8_offset;
}

bool is_int8(Packing packing) {
  return packing == Packing::q8 || packing == Packing::q8_offset;
}

// The values of a row of blocks as `pack_quantized_row` takes them.
void values_of(Packing packing, std::span<const std::byte> blocks, std::span<float> values) {
  if (packing != Packing::q8_offset) {
    return dequantize(packing == Packing::q4          ? BlockType::q4_0
                      : packing == Packing::q4_offset ? BlockType::q4_1
                                                      : BlockType::q8_0,
                      blocks, values);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::byte* block = blocks.data() + i / 32 * 36;
    std::uint16_t halves[2];
    std::memcpy(halves, block, sizeof halves);
    values[i] =
        f16_to_f32(halves[0]) * static_cast<float>(static_cast<std::int8_t>(block[4 + i % 32])) + f16_to_f32(halves[1]);
  }
}

// A row of blocks with random quants, or with the largest ones that there are, and scales of either sign.
std::vector<std::byte> random_blocks(Packing packing, int columns, std::mt19937& random, bool extreme) {
  const std::size_t block_bytes = source_block_bytes(packing);
  const std::byte worst = is_int8(packing) ? std::byte{0x80} : std::byte{0xff};
  std::vector<std::byte> bytes(static_cast<std::size_t>(columns / block_columns) * block_bytes);
  for (std::byte& byte : bytes) byte = extreme ? worst : static_cast<std::byte>(random());
  std::normal_distribution<float> normal(0, 0.1F);
  for (std::size_t block = 0; block < bytes.size(); block += block_bytes) {
    for (std::size_t i = 0; i < (has_offset(packing) ? 2U : 1U); ++i) {
      const std::uint16_t scale = f32_to_f16(normal(random));
      std::memcpy(bytes.data() + block + 2 * i, &scale, sizeof scale);
    }
  }
  return bytes;
}

/// A packed matrix and the values it was made of.
struct Weights {
  PackedMatrix matrix;
  std::vector<float> values;  ///< [rows, columns]
};

Weights random_weights(Packing packing, int rows, int columns, std::mt19937& random, bool extreme = false) {
  const auto width = static_cast<std::size_t>(columns);
  Weights weights{.matrix = make_packed(packing, rows, columns),
                  .values = std::vector<float>(static_cast<std::size_t>(rows) * width)};
  for (int row = 0; row < rows; ++row) {
    const std::span<float> values = std::span(weights.values).subspan(static_cast<std::size_t>(row) * width, width);
    if (is_integer(packing)) {
      const std::vector<std::byte> blocks = random_blocks(packing, columns, random, extreme);
      pack_quantized_row(weights.matrix, row, blocks);
      values_of(packing, blocks, values);
      continue;
    }
    const std::vector<float> exact = random_floats(width, random);
    pack_float_row(weights.matrix, row, exact);
    for (std::size_t c = 0; c < width; ++c) {
      values[c] = packing == Packing::f32   ? exact[c]
                  : packing == Packing::f16 ? f16_to_f32(f32_to_f16(exact[c]))
                                            : bf16_to_f32(f32_to_bf16(exact[c]));
    }
  }
  return weights;
}

/// Activations in both forms, quantized by the scalar level into the order that another level reads.
struct Input {
  Input(std::vector<float> x, int m, int columns, int tile) : values(std::move(x)), blocks(columns / block_columns) {
    rows = {.tokens = m, .tile = tile};
    if (columns % block_columns != 0) return;
    const auto n = static_cast<std::size_t>(m * blocks);
    quants.resize(n * block_columns);
    scales.resize(n);
    sums.resize(n);
    scaled_sums.resize(n);
    rows = {.quants = quants.data(),
            .scales = scales.data(),
            .sums = sums.data(),
            .scaled_sums = scaled_sums.data(),
            .tokens = m,
            .tile = tile};
    quantize(kernels_for(Isa::scalar));
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  void quantize(const Kernels& kernels) {
    for (int t = 0; t < rows.tokens; ++t)
      kernels.quantize_row(values.data() + t * blocks * block_columns, blocks * block_columns, rows, t);
  }

  // What an integer kernel is to multiply with.
  double quantized(int token, int column) const {
    const std::size_t at = rows.at(token, column / block_columns, blocks);
    return static_cast<double>(scales[at]) *
           quants[at * block_columns + static_cast<std::size_t>(column % block_columns)];
  }

  Activations activations() const { return {.values = values.data(), .quantized = rows}; }

  std::vector<float> values;  ///< [m, columns]
  int blocks;
  std::vector<std::int8_t> quants;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;
  std::vector<float> scaled_sums;
  QuantizedRows rows;
};

// The first product that is off its definition Σ_c w[row][c] x[t][c], or was written where nothing should be.
QString wrong_product(const Kernels& kernels, const Weights& weights, const Input& input, int first, int last) {
  const int m = input.rows.tokens;
  const int rows = weights.matrix.rows;
  const auto columns = static_cast<std::size_t>(weights.matrix.columns);
  const std::size_t stride = static_cast<std::size_t>(weights.matrix.groups()) * group_rows + 16;
  std::vector<float> out(static_cast<std::size_t>(m) * stride, untouched);
  kernels.matmul(weights.matrix.view(), first, last, input.activations(), m, out.data(), stride);
  const bool integer = is_integer(weights.matrix.packing);
  for (std::size_t t = 0; t < static_cast<std::size_t>(m); ++t) {
    for (std::size_t row = 0; row < stride; ++row) {
      const float value = out[t * stride + row];
      const auto group = static_cast<int>(row) / group_rows;
      double sum = 0;
      double magnitude = 0;
      if (group < first || group >= last) {
        sum = untouched;
      } else if (static_cast<int>(row) < rows) {
        for (std::size_t c = 0; c < columns; ++c) {
          const double x =
              integer ? input.quantized(static_cast<int>(t), static_cast<int>(c)) : input.values[t * columns + c];
          const double product = weights.values[row * columns + c] * x;
          sum += product;
          magnitude += std::abs(product);
        }
      }
      // Packings with offsets (q4 has one of 8) subtract what these add up to, so that rounding can exceed the sum of
      // the products.
      if (near(value, sum, 1e-5 * magnitude + (integer ? 1e-4 : 0))) continue;
      return QString("token %1, row %2: %3 instead of %4").arg(t).arg(row).arg(value).arg(sum);
    }
  }
  return {};
}

}  // namespace

class MatmulTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void multiplies_as_defined_data();
  void multiplies_as_defined();
  void multiplies_some_groups_alone_data() { level_rows(); }
  void multiplies_some_groups_alone();
  void extreme_integers_do_not_saturate_data() { level_rows(); }
  void extreme_integers_do_not_saturate();
  void quantizes_to_the_nearest();
  void quantizes_like_the_scalar_level_data() { level_rows(); }
  void quantizes_like_the_scalar_level();
  void activations_stand_in_tiles();
  void unpacks_groups_to_bfloat16_data() { level_rows(); }
  void unpacks_groups_to_bfloat16();
};

void MatmulTest::multiplies_as_defined_data() {
  QTest::addColumn<const Kernels*>("kernels");
  QTest::addColumn<Packing>("packing");
  QTest::addColumn<int>("rows");
  QTest::addColumn<int>("columns");
  for (const Kernels* kernels : all_levels()) {
    for (const Packing packing : packings) {
      const std::vector<int> widths = is_integer(packing) ? std::vector{32, 96, 256} : std::vector{1, 7, 32, 80};
      for (const int rows : {1, 15, 16, 33}) {
        for (const int columns : widths) {
          QTest::addRow("%s, packing %d, %d x %d", std::string(name_of(kernels->isa)).c_str(),
                        static_cast<int>(packing), rows, columns)
              << kernels << packing << rows << columns;
        }
      }
    }
  }
}

void MatmulTest::multiplies_as_defined() {
  QFETCH(const Kernels*, kernels);
  QFETCH(Packing, packing);
  QFETCH(int, rows);
  QFETCH(int, columns);
  std::mt19937 random(3);
  const Weights weights = random_weights(packing, rows, columns, random);
  for (int m = 1; m <= 17; ++m) {
    const Input input(random_floats(static_cast<std::size_t>(m * columns), random), m, columns, kernels->tile);
    const QString fault = wrong_product(*kernels, weights, input, 0, weights.matrix.groups());
    QVERIFY2(fault.isEmpty(), qPrintable(QString("%1 tokens, ").arg(m) + fault));
  }
}

void MatmulTest::multiplies_some_groups_alone() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(4);
  for (const Packing packing : packings) {
    const Weights weights = random_weights(packing, 70, 64, random);
    const Input input(random_floats(std::size_t{5} * 64, random), 5, 64, kernels->tile);
    for (int first = 0; first <= 5; ++first) {
      for (int last = first; last <= 5; ++last)
        QCOMPARE(wrong_product(*kernels, weights, input, first, last), QString());
    }
  }
}

void MatmulTest::extreme_integers_do_not_saturate() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(5);
  for (const Packing packing : {Packing::q4, Packing::q4_offset, Packing::q8, Packing::q8_offset}) {
    const Weights weights = random_weights(packing, 16, 128, random, true);
    for (const float sign : {-1.0F, 1.0F}) {
      const Input input(std::vector<float>(std::size_t{3} * 128, sign), 3, 128, kernels->tile);
      QCOMPARE(wrong_product(*kernels, weights, input, 0, 1), QString());
    }
  }
}

void MatmulTest::quantizes_to_the_nearest() {
  std::mt19937 random(6);
  const Input input(random_floats(std::size_t{4} * 96, random), 4, 96, 3);
  for (int t = 0; t < 4; ++t) {
    for (int column = 0; column < 96; ++column) {
      const double scale = input.scales[input.rows.at(t, column / block_columns, 3)];
      QVERIFY(
          near(input.quantized(t, column), input.values[static_cast<std::size_t>(t * 96 + column)], scale * 0.50001));
    }
  }
  for (std::size_t block = 0; block < input.sums.size(); ++block) {
    std::int32_t sum = 0;
    std::int32_t largest = 0;
    for (std::size_t i = block * block_columns; i < (block + 1) * block_columns; ++i) {
      sum += input.quants[i];
      largest = std::max(largest, std::abs(std::int32_t{input.quants[i]}));
    }
    QCOMPARE(input.sums[block], sum);
    QCOMPARE(input.scaled_sums[block], input.scales[block] * static_cast<float>(sum));
    QCOMPARE(largest, 127);
  }
}

void MatmulTest::quantizes_like_the_scalar_level() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(7);
  constexpr int m = 7;
  std::vector<float> x = random_floats(std::size_t{m} * 192, random);
  std::fill_n(x.begin(), 32, 0.0F);                      // nothing but zeros
  for (std::size_t i = 32; i < 64; ++i) x[i] *= 1e-38F;  // so small that 127 / absmax is no float
  for (std::size_t i = 64; i < 96; ++i) x[i] *= 1e37F;   // nearly as large as floats get
  std::fill_n(x.begin() + 96, 31, 1e-3F);
  x[127] = -5;                                                                       // one large value hides the others
  for (std::size_t i = 0; i < 32; ++i) x[128 + i] = static_cast<float>(i) - 126.5F;  // ties
  x[128] = -127;
  const Input expected(x, m, 192, kernels->tile);
  Input found(x, m, 192, kernels->tile);
  found.quants.assign(found.quants.size(), 0);
  found.quantize(*kernels);
  QCOMPARE(found.quants, expected.quants);
  QCOMPARE(found.scales, expected.scales);
  QCOMPARE(found.sums, expected.sums);
  QCOMPARE(found.scaled_sums, expected.scaled_sums);
}

void MatmulTest::activations_stand_in_tiles() {
  const QuantizedRows rows{.tokens = 5, .tile = 2};
  std::vector<std::size_t> places;
  for (int t = 0; t < 5; ++t) {
    for (int block = 0; block < 3; ++block) places.push_back(rows.at(t, block, 3));
  }
  QCOMPARE(places, (std::vector<std::size_t>{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11, 12, 13, 14}));
}

void MatmulTest::unpacks_groups_to_bfloat16() {
  QFETCH(const Kernels*, kernels);
  std::mt19937 random(8);
  constexpr int columns = 96;
  constexpr std::size_t stride = 35;
  for (const Packing packing : packings) {
    const Weights weights = random_weights(packing, 40, columns, random);
    for (int group = 0; group < 3; ++group) {
      std::vector<std::uint16_t> out(columns * stride, 0x1234);
      kernels->unpack_bf16(weights.matrix.view(), group, out.data(), stride);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t lane = i % stride;
        const std::size_t row = static_cast<std::size_t>(group) * group_rows + lane;
        if (lane >= group_rows) {
          QCOMPARE(out[i], 0x1234);
        } else if (row >= 40) {
          QCOMPARE(bf16_to_f32(out[i]), 0.0F);
        } else {
          const float value = weights.values[row * columns + i / stride];
          QVERIFY(near(bf16_to_f32(out[i]), value, std::abs(value) * 0x1.01p-8));
        }
      }
    }
  }
}

QTEST_APPLESS_MAIN(MatmulTest)
#include "tst_matmul.moc"
