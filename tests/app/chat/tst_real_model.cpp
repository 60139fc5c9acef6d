#include "tests/app/chat/talk.h"

using namespace runnel::app;

/** The local backend with the model that RUNNEL_TEST_MODEL names. */
class RealModelTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();

  void answers_in_turn();
  void stops_at_once();

 private:
  QString m_model;
};

void RealModelTest::initTestCase() {
  m_model = qEnvironmentVariable("RUNNEL_TEST_MODEL");
  if (m_model.isEmpty()) QSKIP("RUNNEL_TEST_MODEL does not name a model file");
}

void RealModelTest::answers_in_turn() {
  Talk talk;
  QVERIFY(talk.set({.ctx_size = 512}));
  talk.backend.load({.path = m_model});
  QVERIFY(talk.loaded.wait(kPatience));
  QList<ChatMessage> messages;
  QVERIFY(talk.exchange(messages, QStringLiteral("What is the capital of France? Answer in one word."), 24));
  QVERIFY2(messages.last().text.contains(QStringLiteral("Paris")), qPrintable(messages.last().text));
  QVERIFY(talk.exchange(messages, QStringLiteral("And of Italy?"), 24));
  QVERIFY2(messages.last().text.contains(QStringLiteral("Rome")), qPrintable(messages.last().text));
  QVERIFY(!messages.last().text.contains(QStringLiteral("<|")));
  QCOMPARE(talk.stats().promptEvaluated, talk.stats().promptIds.size());
}

void RealModelTest::stops_at_once() {
  Talk undisturbed;
  Talk talk;
  QList<ChatMessage> expected;
  QList<ChatMessage> messages;
  for (Talk* each : {&undisturbed, &talk}) {
    QVERIFY(each->set({.ctx_size = 2048}));
    each->backend.load({.path = m_model});
    QVERIFY(each->loaded.wait(kPatience));
  }
  QVERIFY(undisturbed.exchange(expected, QStringLiteral("Say hello."), 8));
  QVERIFY(talk.exchange(messages, QStringLiteral("Say hello."), 8));

  talk.progress.clear();
  const auto read = [&talk] { return talk.progress.last().at(0).value<PromptProgress>().done; };
  talk.send(messages + QList{user(50, QStringLiteral("All work and no play. ").repeated(800))}, 51);
  QVERIFY(QTest::qWaitFor([&] { return !talk.progress.isEmpty() && read() > 0; }, kPatience));
  QVERIFY(talk.progress.last().at(0).value<PromptProgress>().total > 4096);
  const qint64 atTheClick = read();
  talk.backend.stop();
  QVERIFY(talk.cancelled.wait(kPatience));
  qInfo("Prompt stopped after %lld tokens: %lld more were evaluated", atTheClick, read() - atTheClick);
  QVERIFY(read() - atTheClick <= 512);

  const QString question = QStringLiteral("Count from one to a hundred.");
  QVERIFY(undisturbed.exchange(expected, question, 64));
  talk.tokens.clear();
  talk.send(messages + QList{user(60, question)}, 61, 1000);
  QVERIFY(talk.tokens.wait(kPatience));
  const qsizetype shown = talk.ids().size();
  talk.backend.stop();
  QVERIFY(talk.finished.wait(kPatience));
  QCOMPARE(talk.stats().stopReason, StopReason::Stopped);
  QCOMPARE(talk.stats().promptIds, undisturbed.stats().promptIds);
  const qsizetype after = talk.ids().size() - shown;
  qInfo("Answer stopped after %lld tokens: %lld more were sampled", static_cast<long long>(shown),
        static_cast<long long>(after));
  // A token may have been on its way to this thread when it said stop.
  QVERIFY(after <= 2);
  QCOMPARE(talk.ids(), undisturbed.ids().mid(0, talk.ids().size()));
}

QTEST_GUILESS_MAIN(RealModelTest)
#include "tst_real_model.moc"
