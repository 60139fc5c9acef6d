#include <QtQml/qqmlextensionplugin.h>
#include <QGuiApplication>
#include <QPalette>
#include <QQmlComponent>
#include <QQmlEngine>
#include <QtTest>

#include <memory>

#include "tests/ui/contrast.h"
#include "ui/theme/color_scheme.h"

Q_IMPORT_QML_PLUGIN(RunnelPlugin)

namespace runnel::ui {

class ThemeTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void text_can_be_read_where_it_stands_data();
  void text_can_be_read_where_it_stands();
  void cells_of_roles_differ_in_lightness_data();
  void cells_of_roles_differ_in_lightness();
  void type_follows_the_font_scale();
  void the_choice_rules_over_the_desktop();
  void the_desktop_is_followed();

 private:
  QColor token(const char* name) const { return m_theme->property(name).value<QColor>(); }

  QQmlEngine m_engine;
  std::unique_ptr<QObject> m_holder;
  QObject* m_theme = nullptr;
};

void ThemeTest::initTestCase() {
  m_engine.addImportPath(QStringLiteral(":/"));
  QQmlComponent component(&m_engine);
  component.setData("import QtQml\nimport Runnel\nQtObject { property QtObject theme: Theme }", QUrl());
  m_holder.reset(component.create());
  QVERIFY2(m_holder != nullptr, qPrintable(component.errorString()));
  m_theme = m_holder->property("theme").value<QObject*>();
  QVERIFY(m_theme != nullptr);
}

void ThemeTest::text_can_be_read_where_it_stands_data() {
  QTest::addColumn<bool>("dark");
  QTest::addColumn<QByteArray>("front");
  QTest::addColumn<QByteArray>("back");
  const QList<std::pair<QByteArray, QList<QByteArray>>> places = {
      {"text", {"background", "sidebar", "card", "bubble", "hover", "pressed", "accentQuiet", "errorQuiet"}},
      {"quiet", {"background", "sidebar", "card", "hover"}},
      {"forgotten", {"background"}},
      {"forgottenOnBubble", {"bubble"}},
      {"accent", {"background", "card", "sidebar"}},
      {"accentOnQuiet", {"accentQuiet"}},
      {"accentText", {"accent"}},
      {"sinkText", {"background"}},
      {"error", {"background", "card"}},
  };
  for (const bool dark : {true, false})
    for (const auto& [front, backs] : places)
      for (const QByteArray& back : backs)
        QTest::newRow((QByteArray(dark ? "dark: " : "light: ") + front + " on " + back).constData())
            << dark << front << back;
}

void ThemeTest::text_can_be_read_where_it_stands() {
  QFETCH(bool, dark);
  QFETCH(QByteArray, front);
  QFETCH(QByteArray, back);
  m_theme->setProperty("dark", dark);
  const double ratio = contrast(token(front), token(back));
  QVERIFY2(ratio >= 4.5, qPrintable(QString::number(ratio)));
}

void ThemeTest::cells_of_roles_differ_in_lightness_data() {
  QTest::addColumn<bool>("dark");
  QTest::newRow("dark") << true;
  QTest::newRow("light") << false;
}

void ThemeTest::cells_of_roles_differ_in_lightness() {
  QFETCH(bool, dark);
  m_theme->setProperty("dark", dark);
  const QList<const char*> roles{"user", "assistant", "system", "freeCell"};
  for (qsizetype i = 0; i < roles.size(); ++i)
    for (qsizetype j = i + 1; j < roles.size(); ++j) {
      const double ratio = contrast(token(roles[i]), token(roles[j]));
      QVERIFY2(ratio >= 1.5, qPrintable(QStringLiteral("%1, %2: %3").arg(roles[i], roles[j]).arg(ratio)));
    }
}

void ThemeTest::type_follows_the_font_scale() {
  auto* type = m_theme->property("type").value<QObject*>();
  m_theme->setProperty("fontScale", 1.0);
  QCOMPARE(type->property("caption").toInt(), 11);
  QCOMPARE(type->property("message").toInt(), 15);
  QCOMPARE(type->property("figure").toInt(), 26);
  m_theme->setProperty("fontScale", 1.5);
  QCOMPARE(type->property("caption").toInt(), 17);
  QCOMPARE(type->property("body").toInt(), 20);
  m_theme->setProperty("fontScale", 1.0);
}

void ThemeTest::the_choice_rules_over_the_desktop() {
  ColorScheme scheme;
  scheme.setSystemScheme(1);
  scheme.setChoice(QStringLiteral("light"));
  QVERIFY(!scheme.dark());
  scheme.setSystemScheme(2);
  scheme.setChoice(QStringLiteral("dark"));
  QVERIFY(scheme.dark());
}

void ThemeTest::the_desktop_is_followed() {
  ColorScheme scheme;
  scheme.setChoice(QStringLiteral("system"));
  scheme.setSystemScheme(1);
  QSignalSpy changes(&scheme, &ColorScheme::darkChanged);
  QVERIFY(scheme.dark());
  scheme.setSystemScheme(0);  // GNOME's "default" means light
  QVERIFY(!scheme.dark());
  scheme.setSystemScheme(2);
  QVERIFY(!scheme.dark());
  scheme.setSystemScheme(77);
  QVERIFY(!scheme.dark());
  QCOMPARE(changes.count(), 1);
}

}  // namespace runnel::ui

QTEST_MAIN(runnel::ui::ThemeTest)
#include "tst_theme.moc"
