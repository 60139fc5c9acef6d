#include <QTest>
#include <cstring>

#include "engine/kernels/kernel_test.h"
#include "kernels/packed_matrix.h"
#include "quant/dequantize.h"
#include "quant/half.h"

using namespace runnel;

namespace {

std::vector<std::byte> random_bytes(std::size_t n, std::mt19937& random) {
  std::vector<std::byte> bytes(n);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// Scales of random bytes may be infinite or NaN, which compare to nothing.
void make_finite(std::vector<std::byte>& blocks, BlockType type) {
  for (std::size_t block = 0; block < blocks.size(); block += static_cast<std::size_t>(traits(type).block_bytes)) {
    for (const std::size_t at : {std::size_t{1}, std::size_t{3}}) blocks[block + at] &= std::byte{0xbf};
  }
}

std::vector<float> unpacked(const PackedMatrix& matrix, int row) {
  std::vector<float> values(static_cast<std::size_t>(matrix.columns));
  unpack_row(matrix, row, values);
  return values;
}

}  // namespace

class PackedMatrixTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void packs_blocks_without_loss_data();
  void packs_blocks_without_loss();
  void packs_floats_rounded_to_the_type_data();
  void packs_floats_rounded_to_the_type();
  void rows_beyond_the_last_are_zero_data();
  void rows_beyond_the_last_are_zero();
  void is_aligned_and_counts_its_bytes();
};

void PackedMatrixTest::packs_blocks_without_loss_data() {
  QTest::addColumn<Packing>("packing");
  QTest::addColumn<BlockType>("type");
  QTest::newRow("Q4_0") << Packing::q4 << BlockType::q4_0;
  QTest::newRow("Q4_1") << Packing::q4_offset << BlockType::q4_1;
  QTest::newRow("Q8_0") << Packing::q8 << BlockType::q8_0;
}

void PackedMatrixTest::packs_blocks_without_loss() {
  QFETCH(Packing, packing);
  QFETCH(BlockType, type);
  std::mt19937 random(1);
  constexpr int rows = 37;
  constexpr int columns = 96;
  PackedMatrix matrix = make_packed(packing, rows, columns);
  std::vector<std::vector<float>> expected;
  for (int row = 0; row < rows; ++row) {
    std::vector<std::byte> blocks = random_bytes(bytes_of(type, columns), random);
    make_finite(blocks, type);
    pack_quantized_row(matrix, row, blocks);
    expected.emplace_back(columns);
    dequantize(type, blocks, expected.back());
  }
  for (int row = 0; row < rows; ++row) QCOMPARE(unpacked(matrix, row), expected[static_cast<std::size_t>(row)]);
}

void PackedMatrixTest::packs_floats_rounded_to_the_type_data() {
  QTest::addColumn<Packing>("packing");
  QTest::newRow("f16") << Packing::f16;
  QTest::newRow("bf16") << Packing::bf16;
  QTest::newRow("f32") << Packing::f32;
}

void PackedMatrixTest::packs_floats_rounded_to_the_type() {
  QFETCH(Packing, packing);
  std::mt19937 random(2);
  constexpr int rows = 19;
  constexpr int columns = 7;
  PackedMatrix matrix = make_packed(packing, rows, columns);
  std::vector<std::vector<float>> expected;
  for (int row = 0; row < rows; ++row) {
    expected.push_back(random_floats(columns, random));
    pack_float_row(matrix, row, expected.back());
    for (float& x : expected.back()) {
      if (packing == Packing::f16) x = f16_to_f32(f32_to_f16(x));
      if (packing == Packing::bf16) x = bf16_to_f32(f32_to_bf16(x));
    }
  }
  for (int row = 0; row < rows; ++row) QCOMPARE(unpacked(matrix, row), expected[static_cast<std::size_t>(row)]);
}

void PackedMatrixTest::rows_beyond_the_last_are_zero_data() {
  QTest::addColumn<Packing>("packing");
  for (const Packing packing :
       {Packing::q4, Packing::q4_offset, Packing::q8, Packing::q8_offset, Packing::f16, Packing::bf16, Packing::f32}) {
    QTest::addRow("packing %d", static_cast<int>(packing)) << packing;
  }
}

void PackedMatrixTest::rows_beyond_the_last_are_zero() {
  QFETCH(Packing, packing);
  const PackedMatrix matrix = make_packed(packing, 17, 32);
  QCOMPARE(matrix.groups(), 2);
  for (int row = 16; row < 32; ++row) {
    for (const float value : unpacked(matrix, row)) QCOMPARE(value, 0.0F);
  }
}

void PackedMatrixTest::is_aligned_and_counts_its_bytes() {
  const PackedMatrix matrix = make_packed(Packing::q4_offset, 33, 64);
  QCOMPARE(matrix.group_bytes(), std::size_t{2 * (32 + 32 + 256)});
  QCOMPARE(matrix.bytes(), 3 * matrix.group_bytes());
  QCOMPARE(reinterpret_cast<std::uintptr_t>(matrix.data.data()) % 64, std::uintptr_t{0});
  QCOMPARE(make_packed(Packing::f16, 16, 5).bytes(), std::size_t{16 * 5 * 2});
}

QTEST_APPLESS_MAIN(PackedMatrixTest)
#include "tst_packed_matrix.moc"
