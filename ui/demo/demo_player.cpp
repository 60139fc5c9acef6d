#include "ui/demo/demo_player.h"

#include <QCoreApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QKeyEvent>
#include <QTimer>

#include <cstdio>

#include "runnel/error.h"

namespace runnel::ui {

namespace {

constexpr int kPollMilliseconds = 15;
constexpr int kPatienceMilliseconds = 300'000;
constexpr int kMostRounds = 6;  // of the script
constexpr qsizetype kTurnsAtLeast = 8;
constexpr int kAnswerTokens = 96;

void print(const QString& line) {
  std::fputs(line.toUtf8().constData(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

[[noreturn]] void fail(const QString& sentence) {
  throw Error(sentence.toStdString());
}

/** Whether a picture shows something: not one colour only. */
bool showsSomething(const QImage& image) {
  if (image.isNull()) return false;
  const QRgb first = image.pixel(0, 0);
  for (int y = 0; y < image.height(); y += 7)
    for (int x = 0; x < image.width(); x += 7)
      if (image.pixel(x, y) != first) return true;
  return false;
}

}  // namespace

DemoPlayer::DemoPlayer(const Parts& parts, QObject* parent)
    : QObject(parent),
      m_app(parts.app),
      m_backend(parts.backend),
      m_settings(parts.settings),
      m_window(parts.window),
      m_folder(parts.folder),
      m_script(DemoScript::builtIn()) {
  connect(&m_backend, &app::ChatBackend::cacheChanged, this,
          [this](const app::CacheSnapshot& snapshot) { m_report.add(snapshot); });
  connect(m_app.cache(), &CacheViewModel::changed, this, &DemoPlayer::takeWatchedPictures, Qt::QueuedConnection);
}

void DemoPlayer::run() {
  if (!QDir().mkpath(m_folder))
    fail(tr("The folder %1 for the pictures can't be made; name another one.").arg(m_folder));
  ModelPicker& models = *m_app.models();
  waitUntil([&] { return models.ready() || !models.loading(); }, tr("No model was loaded"));
  if (!models.ready() && !m_app.problem().isEmpty()) fail(m_app.problem());
  if (!models.ready()) fail(tr("The demonstration needs a model; name one with --model."));
  print(tr("# Model: %1, %2").arg(m_app.models()->name(), m_app.models()->detail()));
  for (const int nDiscard : {1, -1}) {
    prepare(nDiscard);
    if (nDiscard == 1) picture(QStringLiteral("1-empty"));
    m_watching = nDiscard == 1;
    playUntilForgotten(nDiscard);
    picture(nDiscard == 1 ? QStringLiteral("4-forgetting") : QStringLiteral("6-half-at-once"));
    if (nDiscard == 1) showSettings();
  }
  const qsizetype wanted = 7;
  if (m_pictures.size() < wanted)
    fail(tr("Only %1 of %2 pictures were taken: %3.").arg(m_pictures.size()).arg(wanted).arg(m_pictures.join(", ")));
  print(tr("# Pictures in %1: %2").arg(QDir(m_folder).absolutePath(), m_pictures.join(", ")));
}

void DemoPlayer::prepare(int nDiscard) {
  m_app.newConversation();
  CacheSettings cache = m_settings.cache();
  cache.ctx_size = kCtxSize;
  cache.n_keep = 4;
  cache.n_discard = nDiscard;
  bool applied = false;
  QString refusal;
  QObject scope;
  connect(&m_backend, &app::ChatBackend::cacheSettingsApplied, &scope, [&applied] { applied = true; });
  connect(&m_backend, &app::ChatBackend::cacheSettingsRefused, &scope, [&refusal](const QString& m) { refusal = m; });
  SettingsViewModel& view = *m_app.settings();
  view.setCtxSize(cache.ctx_size);
  view.setNKeep(cache.n_keep);
  view.setNDiscard(cache.n_discard);
  view.applyCache();
  if (!view.cacheProblem().isEmpty()) fail(view.cacheProblem());
  waitUntil([&] { return applied || !refusal.isEmpty(); }, tr("The cache's settings were not applied"));
  if (!refusal.isEmpty()) fail(refusal);
  m_settings.setMaxTokens(kAnswerTokens);
  m_settings.setSystemPrompt(m_script.system);
  m_app.newConversation();
  m_report = {};
  print(tr("\n# Conversation with ctx_size %1, n_keep %2, n_discard %3")
            .arg(cache.ctx_size)
            .arg(cache.n_keep)
            .arg(cache.n_discard));
}

void DemoPlayer::playUntilForgotten(int nDiscard) {
  const qsizetype most = kMostRounds * m_script.turns.size();
  qsizetype played = 0;
  while (played < kTurnsAtLeast || m_report.evicted() < kEvictedAtLeast) {
    if (played == most)
      fail(tr("After %1 messages only %2 tokens were forgotten; %3 were expected.")
               .arg(played)
               .arg(m_report.evicted())
               .arg(kEvictedAtLeast));
    const QString& text = m_script.turns[played % m_script.turns.size()];
    print(QStringLiteral("\n[user] %1").arg(text));
    sendThroughWindow(text);
    printLastAnswer();
    print(tr("[cache] %1 of %2 tokens, %3 forgotten")
              .arg(m_report.cached())
              .arg(m_report.ctxSize())
              .arg(m_report.evicted()));
    ++played;
  }
  print(tr("\n# What was forgotten"));
  for (const QString& line : m_report.takeLines()) print(line);
  if (m_report.cached() > kCtxSize) fail(tr("The cache holds %1 tokens, more than ctx_size.").arg(m_report.cached()));
  const bool dropsMany = m_report.largestEviction() > 1;
  if (dropsMany != (nDiscard < 0))
    fail(tr("With n_discard %1 an eviction dropped %2 tokens.").arg(nDiscard).arg(m_report.largestEviction()));
}

void DemoPlayer::sendThroughWindow(const QString& text) {
  m_app.chat()->suggest(text);
  for (const QEvent::Type type : {QEvent::KeyPress, QEvent::KeyRelease}) {
    QKeyEvent enter(type, Qt::Key_Return, Qt::NoModifier, QStringLiteral("\r"));
    QCoreApplication::sendEvent(&m_window, &enter);
  }
  if (!m_app.chat()->busy()) fail(tr("The window did not send the message “%1”.").arg(text));
  waitUntil([this] { return !m_app.chat()->busy(); }, tr("The message “%1” was not answered").arg(text));
}

void DemoPlayer::printLastAnswer() {
  TranscriptModel& transcript = *m_app.transcript();
  const QModelIndex last = transcript.index(transcript.count() - 1);
  const QString answer = last.data(TranscriptModel::TextRole).toString();
  const QString note = last.data(TranscriptModel::NoteRole).toString();
  if (last.data(TranscriptModel::FailedRole).toBool()) fail(note);
  if (answer.trimmed().isEmpty()) fail(tr("The model answered nothing."));
  print(QStringLiteral("[assistant] %1").arg(answer));
  if (!note.isEmpty()) print(QStringLiteral("[note] %1").arg(note));
}

void DemoPlayer::showSettings() {
  QMetaObject::invokeMethod(&m_window, "openSettings");
  picture(QStringLiteral("5-settings"));
  QMetaObject::invokeMethod(&m_window, "closeSettings");
  const QString theme = m_settings.theme();
  m_settings.setTheme(QStringLiteral("light"));
  picture(QStringLiteral("7-light"));
  m_settings.setTheme(theme);
}

void DemoPlayer::takeWatchedPictures() {
  if (!m_watching) return;
  const int cached = m_app.cache()->cached();
  if (cached >= kCtxSize / 2 && cached < kCtxSize && !m_pictures.contains(QLatin1String("2-filling")))
    takePicture(QStringLiteral("2-filling"));
  if (cached == kCtxSize && !m_pictures.contains(QLatin1String("3-full"))) takePicture(QStringLiteral("3-full"));
}

void DemoPlayer::picture(const QString& name) {
  QCoreApplication::processEvents();
  takePicture(name);
  if (!m_failure.isEmpty()) fail(m_failure);
}

// Also called from the event loop, which no exception may cross.
void DemoPlayer::takePicture(const QString& name) {
  const QImage image = m_window.grabWindow();
  const QString file = QDir(m_folder).filePath(QStringLiteral("runnel-%1.png").arg(name));
  if (!showsSomething(image))
    m_failure = tr("The window is blank in the picture %1.").arg(name);
  else if (!image.save(file))
    m_failure = tr("The picture %1 can't be written; name another folder with --screenshots.").arg(file);
  m_pictures.append(name);
}

void DemoPlayer::waitUntil(const std::function<bool()>& condition, const QString& otherwise) {
  QElapsedTimer patience;
  patience.start();
  QEventLoop loop;
  QTimer poll;
  connect(&poll, &QTimer::timeout, &loop, [&] {
    if (condition() || !m_window.isVisible() || patience.hasExpired(kPatienceMilliseconds)) loop.quit();
  });
  poll.start(kPollMilliseconds);
  if (!condition()) loop.exec();
  if (!m_failure.isEmpty()) fail(m_failure);
  if (condition()) return;
  fail(m_window.isVisible() ? tr("%1 within %2 seconds.").arg(otherwise).arg(kPatienceMilliseconds / 1000)
                            : tr("The window was closed before the demonstration ended."));
}

}  // namespace runnel::ui
