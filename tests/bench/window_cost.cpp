// What the window costs while an answer is written: the longest time for which its thread answers nothing, and the
// share of one core that it takes. A conversation of 2,000 messages; prose, a long code block, prose and a table.
//
// bench_window [TOKENS PER SECOND] [CTX SIZE] [prose | code | table]; with QT_QPA_PLATFORM=xcb (Xvfb) and
// QT_QUICK_BACKEND=software.

#include <QtQml/qqmlextensionplugin.h>

#include <sys/resource.h>
#include <cstdio>

#include "tests/ui/window_fixture.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace {

using namespace runnel;

QString prose() {
  return QStringLiteral(
             "Some words of *prose* that fill a line or two, and `code` in between; so much that the text "
             "breaks into several lines, as an answer's paragraphs do.\n\n")
      .repeated(30);
}

QString code() {
  QString code = QStringLiteral("```cpp\n");
  for (int line = 0; line < 400; ++line) code += QStringLiteral("int variable%1 = compute(%1);\n").arg(line);
  return code + QStringLiteral("```\n\n");
}

QString table() {
  QString table = QStringLiteral("| a | b | c |\n|---|---|---|\n");
  for (int row = 0; row < 20; ++row) table += QStringLiteral("| %1 | two | three |\n").arg(row);
  return table;
}

QString answer(const QString& kind) {
  if (kind == QLatin1String("prose")) return prose();
  if (kind == QLatin1String("code")) return code();
  if (kind == QLatin1String("table")) return table();
  return prose() + code() + prose() + table();
}

double threadSeconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const QGuiApplication application(argc, argv);
  const QStringList arguments = QGuiApplication::arguments();
  const int tokensPerSecond = std::max(1, arguments.value(1, QStringLiteral("100")).toInt());
  ui::WindowFixture fixture;
  CacheSettings cache;
  cache.ctx_size = arguments.value(2, QStringLiteral("4096")).toInt();
  cache.allow_untrained_ctx = true;
  fixture.settings().setCache(cache);
  fixture.settings().setMaxTokens(1'000'000);
  fixture.backend.setCacheSettings(cache);
  fixture.openLongConversation();
  fixture.backend.setAnswers({answer(arguments.value(3))});
  QTest::qWait(1000);
  fixture.backend.setInterval(1000 / tokensPerSecond);

  QElapsedTimer beat;
  qint64 longest = 0;
  QTimer heart;
  heart.setTimerType(Qt::PreciseTimer);
  QObject::connect(&heart, &QTimer::timeout, [&] { longest = std::max(longest, beat.restart()); });
  qint64 tokens = 0;
  QObject::connect(&fixture.backend, &app::ChatBackend::tokens,
                   [&](const app::TokenBatch& batch) { tokens += batch.ids.size(); });
  fixture.app->chat()->send(QStringLiteral("Write code."));
  QElapsedTimer clock;
  clock.start();
  beat.start();
  heart.start(5);
  const double before = threadSeconds();
  while (fixture.app->chat()->busy()) QTest::qWait(50);
  const double seconds = static_cast<double>(clock.elapsed()) / 1000;
  std::printf(
      "%lld tokens in %.1f s, ctx_size %d: the window's thread stood still for at most %lld ms and took %.1f %% of a "
      "core\n",
      static_cast<long long>(tokens), seconds, cache.ctx_size, static_cast<long long>(longest),
      (threadSeconds() - before) / seconds * 100);
  return 0;
}
