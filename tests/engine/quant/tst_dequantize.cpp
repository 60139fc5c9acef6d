#include <QTest>
#include <cmath>
#include <cstring>
#include <random>

#include "format/safetensors.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

using namespace runnel;

class DequantizeTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void gives_the_values_of_the_reference_data();
  void gives_the_values_of_the_reference();
  void blocks_of_any_bytes_are_independent_data();
  void blocks_of_any_bytes_are_independent();
  void refuses_sizes_that_do_not_fit();

 private:
  SafetensorsFile golden_ = SafetensorsFile::open(RUNNEL_FIXTURES "/quant/blocks.safetensors");
};

namespace {

void add_block_types() {
  QTest::addColumn<int>("type");
  for (int i = 0; i < n_block_types; ++i)
    QTest::newRow(std::string(traits(static_cast<BlockType>(i)).name).c_str()) << i;
}

}  // namespace

void DequantizeTest::gives_the_values_of_the_reference_data() {
  add_block_types();
}

void DequantizeTest::gives_the_values_of_the_reference() {
  QFETCH(int, type);
  const auto block_type = static_cast<BlockType>(type);
  const std::string name(traits(block_type).name);
  // F32 is the reference's own type: its values are its bytes.
  const bool is_f32 = block_type == BlockType::f32;
  const SafetensorsEntry* values = golden_.find_entry(is_f32 ? "F16.values" : name + ".values");
  const SafetensorsEntry* rows = is_f32 ? values : golden_.find_entry(name + ".bytes");
  QVERIFY(values != nullptr && rows != nullptr);

  constexpr std::size_t n_values = 2 * 512;
  QCOMPARE(values->data.size(), n_values * sizeof(float));
  std::vector<float> expected(n_values);
  std::memcpy(expected.data(), values->data.data(), values->data.size());
  std::vector<float> found(n_values);
  dequantize(block_type, rows->data, found);
  for (std::size_t i = 0; i < n_values; ++i) {
    QVERIFY2(std::abs(found[i] - expected[i]) <= 1e-6f * std::abs(expected[i]),
             qPrintable(QString("value %1 is %2, expected %3").arg(i).arg(found[i]).arg(expected[i])));
  }
}

void DequantizeTest::blocks_of_any_bytes_are_independent_data() {
  add_block_types();
}

void DequantizeTest::blocks_of_any_bytes_are_independent() {
  QFETCH(int, type);
  const BlockTypeTraits& t = traits(static_cast<BlockType>(type));
  const auto block_bytes = static_cast<std::size_t>(t.block_bytes);
  const auto block_size = static_cast<std::size_t>(t.block_size);
  std::mt19937 random(11);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::byte> blocks(3 * block_bytes);
    for (std::byte& byte : blocks) byte = static_cast<std::byte>(random());
    std::vector<float> together(3 * block_size);
    dequantize(static_cast<BlockType>(type), blocks, together);
    for (std::size_t block = 0; block < 3; ++block) {
      // Vectors of their own, so that the address sanitizer sees the block's ends.
      const auto first = blocks.begin() + static_cast<std::ptrdiff_t>(block * block_bytes);
      const std::vector<std::byte> bytes(first, first + t.block_bytes);
      std::vector<float> alone(block_size);
      dequantize(static_cast<BlockType>(type), bytes, alone);
      QCOMPARE(std::memcmp(alone.data(), together.data() + block * block_size, block_size * sizeof(float)), 0);
    }
  }
}

void DequantizeTest::refuses_sizes_that_do_not_fit() {
  std::vector<std::byte> block(36);
  std::vector<float> values(64);
  dequantize(BlockType::q4_0, block, values);
  dequantize(BlockType::q4_0, {}, {});
  QVERIFY_EXCEPTION_THROWN(dequantize(BlockType::q4_0, block, std::span(values).first(63)), Error);
  QVERIFY_EXCEPTION_THROWN(dequantize(BlockType::q4_0, std::span(block).first(35), values), Error);
}

QTEST_APPLESS_MAIN(DequantizeTest)
#include "tst_dequantize.moc"
