#include <QTest>
#include <cmath>
#include <cstring>
#include <random>

#include "engine/format/arrays.h"
#include "format/tensor.h"
#include "quant/dequantize.h"
#include "quant/half.h"
#include "quant/rtn_blocks.h"
#include "quant/scale_search.h"
#include "runnel/error.h"

using namespace runnel;

namespace {

/// A block taken apart.
struct Block {
  float scale;
  float offset;
  std::vector<int> q;
};

std::vector<Block> blocks_of(std::span<const std::byte> bytes, const RtnOptions& options) {
  std::vector<Block> blocks;
  for (std::size_t at = 0; at < bytes.size(); at += rtn_block_bytes(options)) {
    const std::byte* from = bytes.data() + at;
    std::uint16_t halves[2] = {};
    std::memcpy(halves, from, options.symmetric ? 2 : 4);
    Block block{.scale = f16_to_f32(halves[0]), .offset = f16_to_f32(halves[1]), .q = {}};
    from += options.symmetric ? 2 : 4;
    for (int i = 0; i < 32; ++i) {
      if (options.bits == 8) {
        block.q.push_back(static_cast<std::int8_t>(from[i]));
      } else {
        const auto pair = static_cast<unsigned>(from[i % 16]);
        block.q.push_back(static_cast<int>(i < 16 ? pair & 15U : pair >> 4U) - (options.symmetric ? 8 : 0));
      }
    }
    blocks.push_back(block);
  }
  return blocks;
}

std::vector<float> values_of(std::span<const std::byte> bytes, const RtnOptions& options) {
  std::vector<float> values;
  for (const Block& block : blocks_of(bytes, options)) {
    for (const int q : block.q) values.push_back(block.scale * static_cast<float>(q) + block.offset);
  }
  return values;
}

std::vector<std::byte> encoded(std::span<const float> row, const RtnOptions& options,
                               ScaleSearch search = ScaleSearch::none) {
  std::vector<std::byte> bytes(row.size() / 32 * rtn_block_bytes(options));
  if (!encode_rtn_row(row, options, search, bytes)) bytes.clear();
  return bytes;
}

std::vector<float> normal_values(std::size_t n, float deviation, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(n);
  for (float& x : values) x = normal(random);
  return values;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum;
}

void mode_rows() {
  QTest::addColumn<int>("bits");
  QTest::addColumn<int>("group_size");
  QTest::addColumn<bool>("symmetric");
  for (const int bits : {4, 8}) {
    for (const int group_size : {32, 64, 128, -1}) {
      for (const bool symmetric : {true, false}) {
        const QString name = QString("int%1.g%2.%3").arg(bits).arg(group_size).arg(symmetric ? "sym" : "asym");
        QTest::newRow(qPrintable(name)) << bits << group_size << symmetric;
      }
    }
  }
}

}  // namespace

class RtnBlocksTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void blocks_hold_the_reference_data() { mode_rows(); }
  void blocks_hold_the_reference();
  void blocks_are_those_of_gguf_data();
  void blocks_are_those_of_gguf();
  void a_row_may_end_in_a_shorter_group();
  void tiny_weights_are_off_by_half_a_step_at_most_data() { mode_rows(); }
  void tiny_weights_are_off_by_half_a_step_at_most();
  void zeros_and_equal_weights_stay_what_they_are_data() { mode_rows(); }
  void zeros_and_equal_weights_stay_what_they_are();
  void scales_beyond_f16_are_told();
  void searching_lowers_the_squared_error_of_each_group_data() { mode_rows(); }
  void searching_lowers_the_squared_error_of_each_group();

 private:
  const Arrays golden_{RUNNEL_FIXTURES "/quant/rtn.safetensors"};
};

#define FETCH_OPTIONS(options)                                     \
  QFETCH(int, bits);                                               \
  QFETCH(int, group_size);                                         \
  QFETCH(bool, symmetric);                                         \
  const RtnOptions options {                                       \
    .bits = bits, .group_size = group_size, .symmetric = symmetric \
  }

void RtnBlocksTest::blocks_hold_the_reference() {
  FETCH_OPTIONS(options);
  const std::string name = QTest::currentDataTag();
  const auto weights = golden_.all<float>("weight");
  const auto q = golden_.all<std::int16_t>(name + ".q");
  const auto expected = golden_.all<float>(name + ".value");
  constexpr std::size_t columns = 256;
  for (std::size_t row = 0; row < 6; ++row) {
    const std::vector<Block> blocks =
        blocks_of(encoded(std::span(weights).subspan(row * columns, columns), options), options);
    QCOMPARE(blocks.size(), columns / 32);
    for (std::size_t i = 0; i < columns; ++i) {
      const Block& block = blocks[i / 32];
      const int integer = block.q[i % 32];
      const std::size_t at = row * columns + i;
      if (block.scale > 0x1p-14F) QCOMPARE(integer, q[at] - (bits == 8 && !symmetric ? 128 : 0));
      // Scale and offset have 11 bits each.
      const double rounding = (std::abs(block.scale * static_cast<float>(integer)) + std::abs(block.offset)) * 0x1p-11;
      const double step = block.scale > 0x1p-14F ? 0 : block.scale;
      const double off = static_cast<double>(block.scale) * integer + block.offset - expected[at];
      QVERIFY2(std::abs(off) <= rounding + step,
               qPrintable(QString("weight %1 of row %2: %3").arg(i).arg(row).arg(off)));
    }
  }
}

void RtnBlocksTest::blocks_are_those_of_gguf_data() {
  QTest::addColumn<int>("bits");
  QTest::addColumn<bool>("symmetric");
  QTest::addColumn<BlockType>("type");
  QTest::newRow("Q4_0") << 4 << true << BlockType::q4_0;
  QTest::newRow("Q4_1") << 4 << false << BlockType::q4_1;
  QTest::newRow("Q8_0") << 8 << true << BlockType::q8_0;
}

void RtnBlocksTest::blocks_are_those_of_gguf() {
  QFETCH(int, bits);
  QFETCH(bool, symmetric);
  QFETCH(BlockType, type);
  const RtnOptions options{.bits = bits, .group_size = 64, .symmetric = symmetric};
  const std::vector<float> row = normal_values(128, 0.1F);
  const std::vector<std::byte> bytes = encoded(row, options);
  QCOMPARE(bytes.size(), bytes_of(type, 128));
  std::vector<float> values(128);
  dequantize(type, bytes, values);
  QCOMPARE(values, values_of(bytes, options));
  const std::vector<Block> blocks = blocks_of(bytes, options);
  QVERIFY(blocks[0].scale == blocks[1].scale && blocks[1].scale != blocks[2].scale);  // groups repeat their scale
}

void RtnBlocksTest::a_row_may_end_in_a_shorter_group() {
  const RtnOptions options{.bits = 4, .group_size = 64};
  std::vector<float> row = normal_values(96, 1);
  std::fill(row.begin() + 64, row.end(), 0.07F);
  const std::vector<Block> blocks = blocks_of(encoded(row, options), options);
  QCOMPARE(blocks.size(), 3U);
  QCOMPARE(blocks[2].scale, f16_to_f32(f32_to_f16(0.01F)));
  std::vector<float> odd = normal_values(70, 1);
  odd[69] = 0.5F;
  const std::vector<float> before = odd;
  round_rtn_row(odd, options);
  QVERIFY(odd != before);
  std::fill(odd.begin() + 64, odd.end(), 0.25F);
  round_rtn_row(odd, options);
  for (std::size_t i = 64; i < 70; ++i) QVERIFY(std::abs(odd[i] - 0.25F) < 1e-7F);
}

// Below 2^-14, f16 has fewer and fewer bits for a scale.
void RtnBlocksTest::tiny_weights_are_off_by_half_a_step_at_most() {
  FETCH_OPTIONS(options);
  for (const float deviation : {1e-2F, 1e-3F, 1e-4F, 1e-5F, 1e-6F, 1e-7F, 1e-20F, 1e-42F}) {
    const std::vector<float> row = normal_values(256, deviation);
    const std::vector<std::byte> bytes = encoded(row, options);
    const std::vector<Block> blocks = blocks_of(bytes, options);
    const std::vector<float> values = values_of(bytes, options);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Block& block = blocks[i / 32];
      // Half a step; an asymmetric range may be cut by another half, where zero was rounded; 11 bits for the rest.
      const double step = block.scale * (symmetric ? 0.5 : 1.0);
      const double rounding = (std::abs(row[i]) + std::abs(block.offset)) * 0x1p-10 + 0x1p-24;
      QVERIFY2(std::abs(values[i] - row[i]) <= step + rounding,
               qPrintable(QString("%1 is held as %2 with a scale of %3").arg(row[i]).arg(values[i]).arg(block.scale)));
    }
  }
}

void RtnBlocksTest::zeros_and_equal_weights_stay_what_they_are() {
  FETCH_OPTIONS(options);
  for (const ScaleSearch search : {ScaleSearch::none, ScaleSearch::least_squares}) {
    QCOMPARE(values_of(encoded(std::vector<float>(64, 0.0F), options, search), options), std::vector<float>(64, 0.0F));
    for (const float value : {0.25F, -3.0F}) {
      for (const float held : values_of(encoded(std::vector<float>(64, value), options, search), options))
        QVERIFY(std::abs(held - value) <= std::abs(value) * 2e-3F);
    }
  }
}

void RtnBlocksTest::scales_beyond_f16_are_told() {
  std::vector<float> row = normal_values(64, 1);
  row[40] = 6e5F;
  QVERIFY(encoded(row, {.bits = 4}).empty());
  QVERIFY(!encoded(row, {.bits = 8}).empty());
  row[40] = -6e5F;
  QVERIFY(encoded(row, {.bits = 4, .symmetric = false}).empty());
  QVERIFY(encoded(row, {.bits = 8, .symmetric = false}).empty());  // the offset
}

void RtnBlocksTest::searching_lowers_the_squared_error_of_each_group() {
  FETCH_OPTIONS(options);
  const std::vector<float> row = normal_values(std::size_t{1} << 13U, 0.02F);
  const std::vector<float> plain = values_of(encoded(row, options), options);
  const std::vector<float> searched = values_of(encoded(row, options, ScaleSearch::least_squares), options);
  const std::size_t group = group_size == -1 ? row.size() : static_cast<std::size_t>(group_size);
  for (std::size_t first = 0; first < row.size(); first += group) {
    const auto part = [&](const std::vector<float>& values) { return std::span(values).subspan(first, group); };
    QVERIFY(squared_distance(part(searched), part(row)) <= squared_distance(part(plain), part(row)));
  }
  const double share = squared_distance(searched, row) / squared_distance(plain, row);
  // With 8 bits, f16 scales of 11 leave little to be found.
  QVERIFY2(share < (bits == 4 ? 0.85 : 1.0), qPrintable(QString::number(share)));
}

QTEST_APPLESS_MAIN(RtnBlocksTest)
#include "tst_rtn_blocks.moc"
