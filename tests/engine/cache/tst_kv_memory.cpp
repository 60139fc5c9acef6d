#include <QTest>
#include <cmath>
#include <limits>
#include <random>

#include "cache/kv_memory.h"
#include "engine/cache/rounded_row.h"
#include "engine/format/temporary_folder.h"
#include "kernels/isa.h"
#include "quant/half.h"

using namespace runnel;

namespace {

constexpr KvShape shape{.layers = 2, .kv_heads = 3, .head_dim = 20};

std::vector<float> random_row(int n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> row(static_cast<std::size_t>(n));
  for (float& x : row) x = normal(random);
  return row;
}

float number(const void* data, KvType type, std::size_t index) {
  switch (type) {
    case KvType::f32:
      return static_cast<const float*>(data)[index];
    case KvType::f16:
      return f16_to_f32(static_cast<const std::uint16_t*>(data)[index]);
    case KvType::bf16:
      return bf16_to_f32(static_cast<const std::uint16_t*>(data)[index]);
    case KvType::q8:
      return static_cast<const std::int8_t*>(data)[index];
  }
  return 0;
}

float scale(const float* scales, int slot) {
  return scales == nullptr ? 1 : scales[slot];
}

// As the layout is documented: keys in groups of 16 slots, [slots / 16][head_dim][16]; values [slots][head_dim].
std::vector<float> key(const KvMemory& memory, int layer, int head, int slot) {
  const KvView view = memory.view(layer, head);
  std::vector<float> row;
  for (int d = 0; d < view.head_dim; ++d) {
    const auto at = static_cast<std::size_t>((slot / 16 * view.head_dim + d) * 16 + slot % 16);
    row.push_back(scale(view.key_scales, slot) * number(view.keys, memory.type(), at));
  }
  return row;
}

std::vector<float> value(const KvMemory& memory, int layer, int head, int slot) {
  const KvView view = memory.view(layer, head);
  std::vector<float> row;
  for (int d = 0; d < view.head_dim; ++d) {
    const auto at = static_cast<std::size_t>(slot * view.head_dim + d);
    row.push_back(scale(view.value_scales, slot) * number(view.values, memory.type(), at));
  }
  return row;
}

/// A memory filled with random rows, and what was written.
struct Filled {
  Filled(const KvShape& sizes, int n_slots, KvType type) : memory(sizes, n_slots, type) {
    std::mt19937 random(7);
    for (int layer = 0; layer < sizes.layers; ++layer) {
      for (int head = 0; head < sizes.kv_heads; ++head) {
        for (int slot = 0; slot < n_slots; ++slot) {
          keys.push_back(random_row(sizes.head_dim, random));
          values.push_back(random_row(sizes.head_dim, random));
          memory.store(layer, head, slot, keys.back().data(), values.back().data(), kernels_for(best_isa()));
        }
      }
    }
  }

  KvMemory memory;
  std::vector<std::vector<float>> keys;  ///< [layers, heads, slots]
  std::vector<std::vector<float>> values;
};

}  // namespace

class KvMemoryTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_row_is_found_where_it_was_stored_data();
  void every_row_is_found_where_it_was_stored();
  void copies_between_types_and_sizes_data();
  void copies_between_types_and_sizes();
  void counts_its_bytes();
  void names_both_sizes_when_memory_is_short();
  void values_beyond_f16_are_refused_data();
  void values_beyond_f16_are_refused();
  void what_is_not_finite_stays_so_data();
  void what_is_not_finite_stays_so();
  void a_copy_to_f16_refuses_what_does_not_fit();
};

void KvMemoryTest::every_row_is_found_where_it_was_stored_data() {
  QTest::addColumn<KvType>("type");
  QTest::addColumn<int>("head_dim");
  for (const int head_dim : {2, 16, 20, 64, 80, 100, 130}) {
    for (const KvType type : kv_types)
      QTest::addRow("%s, %d", std::string(name_of(type)).c_str(), head_dim) << type << head_dim;
  }
}

void KvMemoryTest::every_row_is_found_where_it_was_stored() {
  QFETCH(KvType, type);
  QFETCH(int, head_dim);
  constexpr int n_slots = 37;
  const Filled filled({.layers = 2, .kv_heads = 3, .head_dim = head_dim}, n_slots, type);
  std::size_t row = 0;
  for (int layer = 0; layer < 2; ++layer) {
    for (int head = 0; head < 3; ++head) {
      for (int slot = 0; slot < n_slots; ++slot, ++row) {
        QCOMPARE(key(filled.memory, layer, head, slot), rounded(type, filled.keys[row]));
        QCOMPARE(value(filled.memory, layer, head, slot), rounded(type, filled.values[row]));
      }
    }
  }
}

void KvMemoryTest::copies_between_types_and_sizes_data() {
  QTest::addColumn<KvType>("from");
  QTest::addColumn<KvType>("to");
  for (const KvType from : kv_types) {
    for (const KvType to : kv_types)
      QTest::addRow("%s to %s", std::string(name_of(from)).c_str(), std::string(name_of(to)).c_str()) << from << to;
  }
}

void KvMemoryTest::copies_between_types_and_sizes() {
  QFETCH(KvType, from);
  QFETCH(KvType, to);
  constexpr int n_slots = 40;
  const Filled filled(shape, n_slots, from);
  KvMemory target(shape, 23, to);
  target.copy_from(filled.memory,
                   std::vector<SlotCopy>{{.from = 30, .to = 0, .length = 10}, {.from = 3, .to = 11, .length = 12}});
  const auto copied = [from, to](const std::vector<float>& row) {
    return from == to ? rounded(from, row) : rounded(to, rounded(from, row));
  };
  const auto source_of = [](int slot) { return slot < 10 ? slot + 30 : slot - 8; };
  for (int layer = 0; layer < shape.layers; ++layer) {
    for (int head = 0; head < shape.kv_heads; ++head) {
      const auto first = static_cast<std::size_t>((layer * shape.kv_heads + head) * n_slots);
      for (int slot = 0; slot < 23; ++slot) {
        if (slot == 10) continue;  // nothing was copied there
        const std::size_t row = first + static_cast<std::size_t>(source_of(slot));
        QCOMPARE(key(target, layer, head, slot), copied(filled.keys[row]));
        QCOMPARE(value(target, layer, head, slot), copied(filled.values[row]));
      }
      QCOMPARE(key(target, layer, head, 10), std::vector<float>(static_cast<std::size_t>(shape.head_dim), 0.0F));
    }
  }
}

void KvMemoryTest::counts_its_bytes() {
  const KvMemory f16(shape, 33, KvType::f16);
  QCOMPARE(f16.bytes_per_token(), std::size_t{2 * 2 * 3 * 20 * 2});
  QCOMPARE(f16.bytes(), f16.bytes_per_token() * 48);  // in groups of 16 slots
  const KvMemory f32(shape, 32, KvType::f32);
  QCOMPARE(f32.bytes(), std::size_t{32 * 2 * 2 * 3 * 20 * 4});
  const KvMemory q8(shape, 32, KvType::q8);
  QCOMPARE(q8.bytes_per_token(), std::size_t{2 * 2 * 3 * (20 + 4)});  // a scale for each head's key and value
  QCOMPARE(q8.bytes(), q8.bytes_per_token() * 32);
}

void KvMemoryTest::names_both_sizes_when_memory_is_short() {
  const KvShape giant{.layers = 4096, .kv_heads = 64, .head_dim = 128};
  const QString sentence = refusal([&] { KvMemory(giant, 1 << 20, KvType::f32); });
  QVERIFY2(sentence.contains("281474977 MB") && sentence.contains("available") && sentence.contains("ctx_size"),
           qPrintable(sentence));
}

void KvMemoryTest::values_beyond_f16_are_refused_data() {
  QTest::addColumn<int>("head_dim");
  QTest::addColumn<int>("at");
  for (const int head_dim : {2, 16, 20, 100, 130}) {
    for (const int at : {0, head_dim / 2, head_dim - 1}) QTest::addRow("%d of %d", at, head_dim) << head_dim << at;
  }
}

void KvMemoryTest::values_beyond_f16_are_refused() {
  QFETCH(int, head_dim);
  QFETCH(int, at);
  KvMemory memory({.layers = 5, .kv_heads = 1, .head_dim = head_dim}, 16, KvType::f16);
  std::vector<float> small(static_cast<std::size_t>(head_dim), -65504.0F);
  std::vector<float> large = small;
  large[static_cast<std::size_t>(at)] = 65520.0F;
  const auto store = [&](const std::vector<float>& k, const std::vector<float>& v) {
    return refusal([&] { memory.store(3, 0, 2, k.data(), v.data(), kernels_for(best_isa())); });
  };
  QCOMPARE(store(small, small), QString());
  for (const QString& sentence : {store(large, small), store(small, large)})
    QVERIFY2(sentence.contains("ayer 3") && sentence.contains("65504") && sentence.contains("f32"),
             qPrintable(sentence));
}

void KvMemoryTest::what_is_not_finite_stays_so_data() {
  QTest::addColumn<KvType>("type");
  QTest::addColumn<float>("bad");
  for (const KvType type : {KvType::f32, KvType::bf16, KvType::q8}) {
    const std::string name(name_of(type));
    QTest::addRow("%s, NaN", name.c_str()) << type << std::numeric_limits<float>::quiet_NaN();
    QTest::addRow("%s, infinity", name.c_str()) << type << -std::numeric_limits<float>::infinity();
  }
}

// Else an answer would go on from numbers that mean nothing, and nobody would notice.
void KvMemoryTest::what_is_not_finite_stays_so() {
  QFETCH(KvType, type);
  QFETCH(float, bad);
  for (const Isa isa : {Isa::scalar, best_isa()}) {
    for (const int at : {0, 15, 16, 19}) {
      KvMemory memory(shape, 4, type);
      std::vector<float> row(static_cast<std::size_t>(shape.head_dim), 1.0F);
      row[static_cast<std::size_t>(at)] = bad;
      memory.store(1, 2, 3, row.data(), row.data(), kernels_for(isa));
      QVERIFY(!std::isfinite(key(memory, 1, 2, 3)[static_cast<std::size_t>(at)]));
      QVERIFY(!std::isfinite(value(memory, 1, 2, 3)[static_cast<std::size_t>(at)]));
    }
  }
}

void KvMemoryTest::a_copy_to_f16_refuses_what_does_not_fit() {
  Filled filled(shape, 4, KvType::f32);
  std::vector<float> large(static_cast<std::size_t>(shape.head_dim), 1e5F);
  filled.memory.store(1, 2, 3, large.data(), large.data(), kernels_for(best_isa()));
  KvMemory target(shape, 4, KvType::f16);
  QCOMPARE(refusal([&] { target.copy_from(filled.memory, std::vector<SlotCopy>{{.from = 0, .to = 0, .length = 3}}); }),
           QString());
  QVERIFY(!refusal([&] {
             target.copy_from(filled.memory, std::vector<SlotCopy>{{.from = 0, .to = 0, .length = 4}});
           }).isEmpty());
}

QTEST_APPLESS_MAIN(KvMemoryTest)
#include "tst_kv_memory.moc"
