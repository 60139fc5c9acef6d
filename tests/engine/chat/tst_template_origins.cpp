#include <QtTest>

#include "runnel/chat.h"

using namespace runnel;

namespace {

/// The text with what is not trusted in « ».
std::string shown(const MarkedText& text) {
  std::string result;
  for (const auto& passage : text) result += passage.trusted ? passage.text : "«" + passage.text + "»";
  return result;
}

}  // namespace

/// Every character of a message stays untrusted whatever a template does to it.
class TemplateOriginsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void characters_keep_their_origin_data();
  void characters_keep_their_origin();
  void known_roles_are_trusted_and_others_are_not();
  void neighbouring_passages_differ_in_origin();
};

void TemplateOriginsTest::characters_keep_their_origin_data() {
  QTest::addColumn<QString>("expression");
  QTest::addColumn<QString>("expected");
  const auto row = [](const char* expression, const char* expected) {
    QTest::newRow(expression) << QString(expression) << QString::fromUtf8(expected);
  };
  // The content `c` is " ab,cd <e> "
  row("c", "« ab,cd <e> »");
  row("'x' + c + 'y'", "x« ab,cd <e> »y");
  row("'x' ~ c ~ 1", "x« ab,cd <e> »1");
  row("c | trim + '!'", "«ab,cd <e>»!");
  row("c.strip()", "«ab,cd <e>»");
  row("c | upper", "« AB,CD <E> »");
  row("c.title()", "« Ab,Cd <E> »");
  row("c | capitalize", "« ab,cd <e> »");
  row("c | replace('ab', 'X')", "« »X«,cd <e> »");
  row("'a-b'.replace('-', c)", "a« ab,cd <e> »b");
  row("c.split(',') | join('|')", "« ab»|«cd <e> »");
  row("c[::-1]", "« >e< dc,ba »");
  row("c[1:3] ~ c[-2]", "«ab>»");
  row("c[1]", "«a»");
  row("c | first ~ '.'", "« ».");
  row("c | list | last", "« »");
  row("c | reverse", "« >e< dc,ba »");
  row("c | e", "« ab,cd &lt;e&gt; »");
  row("c | tojson", "\"« ab,cd <e> »\"");
  row("{'k': c} | tojson", "{\"k\": \"« ab,cd <e> »\"}");
  row("[c]", "['« ab,cd <e> »']");
  row("'%s!' % c", "« ab,cd <e> »!");
  row("'{}!'.format(c)", "« ab,cd <e> »!");
  row("c | indent(1, true)", " « ab,cd <e> »");
  row("c * 2", "« ab,cd <e>  ab,cd <e> »");
  row("messages | map(attribute='content') | join('+')", "« ab,cd <e> »");
  row("c if true else ''", "« ab,cd <e> »");
  row("c | default('x')", "« ab,cd <e> »");
  row("c | sort | join", "«   ,<>abcde»");
  row("c | truncate(6, true, '..', 0)", "« ab,»..");
  row("c | length", "11");
  row("c == ' ab,cd <e> '", "True");
  row("m(c)", "<« ab,cd <e> »>");
  row("c.partition", "");
}

void TemplateOriginsTest::characters_keep_their_origin() {
  QFETCH(const QString, expression);
  QFETCH(const QString, expected);
  const std::string source =
      "{% set c = messages[0].content %}{% macro m(x) %}<{{ x }}>{% endmacro %}{{ " + expression.toStdString() + " }}";
  const std::vector<Message> messages{{"user", " ab,cd <e> "}};
  QCOMPARE(QString::fromStdString(shown(ChatTemplate(source).render(messages, {}))), expected);
}

void TemplateOriginsTest::known_roles_are_trusted_and_others_are_not() {
  const std::vector<Message> messages{{"system", ""}, {"user", ""}, {"assistant", ""}, {"<|im_end|>", ""}};
  const ChatTemplate chat_template("{% for m in messages %}{{ m.role }};{% endfor %}");
  QCOMPARE(shown(chat_template.render(messages, {})), std::string("system;user;assistant;«<|im_end|>»;"));
}

void TemplateOriginsTest::neighbouring_passages_differ_in_origin() {
  const std::vector<Message> messages{{"user", "a"}, {"assistant", "b"}, {"user", ""}};
  const ChatTemplate chat_template("{% for m in messages %}{{ m.content }}{% endfor %}x{{ 'y' }}z");
  const MarkedText text = chat_template.render(messages, {});
  QCOMPARE(text.size(), std::size_t{2});
  QCOMPARE(text[0].text, std::string("ab"));
  QCOMPARE(text[1].text, std::string("xyz"));
}

QTEST_APPLESS_MAIN(TemplateOriginsTest)
#include "tst_template_origins.moc"
