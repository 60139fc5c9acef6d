#include <QAbstractItemModelTester>
#include <QAccessible>
#include <QClipboard>
#include <QGuiApplication>
#include <QNetworkAccessManager>
#include <QQmlEngine>
#include <QQmlNetworkAccessManagerFactory>
#include <QQuickItem>
#include <QQuickView>
#include <QRandomGenerator>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTest>

#include "tests/ui/markdown/strict_rich_text.h"
#include "ui/markdown/markdown_model.h"

using namespace runnel::ui;

namespace {

/** A network on which every request is noted and none is made. */
class NoNetwork : public QNetworkAccessManager {
 public:
  NoNetwork(QStringList* requests, QObject* parent) : QNetworkAccessManager(parent), requests_(requests) {}

 protected:
  QNetworkReply* createRequest(Operation, const QNetworkRequest& request, QIODevice*) override {
    requests_->append(request.url().toString());
    return QNetworkAccessManager::createRequest(GetOperation, QNetworkRequest(QUrl(QStringLiteral("none:"))), nullptr);
  }

 private:
  QStringList* requests_;
};

class NoNetworkFactory : public QQmlNetworkAccessManagerFactory {
 public:
  QNetworkAccessManager* create(QObject* parent) override { return new NoNetwork(&requests, parent); }

  QStringList requests;
};

void collect(QQuickItem* item, const char* type, QList<QQuickItem*>& found) {
  if (QByteArrayView(item->metaObject()->className()).startsWith(type)) found.append(item);
  for (QQuickItem* child : item->childItems()) collect(child, type, found);
}

}  // namespace

class MarkdownViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void init();
  void cleanup();
  void appending_announces_the_changed_rows_only();
  void rows_of_a_very_long_text_come_in_portions();
  void the_rows_follow_any_change_of_the_text();
  void code_is_copied_as_it_was_written();
  void the_copy_button_works_by_mouse_and_keyboard();
  void every_kind_of_block_is_shown();
  void nothing_is_loaded_and_nothing_interpreted();
  void a_click_on_a_link_only_says_so();
  void code_that_grows_keeps_its_item();
  void right_to_left_text_stands_on_the_right();
  void the_wheel_passes_through_code_and_tables();
  void the_caret_stands_after_the_last_character();
  void blocks_have_accessible_names();

 private:
  void show(const QString& text);
  QList<QQuickItem*> items(const char* type) const;

  NoNetworkFactory m_network;
  std::unique_ptr<QQuickView> m_window;
  QQuickItem* m_view = nullptr;
};

void MarkdownViewTest::init() {
  QTest::failOnWarning(QRegularExpression(QStringLiteral("qrc:")));
  m_network.requests.clear();
  m_window = std::make_unique<QQuickView>();
  m_window->engine()->setNetworkAccessManagerFactory(&m_network);
  m_window->engine()->addImportPath(QStringLiteral(":/"));
  m_window->setResizeMode(QQuickView::SizeRootObjectToView);
  m_window->resize(600, 800);
  m_window->setSource(QUrl(QStringLiteral("qrc:/Runnel/MarkdownView.qml")));
  QVERIFY2(m_window->status() == QQuickView::Ready, qPrintable(m_window->errors().value(0).toString()));
  m_view = m_window->rootObject();
  m_window->show();
  QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
}

void MarkdownViewTest::cleanup() {
  m_window.reset();
  QCOMPARE(m_network.requests, QStringList());
}

void MarkdownViewTest::show(const QString& text) {
  m_view->setProperty("text", text);
  QTRY_VERIFY(m_view->property("complete").toBool());
  m_window->grabWindow();
}

QList<QQuickItem*> MarkdownViewTest::items(const char* type) const {
  QList<QQuickItem*> found;
  collect(m_view, type, found);
  return found;
}

void MarkdownViewTest::appending_announces_the_changed_rows_only() {
  MarkdownModel model;
  QAbstractItemModelTester tester(&model);
  model.setText(QStringLiteral("# a\n\nb\n\nc"));
  QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
  QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
  QSignalSpy removed(&model, &QAbstractItemModel::rowsRemoved);
  model.setText(model.text() + u'd');
  QCOMPARE(changed.size(), 1);
  QCOMPARE(changed[0][0].toModelIndex().row(), 2);
  QCOMPARE(model.data(model.index(2), MarkdownModel::RichRole).toString(), QStringLiteral("cd"));
  model.setText(model.text() + QStringLiteral("\n\n```\ne"));
  QCOMPARE(changed.size(), 1);
  QCOMPARE(inserted.size(), 1);
  QCOMPARE(model.rowCount(), 4);
  QCOMPARE(removed.size(), 0);
}

void MarkdownViewTest::rows_of_a_very_long_text_come_in_portions() {
  MarkdownModel model;
  QAbstractItemModelTester tester(&model);
  QSignalSpy complete(&model, &MarkdownModel::completeChanged);
  const QString text = QStringLiteral("paragraph\n\n").repeated(1000);
  model.setText(text);
  QVERIFY(!model.isComplete());
  QVERIFY(model.rowCount() > 0 && model.rowCount() < 200);
  model.setText(text + QStringLiteral("the end"));
  QTRY_VERIFY(model.isComplete());
  QCOMPARE(model.rowCount(), 1001);
  QCOMPARE(complete.size(), 2);
}

void MarkdownViewTest::the_rows_follow_any_change_of_the_text() {
  const QStringList parts{QStringLiteral("a\n\n"), QStringLiteral("- b\n"),      QStringLiteral("```\nc\n"),
                          QStringLiteral("# d\n"), QStringLiteral("|e|\n|-|\n"), QStringLiteral("> f\n"),
                          QStringLiteral("---\n"), QStringLiteral("g")};
  QRandomGenerator random(3);
  MarkdownModel model;
  QAbstractItemModelTester tester(&model);
  QList<QVariant> mirror;  // what a view knows that heeds the signals alone
  connect(&model, &QAbstractItemModel::rowsInserted, this, [&](const QModelIndex&, int first, int last) {
    for (int row = first; row <= last; ++row)
      mirror.insert(row, model.data(model.index(row), MarkdownModel::PlainRole));
  });
  connect(&model, &QAbstractItemModel::rowsRemoved, this,
          [&](const QModelIndex&, int first, int last) { mirror.remove(first, last - first + 1); });
  connect(&model, &QAbstractItemModel::dataChanged, this, [&](const QModelIndex& from, const QModelIndex& to) {
    for (int row = from.row(); row <= to.row(); ++row)
      mirror[row] = model.data(model.index(row), MarkdownModel::PlainRole);
  });
  for (int round = 0; round < 300; ++round) {
    QString text = random.bounded(4) > 0 ? model.text() : model.text().left(random.bounded(20));
    text += parts[random.bounded(parts.size())];
    model.setText(text);
    QTRY_VERIFY(model.isComplete());
    QCOMPARE(mirror.size(), model.rowCount());
    for (int row = 0; row < model.rowCount(); ++row)
      QCOMPARE(mirror[row], model.data(model.index(row), MarkdownModel::PlainRole));
  }
}

void MarkdownViewTest::code_is_copied_as_it_was_written() {
  const QString code =
      QStringLiteral("$x*y* &lt; <b>\n") + QString(20000, u'z') + QStringLiteral("\nline\n").repeated(3000);
  MarkdownModel model;
  model.setText(QStringLiteral("a\n\n```c\n") + code + QStringLiteral("\n```\nb"));
  model.copyCode(1);
  QCOMPARE(QGuiApplication::clipboard()->text(), code);
  QCOMPARE(model.codeAt(-1), QString());
  QCOMPARE(model.codeAt(1000), QString());
}

void MarkdownViewTest::the_copy_button_works_by_mouse_and_keyboard() {
  show(QStringLiteral("```c\nint a;\n```"));
  QQuickItem* button = items("QQuickAbstractButton").value(0);
  QVERIFY(button);
  const QPoint centre = button->mapToScene(QPointF(button->width() / 2, button->height() / 2)).toPoint();
  QTest::mouseClick(m_window.get(), Qt::LeftButton, {}, centre);
  QCOMPARE(QGuiApplication::clipboard()->text(), QStringLiteral("int a;"));
  for (const Qt::Key key : {Qt::Key_Space, Qt::Key_Return}) {
    QGuiApplication::clipboard()->clear();
    button->forceActiveFocus(Qt::TabFocusReason);
    QTest::keyClick(m_window.get(), key);
    QCOMPARE(QGuiApplication::clipboard()->text(), QStringLiteral("int a;"));
  }
}

void MarkdownViewTest::every_kind_of_block_is_shown() {
  show(QStringLiteral("# a\n\nb\n\n- [x] c\n- d\n\n> e\n\n```c\nf\n```\n\n| g |\n|---|\n| h |\n\n---\n\ni"));
  QCOMPARE(items("MarkdownParagraph").size(), 6);
  QCOMPARE(items("CodeBlock").size(), 1);
  QCOMPARE(items("TableBlock").size(), 1);
  for (QQuickItem* item : items("MarkdownBlock")) QVERIFY(item->height() > 0);
  QVERIFY(m_view->implicitHeight() > 200);
}

void MarkdownViewTest::nothing_is_loaded_and_nothing_interpreted() {
  const QString picture = QStringLiteral("http://127.0.0.1:9/x.png");
  const QStringList forms{QStringLiteral("![](%1)"),
                          QStringLiteral("<img src=\"%1\">"),
                          QStringLiteral("a <b>x</b> <img src=%1 />"),
                          QStringLiteral("[![](%1)](https://a.b)"),
                          QStringLiteral("<table background=\"%1\"><tr><td>x</td></tr></table>"),
                          QStringLiteral("<p style=\"background-image:url(%1)\">x</p>"),
                          QStringLiteral("&lt;img src=%1&gt;"),
                          QStringLiteral("| <img src=%1> |\n|---|\n| ![](%1) |"),
                          QStringLiteral("```<img src=%1>\n<img src=%1>\n```"),
                          QStringLiteral("# ![a][r]\n\n[r]: %1")};
  QString text;
  for (const QString& form : forms) {
    text += form.arg(picture) + QStringLiteral("\n\n");
    text += form.arg(QStringLiteral("file:///usr/share/x.png")) + QStringLiteral("\n\n");
    text += form.arg(QStringLiteral("//host/x.png")) + QStringLiteral("\n\n");
  }
  show(text);
  for (const char* type : {"MarkdownParagraph", "QQuickTextEdit"}) {
    for (QQuickItem* edit : items(type)) {
      // What Qt made of the text: pictures would be tags of its document.
      if (edit->property("textFormat").toInt() == Qt::PlainText) continue;
      QVERIFY(!edit->property("text").toString().contains(QStringLiteral("<img"), Qt::CaseInsensitive));
      QVERIFY(!edit->property("text").toString().contains(QStringLiteral("url("), Qt::CaseInsensitive) ||
              edit->property("plain").toString().contains(QStringLiteral("url(")));
      QString visible;
      QVERIFY(QMetaObject::invokeMethod(edit, "getText", Q_RETURN_ARG(QString, visible), Q_ARG(int, 0),
                                        Q_ARG(int, edit->property("length").toInt())));
      QVERIFY(!visible.contains(QChar(QChar::ObjectReplacementCharacter)));
      if (edit->property("plain").isValid())
        QCOMPARE(visible.replace(QChar(QChar::LineSeparator), u'\n'), edit->property("plain").toString());
    }
  }
}

void MarkdownViewTest::a_click_on_a_link_only_says_so() {
  QSignalSpy activated(m_view, SIGNAL(linkActivated(QString)));
  show(QStringLiteral("[link](https://example.org/a_b?c=d&e=%22)"));
  QTest::mouseClick(m_window.get(), Qt::LeftButton, {}, QPoint(10, 10));
  QCOMPARE(activated.size(), 1);
  QCOMPARE(activated[0][0].toString(), QStringLiteral("https://example.org/a_b?c=d&e=%22"));
}

void MarkdownViewTest::code_that_grows_keeps_its_item() {
  show(QStringLiteral("```c\nint a;"));
  const QList<QQuickItem*> before = items("QQuickTextEdit");
  QCOMPARE(before.size(), 1);
  for (int i = 0; i < 20; ++i) show(m_view->property("text").toString() + QStringLiteral("\nint b%1;").arg(i));
  QCOMPARE(items("QQuickTextEdit"), before);
  QVERIFY(before[0]->property("text").toString().endsWith(QStringLiteral("int b19;")));
  show(QStringLiteral("```c\nshorter"));
  QCOMPARE(before[0]->property("text").toString(), QStringLiteral("shorter"));
}

void MarkdownViewTest::right_to_left_text_stands_on_the_right() {
  show(QStringLiteral("left\n\nשלום עולם"));
  const QList<QQuickItem*> paragraphs = items("MarkdownParagraph");
  QCOMPARE(paragraphs.size(), 2);
  const auto start = [](QQuickItem* edit) {
    QRectF place;
    QMetaObject::invokeMethod(edit, "positionToRectangle", Q_RETURN_ARG(QRectF, place), Q_ARG(int, 0));
    return place.x();
  };
  QVERIFY(start(paragraphs[0]) < 100);
  QVERIFY(start(paragraphs[1]) > 500);
}

void MarkdownViewTest::the_wheel_passes_through_code_and_tables() {
  show(QStringLiteral("```\n") + QString(2000, u'x') + QStringLiteral("\n```"));
  QWheelEvent wheel(QPointF(100, 60), QPointF(100, 60), {}, QPoint(0, -120), Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  wheel.setAccepted(false);
  QCoreApplication::sendEvent(m_window.get(), &wheel);
  QVERIFY(!wheel.isAccepted());
}

void MarkdownViewTest::the_caret_stands_after_the_last_character() {
  m_view->setProperty("caret", true);
  m_view->setProperty("streaming", true);
  show(QStringLiteral("one\n\n- two"));
  const QList<QQuickItem*> children = m_view->childItems();
  QQuickItem* caret = children.last();
  QVERIFY(caret->isVisible());
  const qreal before = caret->x();
  QVERIFY(caret->y() > 20);
  show(QStringLiteral("one\n\n- two and more"));
  QVERIFY(caret->x() > before + 30);
  m_view->setProperty("streaming", false);
  QVERIFY(!caret->isVisible());
}

void MarkdownViewTest::blocks_have_accessible_names() {
  show(QStringLiteral("# a\n\n*b* &lt;\n\n```c\nd\n```\n\n| e | f |\n|---|---|\n| g | h |"));
  QStringList names;
  const std::function<void(QAccessibleInterface*)> walk = [&](QAccessibleInterface* node) {
    names.append(node->text(QAccessible::Name));
    for (int i = 0; i < node->childCount(); ++i) walk(node->child(i));
  };
  walk(QAccessible::queryAccessibleInterface(m_window.get()));
  for (const char* name : {"a", "b &lt;", "c", "d", "Copy code", "e\tf\ng\th"}) {
    QVERIFY2(names.contains(QString::fromLatin1(name)), name);
  }
}

QTEST_MAIN(MarkdownViewTest)
#include "tst_markdown_view.moc"
