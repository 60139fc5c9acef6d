#include <QtTest>

#include <ctime>

#include "engine/chat/fixture.h"
#include "runnel/error.h"

using namespace runnel;

namespace {

QString rendered_or_error(const std::string& source, const std::vector<Message>& messages,
                          const RenderOptions& options) {
  try {
    return QString::fromStdString(plain(ChatTemplate(source).render(messages, options)));
  } catch (const Error& error) {
    return QStringLiteral("error: ") + QString::fromStdString(error.what());
  }
}

std::string error_of(const std::string& source, const std::vector<Message>& messages = {{"user", "Hi"}}) {
  return rendered_or_error(source, messages, {}).toStdString();
}

}  // namespace

class ChatTemplateTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase();
  void renders_the_language_as_jinja2_does_data();
  void renders_the_language_as_jinja2_does();
  void renders_templates_of_model_families_as_jinja2_does_data();
  void renders_templates_of_model_families_as_jinja2_does();
  void errors_name_line_and_construct_data();
  void errors_name_line_and_construct();
  void names_of_months_are_english_and_hours_are_shown();
  void shows_the_present_time_without_a_fixed_clock();
  void rendering_twice_gives_the_same();
  void every_architecture_has_a_usable_fallback_data();
  void every_architecture_has_a_usable_fallback();
};

void ChatTemplateTest::initTestCase() {
  qputenv("TZ", "UTC");
  tzset();
}

void ChatTemplateTest::renders_the_language_as_jinja2_does_data() {
  QTest::addColumn<QString>("source");
  QTest::addColumn<QString>("expected");
  const auto language = chat_fixture("language");
  for (const auto& test : language.at("cases")) {
    const bool fails = test.contains("error");
    const std::string expected = fails ? "error: " + test["error"].get<std::string>() : test["text"].get<std::string>();
    QTest::newRow(test["name"].get<std::string>().c_str())
        << QString::fromStdString(test["template"]) << QString::fromStdString(expected);
  }
}

void ChatTemplateTest::renders_the_language_as_jinja2_does() {
  QFETCH(const QString, source);
  QFETCH(const QString, expected);
  static const auto messages = messages_of(chat_fixture("language")["messages"]);
  const RenderOptions options{.bos_token = "<s>", .eos_token = "</s>", .now = fixture_now};
  QCOMPARE(rendered_or_error(source.toStdString(), messages, options), expected);
}

void ChatTemplateTest::renders_templates_of_model_families_as_jinja2_does_data() {
  QTest::addColumn<QString>("name");
  const auto families = chat_fixture("families");
  for (const auto& family : families) {
    const QString name = QString::fromStdString(family["name"]);
    QTest::newRow(qPrintable(name)) << name;
  }
}

void ChatTemplateTest::renders_templates_of_model_families_as_jinja2_does() {
  QFETCH(const QString, name);
  const auto families = chat_fixture("families");
  for (const auto& family : families) {
    if (family["name"] != name.toStdString()) continue;
    QVERIFY(!family["cases"].empty());
    for (const auto& test : family["cases"]) {
      const RenderOptions options{.add_generation_prompt = test["add_generation_prompt"],
                                  .bos_token = family["bos"],
                                  .eos_token = family["eos"],
                                  .now = fixture_now};
      const QString result = rendered_or_error(family["template"], messages_of(test["messages"]), options);
      if (test.contains("text")) {
        QCOMPARE(result, QString::fromStdString(test["text"]));
      } else {
        QCOMPARE(result,
                 QStringLiteral("error: The chat template refuses this conversation: System role not supported."));
      }
    }
  }
}

void ChatTemplateTest::errors_name_line_and_construct_data() {
  QTest::addColumn<QString>("source");
  QTest::addColumn<QStringList>("parts");
  QTest::newRow("unknown statement") << "a\n\n\n\n\n\n{% frobnicate %}" << QStringList{"line 7", "'frobnicate'"};
  QTest::newRow("syntax error") << "a\n\n\n\n\n\n{{ 'a' 3 }}" << QStringList{"line 7", "'3'"};
  QTest::newRow("unclosed statement") << "\n{% for m in messages %}\n" << QStringList{"line 2", "'endfor'"};
  QTest::newRow("type error") << "\n{{ 'a' +\n 1 }}" << QStringList{"line 3", "'+'", "string", "int"};
  QTest::newRow("undefined") << "\n\n{{ tool.name }}" << QStringList{"line 3", "'tool' is undefined"};
  QTest::newRow("unknown filter") << "\n{% if true %}\n{{ 1 | nope }}{% endif %}" << QStringList{"line 3", "'nope'"};
  QTest::newRow("in a macro") << "{% macro m() %}\n{{ 1 + none }}\n{% endmacro %}\n{{ m() }}" << QStringList{"line 2"};
  QTest::newRow("recursive loop") << "{% for x in y recursive %}{% endfor %}" << QStringList{"line 1", "'recursive'"};
  QTest::newRow("import") << "{% import 'x' as y %}" << QStringList{"line 1", "'import'"};
}

void ChatTemplateTest::errors_name_line_and_construct() {
  QFETCH(const QString, source);
  QFETCH(const QStringList, parts);
  const QString error = QString::fromStdString(error_of(source.toStdString()));
  QVERIFY2(error.startsWith("error: The chat template can't be used: line "), qPrintable(error));
  QVERIFY2(error.endsWith('.'), qPrintable(error));
  for (const auto& part : parts) QVERIFY2(error.contains(part), qPrintable(error));
}

void ChatTemplateTest::names_of_months_are_english_and_hours_are_shown() {
  const RenderOptions options{.now = 1'772'000'000};
  QCOMPARE(rendered_or_error("{{ strftime_now('%A %d %B %b %Y %H:%M:%S') }}", {}, options),
           QStringLiteral("Wednesday 25 February Feb 2026 06:13:20"));
}

void ChatTemplateTest::shows_the_present_time_without_a_fixed_clock() {
  const auto before = std::time(nullptr);
  const auto shown = rendered_or_error("{{ strftime_now('%s') }}", {}, {}).toLongLong();
  QVERIFY(shown >= before && shown <= std::time(nullptr));
}

void ChatTemplateTest::rendering_twice_gives_the_same() {
  const ChatTemplate chat_template(
      "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}");
  const std::vector<Message> messages{{"user", "a"}, {"assistant", "b"}};
  QCOMPARE(plain(chat_template.render(messages, {})), std::string("2"));
  QCOMPARE(plain(chat_template.render(messages, {})), std::string("2"));
}

void ChatTemplateTest::every_architecture_has_a_usable_fallback_data() {
  QTest::addColumn<QString>("user_text");
  QTest::newRow("llama") << "<|im_start|>user\nHi<|im_end|>\n";
  QTest::newRow("") << "<|im_start|>user\nHi<|im_end|>\n";
  QTest::newRow("something-new") << "<|im_start|>user\nHi<|im_end|>\n";
  QTest::newRow("gemma") << "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n";
  QTest::newRow("gemma3") << "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n";
  QTest::newRow("phi3") << "<|user|>\nHi<|end|>\n<|assistant|>\n";
  QTest::newRow("mistral") << "[INST] Hi [/INST]";
  QTest::newRow("command-r") << "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Hi<|END_OF_TURN_TOKEN|>";
  QTest::newRow("falcon") << "User: Hi\nAssistant:";
  QTest::newRow("stablelm") << "<|user|>\nHi<eos>\n<|assistant|>\n";
  QTest::newRow("granite") << "<|start_of_role|>user<|end_of_role|>Hi<|end_of_text|>\n";
  QTest::newRow("llama4") << "<|header_start|>user<|header_end|>\n\nHi<|eot|>";
}

void ChatTemplateTest::every_architecture_has_a_usable_fallback() {
  QFETCH(const QString, user_text);
  const ChatTemplate chat_template(fallback_template(QTest::currentDataTag()));
  const std::vector<Message> messages{{"user", "Hi"}};
  const std::string text = plain(chat_template.render(messages, {.bos_token = "<bos>", .eos_token = "<eos>"}));
  QVERIFY2(QString::fromStdString(text).contains(user_text), text.c_str());
}

QTEST_APPLESS_MAIN(ChatTemplateTest)
#include "tst_chat_template.moc"
