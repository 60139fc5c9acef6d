#include <QTest>

#include "cache/ranked_tokens.h"

using namespace runnel;

namespace {

std::vector<Token> all(const RankedTokens& tokens) {
  return {tokens.all().begin(), tokens.all().end()};
}

Run run(std::int64_t first, std::int32_t length) {
  return {.first = first, .length = length, .rank = 0, .slot = 0, .reason = Reason::window};
}

}  // namespace

class RankedTokensTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void keeps_the_ids_of_what_stays();
};

void RankedTokensTest::keeps_the_ids_of_what_stays() {
  RankedTokens tokens;
  const Token ids[] = {10, 11, 12, 13, 20, 21, 22, 23, 24};
  tokens.append(ids);
  const Run before[] = {run(0, 4), run(100, 5)};
  tokens.follow(before, before);
  QCOMPARE(all(tokens), (std::vector<Token>{10, 11, 12, 13, 20, 21, 22, 23, 24}));
  const Run after[] = {run(0, 1), run(3, 1), run(102, 3)};
  tokens.follow(before, after);
  QCOMPARE(all(tokens), (std::vector<Token>{10, 13, 22, 23, 24}));
  tokens.follow(after, std::span(after).first(1));
  QCOMPARE(all(tokens), std::vector<Token>{10});
  tokens.follow(std::span(after).first(1), {});
  QVERIFY(tokens.all().empty());
}

QTEST_APPLESS_MAIN(RankedTokensTest)
#include "tst_ranked_tokens.moc"
