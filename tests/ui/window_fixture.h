#pragma once

#include <QGuiApplication>
#include <QQmlApplicationEngine>
#include <QQuickItem>
#include <QQuickWindow>
#include <QTemporaryDir>
#include <QtTest>

#include "app/chat/scripted_backend.h"
#include "ui/app_controller.h"

namespace runnel::ui {

/** The whole window over a scripted backend and temporary data. */
class WindowFixture {
 public:
  explicit WindowFixture(bool withModel = true) : m_settings(m_folder.filePath(QStringLiteral("settings.ini"))) {
    CacheSettings cache;
    cache.ctx_size = 256;
    m_settings.setCache(cache);
    m_settings.setTheme(QStringLiteral("dark"));
    store.open(m_folder.filePath(QStringLiteral("conversations.db")));
    backend.setInterval(0);
    ModelFacts facts;
    facts.quantization = "Q4_1";
    facts.weight_bytes = 94'000'000;
    facts.trained_context = 2048;
    facts.n_layers = 2;
    facts.n_kv_heads = 2;
    facts.head_dim = 32;
    backend.setFacts(facts);
    app = std::make_unique<AppController>(AppController::Parts{
        .backend = backend, .store = store, .settings = m_settings, .modelFolder = modelFolder(), .defaultThreads = 2});
    engine.addImportPath(QStringLiteral(":/"));
    engine.setInitialProperties({{QStringLiteral("app"), QVariant::fromValue(app.get())}});
    engine.load(QUrl(QStringLiteral("qrc:/Runnel/Main.qml")));
    window = engine.rootObjects().isEmpty() ? nullptr : qobject_cast<QQuickWindow*>(engine.rootObjects().constFirst());
    if (window == nullptr) return;
    window->show();
    (void)QTest::qWaitForWindowExposed(window);
    if (withModel) {
      app->start(QStringLiteral("/models/test.gguf"));
      (void)QTest::qWaitFor([this] { return app->models()->ready(); });
    }
  }

  app::Settings& settings() { return m_settings; }
  QString modelFolder() const { return m_folder.filePath(QStringLiteral("models")); }

  /** The first item whose QML type is `type`, anywhere in the window. */
  QQuickItem* item(const QString& type) const {
    for (QQuickItem* candidate : allItems(window->contentItem()))
      if (QString::fromLatin1(candidate->metaObject()->className()).startsWith(type + QStringLiteral("_QML")))
        return candidate;
    return nullptr;
  }

  /** What can be seen and says `text`. */
  QQuickItem* shown(const QString& text) const {
    for (QQuickItem* candidate : allItems(window->contentItem()))
      if (candidate->isVisible() && candidate->opacity() > 0 && candidate->property("text").toString() == text)
        return candidate;
    return nullptr;
  }

  /** Lets the window lay itself out and draw what there is to draw. */
  bool draw() {
    QSignalSpy frames(window, &QQuickWindow::frameSwapped);
    return QTest::qWaitFor([&] {
      window->update();
      return frames.count() >= 2;
    });
  }

  /** Clicks on what says `text`, once it is there and has been laid out and drawn. */
  bool click(const QString& text) {
    if (!QTest::qWaitFor([&] { return shown(text) != nullptr; })) return false;
    if (!draw()) return false;
    const QQuickItem* item = shown(text);
    if (item == nullptr) return false;
    QTest::mouseClick(window, Qt::LeftButton, {}, item->mapToScene(item->boundingRect().center()).toPoint());
    return true;
  }

  QQuickItem* textArea() const {
    QQuickItem* composer = item(QStringLiteral("Composer"));
    return composer == nullptr ? nullptr : composer->property("textArea").value<QQuickItem*>();
  }

  QString typed() const { return textArea()->property("text").toString(); }

  /** Sends a message as if it had been typed, and waits for the answer. */
  void converse(const QString& text) {
    app->chat()->send(text);
    QVERIFY(QTest::qWaitFor([this] { return !app->chat()->busy(); }, 20'000));
  }

  /** Stores a conversation of 2,000 short messages and opens it. */
  void openLongConversation() {
    const qint64 id = store.createConversation(QStringLiteral("long"))->id;
    for (int i = 0; i < 2000; ++i) {
      app::StoredMessage message{.conversationId = id, .role = i % 2 == 0 ? app::Role::User : app::Role::Assistant};
      message.text = QStringLiteral("Message %1 with a few words.").arg(i);
      message.stopReason = i % 2 == 0 ? app::StopReason::None : app::StopReason::EndOfTurn;
      QVERIFY(store.appendMessage(message));
    }
    app->openConversation(id);
  }

  static QList<QQuickItem*> allItems(QQuickItem* root) {
    QList<QQuickItem*> found{root};
    for (qsizetype i = 0; i < found.size(); ++i) found += found[i]->childItems();
    return found;
  }

 private:
  QTemporaryDir m_folder;
  app::Settings m_settings;

 public:
  app::ConversationStore store;
  app::ScriptedBackend backend;
  std::unique_ptr<AppController> app;
  QQmlApplicationEngine engine;
  QQuickWindow* window = nullptr;
};

}  // namespace runnel::ui
