#include <QTest>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "runnel/error.h"
#include "runnel/sampler.h"

using namespace runnel;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Every stage off; temperature 1.
SamplerSettings plain_settings(std::uint64_t seed) {
  SamplerSettings settings;
  settings.top_k = 0;
  settings.top_p = 1;
  settings.min_p = 0;
  settings.temperature = 1;
  settings.seed = seed;
  return settings;
}

SamplerSettings greedy_settings(float temperature = 0) {
  SamplerSettings settings;
  settings.temperature = temperature;
  return settings;
}

/// Logits of these probabilities.
std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// Logits like a model's: `count` values spread by a fixed generator.
std::vector<float> spread_logits(int count) {
  std::mt19937 random(7);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(random() % 20'000) / 1'000;
  return logits;
}

std::vector<int> histogram(Sampler& sampler, const std::vector<float>& logits, int draws) {
  std::vector<int> counts(logits.size());
  for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits)];
  return counts;
}

std::set<Token> drawn(const SamplerSettings& settings, const std::vector<float>& logits, int draws = 2'000) {
  Sampler sampler(settings);
  std::set<Token> tokens;
  for (int i = 0; i < draws; ++i) tokens.insert(sampler.sample(logits));
  return tokens;
}

/// A chain of tokens; the logits depend on the token before, as a model's do.
std::vector<Token> chain(SamplerSettings settings, int length) {
  const std::vector<float> logits = spread_logits(500);
  Sampler sampler(settings);
  std::vector<Token> tokens{0};
  std::vector<float> turned(logits.size());
  for (int i = 0; i < length; ++i) {
    std::ranges::rotate_copy(logits, logits.begin() + tokens.back(), turned.begin());
    tokens.push_back(sampler.sample(turned));
    sampler.accept(tokens.back());
  }
  return tokens;
}

Token sample_after(const std::vector<Token>& accepted, const std::vector<float>& logits, float penalty,
                   int window = 64) {
  SamplerSettings settings = greedy_settings();
  settings.repetition_penalty = penalty;
  settings.repetition_window = window;
  Sampler sampler(settings);
  for (const Token token : accepted) sampler.accept(token);
  return sampler.sample(logits);
}

std::string refusal(const SamplerSettings& settings) {
  try {
    validate(settings);
    Sampler sampler(settings);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

class SamplerTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void draws_by_the_probabilities_data();
  void draws_by_the_probabilities();
  void top_k_zero_negative_and_whole_vocabulary_are_all_off();
  void top_k_off_leaves_answers_different();
  void top_k_keeps_the_likeliest();
  void top_p_keeps_the_smallest_set_with_the_mass();
  void top_p_finds_the_set_in_a_flat_distribution();
  void min_p_drops_what_is_far_below_the_best();
  void stages_look_at_probabilities_before_the_temperature();
  void draws_a_seed_when_none_is_given_and_tells_it();
  void the_same_seed_gives_the_same_tokens();
  void temperatures_next_to_zero_are_greedy_data();
  void temperatures_next_to_zero_are_greedy();
  void a_huge_temperature_is_uniform_over_what_is_kept();
  void greedy_takes_the_lowest_of_equals();
  void penalty_moves_positive_and_negative_logits_down();
  void penalty_counts_a_token_once();
  void penalty_forgets_what_left_the_window();
  void penalty_of_one_is_off();
  void survives_extreme_penalties();
  void takes_nan_for_impossible();
  void refuses_logits_without_a_finite_one();
  void names_setting_value_and_range();
};

void SamplerTest::draws_by_the_probabilities_data() {
  QTest::addColumn<float>("temperature");
  QTest::newRow("1") << 1.0F;
  QTest::newRow("0.5") << 0.5F;
  QTest::newRow("2") << 2.0F;
}

void SamplerTest::draws_by_the_probabilities() {
  QFETCH(float, temperature);
  const std::vector<double> probabilities = {0.4, 0.25, 0.15, 0.1, 0.06, 0.04};
  std::vector<double> expected;
  for (const double p : probabilities) expected.push_back(std::pow(p, 1 / temperature));
  const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
  constexpr int kDraws = 20'000;
  for (const std::uint64_t seed : {1, 2, 3}) {
    SamplerSettings settings = plain_settings(seed);
    settings.temperature = temperature;
    Sampler sampler(settings);
    const std::vector<int> counts = histogram(sampler, logits_of(probabilities), kDraws);
    double chi_square = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double mean = kDraws * expected[i] / total;
      chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
    }
    QVERIFY2(chi_square < 20.5, qPrintable(QString::number(chi_square)));  // 5 degrees of freedom, p = 0.001
  }
}

void SamplerTest::top_k_zero_negative_and_whole_vocabulary_are_all_off() {
  SamplerSettings settings = plain_settings(5);
  settings.temperature = 1.2F;
  settings.min_p = 0.02F;
  const auto off = chain(settings, 200);
  for (const int k : {-1, -1000, 500, 501, 1'000'000}) {
    settings.top_k = k;
    QCOMPARE(chain(settings, 200), off);
  }
}

void SamplerTest::top_k_off_leaves_answers_different() {
  std::set<std::vector<Token>> answers;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SamplerSettings settings = plain_settings(seed);
    settings.temperature = 1.2F;
    settings.min_p = 0.02F;
    answers.insert(chain(settings, 30));
  }
  QVERIFY(answers.size() >= 15);
}

void SamplerTest::top_k_keeps_the_likeliest() {
  SamplerSettings settings = plain_settings(1);
  settings.top_k = 3;
  QCOMPARE(drawn(settings, logits_of({0.1, 0.2, 0.1, 0.3, 0.1, 0.2})), (std::set<Token>{1, 3, 5}));
  settings.top_k = 2;  // of equals the lowest ids stay
  QCOMPARE(drawn(settings, {0, 1, 1, 1}), (std::set<Token>{1, 2}));
  settings.top_k = 1;
  QCOMPARE(drawn(settings, {0, 1, 1, 1}), (std::set<Token>{1}));
}

void SamplerTest::top_p_keeps_the_smallest_set_with_the_mass() {
  const std::vector<float> logits = logits_of({0.05, 0.5, 0.15, 0.3});
  const std::vector<std::pair<float, std::set<Token>>> cases = {
      {0.0F, {1}}, {0.49F, {1}}, {0.51F, {1, 3}}, {0.79F, {1, 3}}, {0.81F, {1, 2, 3}}, {0.96F, {0, 1, 2, 3}}};
  for (const auto& [top_p, expected] : cases) {
    SamplerSettings settings = plain_settings(1);
    settings.top_p = top_p;
    QCOMPARE(drawn(settings, logits), expected);
  }
}

void SamplerTest::top_p_finds_the_set_in_a_flat_distribution() {
  const std::vector<float> flat(1'000, 3.0F);
  SamplerSettings settings = plain_settings(1);
  settings.top_p = 0.5F;
  const std::set<Token> tokens = drawn(settings, flat, 10'000);
  QCOMPARE(*tokens.begin(), 0);
  QCOMPARE(*tokens.rbegin(), 499);  // of equals the lowest ids stay
  QCOMPARE(tokens.size(), 500U);
}

void SamplerTest::min_p_drops_what_is_far_below_the_best() {
  const std::vector<float> logits = logits_of({0.05, 0.5, 0.15, 0.3});
  const std::vector<std::pair<float, std::set<Token>>> cases = {
      {0.0F, {0, 1, 2, 3}}, {0.09F, {0, 1, 2, 3}}, {0.11F, {1, 2, 3}}, {0.31F, {1, 3}}, {0.61F, {1}}, {1.0F, {1}}};
  for (const auto& [min_p, expected] : cases) {
    SamplerSettings settings = plain_settings(1);
    settings.min_p = min_p;
    QCOMPARE(drawn(settings, logits), expected);
  }
}

void SamplerTest::stages_look_at_probabilities_before_the_temperature() {
  SamplerSettings settings = plain_settings(1);
  settings.temperature = 50;
  settings.top_p = 0.6F;
  QCOMPARE(drawn(settings, logits_of({0.7, 0.2, 0.1})), std::set<Token>{0});
  settings.top_p = 1;
  settings.min_p = 0.25F;
  QCOMPARE(drawn(settings, logits_of({0.7, 0.2, 0.1})), (std::set<Token>{0, 1}));
}

void SamplerTest::draws_a_seed_when_none_is_given_and_tells_it() {
  SamplerSettings settings = plain_settings(0);
  settings.seed.reset();
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 10; ++i) {
    Sampler sampler(settings);
    seeds.insert(sampler.seed());
  }
  QCOMPARE(seeds.size(), 10U);
  Sampler first(settings);
  Sampler again(plain_settings(first.seed()));
  const std::vector<float> logits = spread_logits(1'000);
  for (int i = 0; i < 100; ++i) QCOMPARE(again.sample(logits), first.sample(logits));
}

void SamplerTest::the_same_seed_gives_the_same_tokens() {
  SamplerSettings settings;
  settings.seed = 42;
  settings.repetition_penalty = 1.1F;
  const auto tokens = chain(settings, 100);
  for (int i = 0; i < 10; ++i) QCOMPARE(chain(settings, 100), tokens);
  settings.seed = 43;
  QVERIFY(chain(settings, 100) != tokens);
}

void SamplerTest::temperatures_next_to_zero_are_greedy_data() {
  QTest::addColumn<float>("temperature");
  QTest::newRow("0") << 0.0F;
  QTest::newRow("-0") << -0.0F;
  QTest::newRow("1e-30") << 1e-30F;
  QTest::newRow("smallest") << std::numeric_limits<float>::denorm_min();
}

void SamplerTest::temperatures_next_to_zero_are_greedy() {
  QFETCH(float, temperature);
  SamplerSettings settings = greedy_settings(temperature);
  settings.repetition_penalty = 1.3F;
  settings.seed = 1;
  const auto tokens = chain(settings, 100);
  for (std::uint64_t seed = 2; seed <= 20; ++seed) {
    settings.seed = seed;
    QCOMPARE(chain(settings, 100), tokens);
  }
  Sampler sampler(greedy_settings(temperature));
  QCOMPARE(sampler.sample(std::vector<float>{-kInfinity, 1e30F, 3e38F, -3e38F}), 2);
}

void SamplerTest::a_huge_temperature_is_uniform_over_what_is_kept() {
  SamplerSettings settings = plain_settings(1);
  settings.temperature = 1e30F;
  settings.top_k = 4;
  Sampler sampler(settings);
  const std::vector<int> counts = histogram(sampler, {5, -80, 1, 9, 0, -90, -kInfinity}, 4'000);
  for (const Token token : {0, 2, 3, 4}) QVERIFY(std::abs(counts[token] - 1'000) < 130);
  QCOMPARE(counts[1] + counts[5] + counts[6], 0);
}

void SamplerTest::greedy_takes_the_lowest_of_equals() {
  Sampler sampler(greedy_settings());
  QCOMPARE(sampler.sample(std::vector<float>{1, 7, 3, 7, 7}), 1);
}

void SamplerTest::penalty_moves_positive_and_negative_logits_down() {
  // 2 becomes 1.333, −2 becomes −3
  QCOMPARE(sample_after({0}, {2, 1.34F}, 1.5F), 1);
  QCOMPARE(sample_after({0}, {2, 1.33F}, 1.5F), 0);
  QCOMPARE(sample_after({1}, {-2.99F, -2}, 1.5F), 0);
  QCOMPARE(sample_after({1}, {-3.01F, -2}, 1.5F), 1);
}

void SamplerTest::penalty_counts_a_token_once() {
  for (const int window : {64, -1}) {
    QCOMPARE(sample_after({0, 0, 0, 0}, {2, 1.33F}, 1.5F, window), 0);
    QCOMPARE(sample_after({1, 1, 1, 1}, {-3.01F, -2}, 1.5F, window), 1);
  }
}

void SamplerTest::penalty_forgets_what_left_the_window() {
  const std::vector<float> logits = {2, 1.9F, 0, 0, 0, 0};
  QCOMPARE(sample_after({0, 2, 3}, logits, 1.5F, 3), 1);
  QCOMPARE(sample_after({0, 2, 3, 4}, logits, 1.5F, 3), 0);
  QCOMPARE(sample_after({2, 3, 4, 5, 0, 2, 3}, logits, 1.5F, 3), 1);
  QCOMPARE(sample_after({0, 2, 3, 4}, logits, 1.5F, -1), 1);
  QCOMPARE(sample_after({0, 2, 3, 4}, logits, 1.5F, 0), 0);
}

void SamplerTest::penalty_of_one_is_off() {
  QCOMPARE(SamplerSettings().repetition_penalty, 1.0F);
  QCOMPARE(sample_after({0, 0}, {2, 1.99F}, 1.0F), 0);
}

void SamplerTest::survives_extreme_penalties() {
  const float huge = std::numeric_limits<float>::max();
  const float tiny = std::numeric_limits<float>::denorm_min();
  QCOMPARE(sample_after({0, 1}, {-5, -4}, huge), 0);  // both end at the lowest number there is
  QCOMPARE(sample_after({0, 1}, {5, 4}, tiny), 0);
  QCOMPARE(sample_after({-1, 7, 2'000'000'000}, {5, 4}, 2), 0);  // tokens outside the vocabulary
  SamplerSettings settings = plain_settings(1);
  settings.repetition_penalty = huge;
  Sampler sampler(settings);
  sampler.accept(0);
  sampler.accept(1);
  const std::vector<float> logits = {-5, -4};
  for (int i = 0; i < 10; ++i) QVERIFY(sampler.sample(logits) <= 1);
}

void SamplerTest::takes_nan_for_impossible() {
  const std::vector<float> logits = {kNaN, -kInfinity, 1, kNaN, 1};
  QCOMPARE(drawn(plain_settings(1), logits), (std::set<Token>{2, 4}));
  QCOMPARE(drawn(SamplerSettings(), logits), (std::set<Token>{2, 4}));
  Sampler sampler(greedy_settings());
  QCOMPARE(sampler.sample(logits), 2);
}

void SamplerTest::refuses_logits_without_a_finite_one() {
  for (const float temperature : {0.0F, 1.0F}) {
    Sampler sampler(greedy_settings(temperature));
    QVERIFY_EXCEPTION_THROWN(sampler.sample({}), Error);
    QVERIFY_EXCEPTION_THROWN(sampler.sample(std::vector<float>{kNaN, -kInfinity}), Error);
    QCOMPARE(sampler.sample(std::vector<float>{kNaN, 0}), 1);  // goes on working
  }
}

void SamplerTest::names_setting_value_and_range() {
  const auto refused = [](auto change, const char* setting, const char* value) {
    SamplerSettings settings;
    change(settings);
    const QString message = QString::fromStdString(refusal(settings));
    return message.contains(setting) && message.contains(value);
  };
  for (const float penalty : {0.0F, -1.0F, kNaN, kInfinity}) {
    QVERIFY(refused([&](SamplerSettings& s) { s.repetition_penalty = penalty; }, "repetition_penalty", "above 0"));
  }
  QVERIFY(refused([](SamplerSettings& s) { s.repetition_window = -2; }, "repetition_window", "-2"));
  for (const float share : {-0.01F, 1.01F, kNaN}) {
    QVERIFY(refused([&](SamplerSettings& s) { s.top_p = share; }, "top_p", "from 0 to 1"));
    QVERIFY(refused([&](SamplerSettings& s) { s.min_p = share; }, "min_p", "from 0 to 1"));
  }
  QVERIFY(refused([](SamplerSettings& s) { s.temperature = -1; }, "temperature", "-1"));
  QVERIFY(refused([](SamplerSettings& s) { s.temperature = kNaN; }, "temperature", "nan"));
  QVERIFY(refused([](SamplerSettings& s) { s.temperature = kInfinity; }, "temperature", "inf"));
  QCOMPARE(refusal(SamplerSettings()), std::string());
}

QTEST_APPLESS_MAIN(SamplerTest)
#include "tst_sampler.moc"
