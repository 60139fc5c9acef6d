#include <QTest>
#include <cmath>
#include <set>

#include "engine/kernels/kernel_test.h"
#include "model/architectures.h"
#include "model/attention_block.h"

using namespace runnel;

/// The table of architectures and what follows from its rows alone.
class ArchitecturesTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_row_is_found_by_its_names();
  void names_are_not_shared_between_rows();
  void a_name_that_only_resembles_one_is_not_found();
  void tensor_names_take_layer_and_expert();
  void alibi_slopes_are_those_of_the_paper();
  void alibi_slopes_for_other_numbers_of_heads_take_every_other_of_the_next();
};

void ArchitecturesTest::every_row_is_found_by_its_names() {
  for (const Architecture& row : architectures()) {
    const QStringList names = QString::fromStdString(std::string(row.hf)).split(' ');
    for (const QString& name : names) QCOMPARE(architecture_of_hf(name.toStdString()), &row);
    QCOMPARE(architecture_of_gguf(row.gguf)->gguf, row.gguf);
    QVERIFY(known_architectures().find(row.gguf) != std::string::npos);
  }
}

void ArchitecturesTest::names_are_not_shared_between_rows() {
  std::set<QString> seen;
  for (const Architecture& row : architectures()) {
    for (const QString& name : QString::fromStdString(std::string(row.hf)).split(' '))
      QVERIFY2(seen.insert(name).second, qPrintable(name));
  }
}

void ArchitecturesTest::a_name_that_only_resembles_one_is_not_found() {
  for (const char* name : {"", " ", "Llama", "LlamaForCausalLM ", "llamaforcausallm", "ForCausalLM"}) {
    QVERIFY2(architecture_of_hf(name) == nullptr, name);
    QVERIFY2(architecture_of_gguf(name) == nullptr, name);
  }
}

void ArchitecturesTest::tensor_names_take_layer_and_expert() {
  QCOMPARE(tensor_name("embed.weight", 3, 4), "embed.weight");
  QCOMPARE(tensor_name("layers.{}.norm.weight", 3, 4), "layers.3.norm.weight");
  QCOMPARE(tensor_name("layers.{}.experts.{}.w1.weight", 12, 7), "layers.12.experts.7.w1.weight");
}

void ArchitecturesTest::alibi_slopes_are_those_of_the_paper() {
  const std::vector<float> slopes = alibi_slopes(8, 8);
  for (std::size_t i = 0; i < 8; ++i) QCOMPARE(slopes[i], std::exp2(-static_cast<float>(i + 1)));
  QCOMPARE(alibi_slopes(4, 16)[0], std::exp2(-4.0F));
  QCOMPARE(alibi_slopes(1, 8)[0], std::exp2(-8.0F));
}

void ArchitecturesTest::alibi_slopes_for_other_numbers_of_heads_take_every_other_of_the_next() {
  const std::vector<float> slopes = alibi_slopes(6, 8);
  QCOMPARE(slopes.size(), 6U);
  const double exponents[] = {2, 4, 6, 8, 1, 3};
  for (std::size_t i = 0; i < 6; ++i) QVERIFY(near(slopes[i], std::exp2(-exponents[i]), 1e-7));
}

QTEST_APPLESS_MAIN(ArchitecturesTest)
#include "tst_architectures.moc"
