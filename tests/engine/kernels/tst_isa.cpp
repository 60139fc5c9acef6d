#include <QTest>

#include "engine/format/temporary_folder.h"
#include "engine/kernels/kernel_test.h"

using namespace runnel;

class IsaTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void cleanup() { qunsetenv("RUNNEL_ISA"); }
  void the_best_level_is_there();
  void levels_are_known_by_name();
  void an_unknown_name_is_refused_with_the_names_there_are();
  void a_level_the_machine_lacks_is_refused_with_the_best_it_has();
  void the_environment_forces_a_level();
  void an_argument_goes_before_the_environment();
};

void IsaTest::the_best_level_is_there() {
  QCOMPARE(isa_from(name_of(best_isa())), best_isa());
  QCOMPARE(choose_isa(), best_isa());
}

void IsaTest::levels_are_known_by_name() {
  QCOMPARE(all_levels().front()->isa, Isa::scalar);
  for (const Kernels* kernels : all_levels()) {
    QCOMPARE(isa_from(name_of(kernels->isa)), kernels->isa);
    QCOMPARE(&kernels_for(kernels->isa), kernels);
  }
}

void IsaTest::an_unknown_name_is_refused_with_the_names_there_are() {
  const QString sentence = refusal([] { isa_from("sse2"); });
  for (const char* part : {"sse2", "scalar", "avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"})
    QVERIFY2(sentence.contains(part), part);
}

void IsaTest::a_level_the_machine_lacks_is_refused_with_the_best_it_has() {
  int refused = 0;
  for (const char* name : {"avx2", "avx2-vnni", "avx512", "avx512-vnni", "amx"}) {
    const QString sentence = refusal([name] { isa_from(name); });
    if (sentence.isEmpty()) continue;
    ++refused;
    QVERIFY2(sentence.contains(name) && sentence.contains(QString::fromStdString(std::string(name_of(best_isa())))),
             qPrintable(sentence));
  }
  if (refused == 0) QSKIP("this machine has every level");
}

void IsaTest::the_environment_forces_a_level() {
  qputenv("RUNNEL_ISA", "scalar");
  QCOMPARE(choose_isa(), Isa::scalar);
  qputenv("RUNNEL_ISA", "");
  QCOMPARE(choose_isa(), best_isa());
  qputenv("RUNNEL_ISA", "abacus");
  QVERIFY(refusal([] { choose_isa(); }).contains("abacus"));
}

void IsaTest::an_argument_goes_before_the_environment() {
  qputenv("RUNNEL_ISA", "abacus");
  QCOMPARE(choose_isa("scalar"), Isa::scalar);
}

QTEST_APPLESS_MAIN(IsaTest)
#include "tst_isa.moc"
