#include <QTest>
#include <cmath>
#include <vector>

#include "runnel/likelihood.h"

using namespace runnel;

/// How likely logits make a token.
class LikelihoodTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void equal_logits_are_equally_likely();
  void a_certain_token_costs_nothing();
  void probabilities_add_up_to_one();
  void what_is_added_to_all_logits_does_not_matter();
};

void LikelihoodTest::equal_logits_are_equally_likely() {
  const std::vector<float> logits(50'000, 3.5F);
  QVERIFY(std::abs(negative_log_likelihood(logits, 17) - std::log(50'000.0)) < 1e-9);
}

void LikelihoodTest::a_certain_token_costs_nothing() {
  const std::vector<float> logits{-1000, 1000, -1000};
  QCOMPARE(negative_log_likelihood(logits, 1), 0.0);
  QCOMPARE(negative_log_likelihood(logits, 2), 2000.0);
}

void LikelihoodTest::probabilities_add_up_to_one() {
  std::vector<float> logits(300);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 7919 % 300) / 30.0F - 5.0F;
  double sum = 0;
  for (Token token = 0; token < 300; ++token) sum += std::exp(-negative_log_likelihood(logits, token));
  QVERIFY(std::abs(sum - 1) < 1e-6);
}

void LikelihoodTest::what_is_added_to_all_logits_does_not_matter() {
  const std::vector<float> low{-300, -299, -298};
  const std::vector<float> high{300, 301, 302};
  QVERIFY(std::abs(negative_log_likelihood(low, 0) - negative_log_likelihood(high, 0)) < 1e-6);
}

QTEST_APPLESS_MAIN(LikelihoodTest)
#include "tst_likelihood.moc"
