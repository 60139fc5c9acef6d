#include <QtTest>

#include <pthread.h>

#include <functional>
#include <random>

#include "engine/chat/fixture.h"
#include "runnel/error.h"

using namespace runnel;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t round = 0; round < times; ++round) result += text;
  return result;
}

/// Whether the template ends in a result or an Error; anything else leaves the test.
bool renders(const std::string& source, const std::vector<Message>& messages) {
  try {
    ChatTemplate(source).render(messages, {.bos_token = "<s>", .eos_token = "</s>", .now = fixture_now});
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Runs on a thread with as little stack as the smallest that systems give.
void on_small_stack(const std::function<void()>& work) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t stack = std::size_t{2} << 20;  // the sanitizer's frames are several times as large
#else
  constexpr std::size_t stack = std::size_t{256} << 10;
#endif
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  QCOMPARE(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work)), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

/// A hostile template ends in an Error: no crash, no hang, no memory beyond bounds.
class TemplateBoundsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void hostile_templates_end_in_an_error_data();
  void hostile_templates_end_in_an_error();
  void deep_but_bounded_nesting_is_rendered();
  void long_flat_expressions_are_rendered();
  void circles_of_values_are_taken_apart();
  void values_nested_without_end_are_deleted_on_a_small_stack();
  void a_message_of_a_megabyte_passes_through_common_operations();
  void a_long_conversation_stays_within_its_steps();
  void any_bytes_pass_through_unchanged();
  void mutated_templates_never_crash();
};

void TemplateBoundsTest::hostile_templates_end_in_an_error_data() {
  QTest::addColumn<QString>("source");
  const auto row = [](const char* name, const std::string& source) {
    QTest::newRow(name) << QString::fromStdString(source);
  };
  row("parentheses", "{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}");
  row("lists", "{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}");
  row("subscripts in subscripts", "{{ " + repeated("a[", 50'000) + "0" + repeated("]", 50'000) + " }}");
  row("calls in calls", "{{ " + repeated("f(", 50'000) + repeated(")", 50'000) + " }}");
  row("not", "{{ " + repeated("not ", 100'000) + "1 }}");
  row("minus", "{{ " + repeated("- ", 100'000) + "1 }}");
  row("conditions", "{{ " + repeated("1 if 1 else ", 50'000) + "1 }}");
  row("if in if", repeated("{% if 1 %}", 50'000) + repeated("{% endif %}", 50'000));
  row("for in for", repeated("{% for x in [1] %}", 50'000) + repeated("{% endfor %}", 50'000));
  row("targets", "{% set " + repeated("(", 50'000) + "a" + repeated(")", 50'000) + " = 1 %}");
  row("dicts", "{{ " + repeated("{1:", 50'000) + "1" + repeated("}", 50'000) + " }}");
  row("tests in tests", "{{ 1 " + repeated("is eq(1 ", 20'000) + repeated(")", 20'000) + " }}");
  row("macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  row("macros that call each other",
      "{% macro a() %}{% if 1 %}{{ [b()] }}{% endif %}{% endmacro %}{% macro b() %}{{ a() ~ 1 }}{% endmacro %}{{ a() "
      "}}");
  row("default that calls its macro", "{% macro m(a=m()) %}{% endmacro %}{{ m() }}");
  row("caller", "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}");
  row("long string", "{{ 'x' * 1000000000 }}");
  row("longer string", "{{ 'x' * 9223372036854775807 }}");
  row("long list", "{{ [1] * 1000000000 }}");
  row("long range", "{{ range(1000000000) | length }}");
  row("range without end", "{{ range(0, 9223372036854775807, 9223372036854775807) | list }}{{ range(100001) }}");
  row("loops in loops",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% "
      "endfor %}");
  row("doubling", "{% set ns = namespace(x='xx') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}");
  row("doubling of lists",
      "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}");
  row("doubling by replace",
      "{% set ns = namespace(x='xx') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}");
  row("doubling by join",
      "{% set ns = namespace(x='xx') %}{% for i in range(99) %}{% set ns.x = ns.x | join(ns.x) %}{% endfor %}");
  row("doubling by tojson",
      "{% set ns = namespace(x='\"') %}{% for i in range(99) %}{% set ns.x = ns.x | tojson %}{% endfor %}");
  row("doubling in tuples",
      "{% set ns = namespace(x=(1,)) %}{% for i in range(50) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ ns.x }}");
  row("doubling compared",
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, "
      "ns.y] %}{% endfor %}{{ ns.x == ns.y }}");
  row("search backwards", "{% set x = 'a' * 1000000 %}{{ x.rfind('a' * 500000 + 'b') }}");
  row("output without end", "{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}");
  row("list that contains itself", "{% set x = [] %}{% set _ = x.append(x) %}{{ x }}");
  row("tojson of a circle", "{% set x = {} %}{% set _ = x.update({'x': x}) %}{{ x | tojson }}");
  row("circles compared",
      "{% set x = [] %}{% set _ = x.append(x) %}{% set y = [] %}{% set _ = y.append(y) %}{{ x == y }}");
  row("list that grows while it is walked",
      "{% set x = [1] %}{% for i in range(99999) %}{% set _ = x.extend(x) %}{% endfor %}");
  row("width", "{{ '%999999999d' % 1 }}");
  row("indent", "{{ 'a' | indent(999999999) }}");
  row("power", "{{ 10 ** 1000 }}");
  row("large integer", "{{ 9223372036854775807 + 1 }}");
  row("smallest integer", "{{ (-9223372036854775807 - 1) // -1 }}");
  row("large literal", "{{ 99999999999999999999 }}");
  row("large float as integer", "{{ 1e300 | int }}");
  row("clock", "{{ strftime_now('%1000000000d') }}");
  row("key that is a list", "{{ {[1]: 1} }}");
  row("deep key",
      "{% set ns = namespace(x=(1,)) %}{% for i in range(9999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ {ns.x: 1} }}");
  row("braces", repeated("{{", 100'000));
  row("tags", repeated("{% if ", 100'000));
  row("raw", repeated("{% raw %}", 100'000));
  row("comments", repeated("{#", 100'000));
}

void TemplateBoundsTest::hostile_templates_end_in_an_error() {
  QFETCH(const QString, source);
  bool rendered = true;
  on_small_stack([&] { rendered = renders(source.toStdString(), {{"user", "Hi"}}); });
  QVERIFY(!rendered);
}

void TemplateBoundsTest::deep_but_bounded_nesting_is_rendered() {
  const std::string deep = repeated("{% if 1 %}", 20) + "{{ " + repeated("(", 20) + "1" + repeated(")", 20) + " }}" +
                           repeated("{% endif %}", 20);
  const std::string recursion =
      "{% macro m(n) %}{% if n %}{% for x in [1] %}{{ m(n - 1) }}{% endfor %}{% endif %}{% endmacro %}{{ m(15) }}";
  bool rendered = false;
  on_small_stack([&] { rendered = renders(deep, {}) && renders(recursion, {}); });
  QVERIFY(rendered);
}

void TemplateBoundsTest::long_flat_expressions_are_rendered() {
  bool rendered = false;
  on_small_stack([&] {
    rendered = renders("{{ 1" + repeated(" + 1", 20'000) + " }}", {}) &&
               renders("{{ 1" + repeated(" * 1 + 1 and 1", 5'000) + " }}", {}) &&
               renders("{{ 'a'" + repeated(" | trim", 20'000) + " }}", {}) &&
               renders("{{ 'a'" + repeated(".strip()", 20'000) + " }}", {}) &&
               renders("{% if 0 %}" + repeated("{% elif 0 %}", 20'000) + "{% endif %}", {});
  });
  QVERIFY(rendered);
}

void TemplateBoundsTest::circles_of_values_are_taken_apart() {
  // A leak would be found by the address sanitizer.
  QVERIFY(
      renders("{% set x = [] %}{% set _ = x.append(x) %}{% set ns = namespace() %}{% set ns.a = ns %}"
              "{% macro m() %}{% endmacro %}{% set ns.m = m %}{% set d = {} %}{% set _ = d.update(d=d, x=x) %}ok",
              {}));
}

void TemplateBoundsTest::values_nested_without_end_are_deleted_on_a_small_stack() {
  bool rendered = false;
  on_small_stack([&] {
    rendered =
        renders("{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}ok", {});
  });
  QVERIFY(rendered);
}

void TemplateBoundsTest::a_message_of_a_megabyte_passes_through_common_operations() {
  const std::string source =
      "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content | trim + '<|im_end|>\\n' }}"
      "{{ m.content.split('</think>')[-1].lstrip('\\n') }}{{ m.content | upper }}{{ m.content | tojson }}"
      "{{ m.content.replace('a', 'bb') }}{{ m.content.split('\\n') | join('\\n') }}{{ m.content[::-1] }}"
      "{{ '</think>' in m.content }}{{ m.content | length }}{{ m.content.splitlines() | length }}{% endfor %}";
  for (const std::string_view unit : {"a", "word \n", "é🦙\n", "\xFF", "\n", "</think>"}) {
    QVERIFY(renders(source, {{"user", repeated(unit, 1'000'000 / unit.size())}}));
  }
}

void TemplateBoundsTest::a_long_conversation_stays_within_its_steps() {
  std::vector<Message> messages;
  for (int turn = 0; turn < 2'000; ++turn) messages.push_back({turn % 2 ? "assistant" : "user", "Some words."});
  const auto families = chat_fixture("families");
  for (const auto& family : families) QVERIFY(renders(family["template"], messages));
  QVERIFY(
      renders("{% set ns = namespace(all='') %}{% for m in messages %}{% set ns.all = ns.all + m.content %}"
              "{% set before = messages[:loop.index0] %}{% endfor %}{{ ns.all }}",
              messages));
}

void TemplateBoundsTest::any_bytes_pass_through_unchanged() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  const std::string content = "x" + bytes + "\xE2\x82" + "x";
  const std::vector<Message> messages{{"user", content}};
  for (const char* source : {"{{ messages[0].content }}", "{{ messages[0].content | trim }}",
                             "{{ messages[0].content.replace('nothing of this', '') }}",
                             "{{ messages[0].content | list | join }}", "{{ messages[0].content[::-1][::-1] }}"}) {
    QCOMPARE(plain(ChatTemplate(source).render(messages, {})), content);
  }
}

void TemplateBoundsTest::mutated_templates_never_crash() {
  std::vector<std::string> sources;
  const auto families = chat_fixture("families");
  for (const auto& family : families) sources.push_back(family["template"]);
  const auto language = chat_fixture("language");
  for (const auto& test : language.at("cases")) sources.push_back(test["template"]);
  const std::string tokens[] = {"{{",   "}}",   "{%",           "%}",   "-", "|", "(", ")", "[", "]",  "'",
                                " if ", " in ", "**",           "not ", ":", ",", ".", "~", "0", "-1", "messages",
                                "none", "loop", "{% endfor %}", "\xC3", "{#"};
  const std::vector<Message> messages{{"system", "s"}, {"user", "ü\xFF<|x|>"}, {"assistant", ""}, {"user", "q"}};
  std::mt19937 random(20'261'125);
  const auto below = [&random](std::size_t limit) { return random() % std::max<std::size_t>(limit, 1); };
  int rendered = 0;
  for (int round = 0; round < 6'000; ++round) {
    std::string source = sources[below(sources.size())];
    for (std::size_t change = below(4) + 1; change > 0; --change) {
      const std::size_t at = below(source.size() + 1);
      switch (below(4)) {
        case 0:
          source.erase(at, below(8));
          break;
        case 1:
          source.insert(at, tokens[below(std::size(tokens))]);
          break;
        case 2:
          source.insert(at, source.substr(below(source.size()), below(40)));
          break;
        default:
          if (at < source.size()) source[at] = static_cast<char>(below(256));
      }
    }
    rendered += renders(source, messages);
  }
  QVERIFY(rendered > 500);  // the mutations reach the interpreter, not only the parser
}

QTEST_APPLESS_MAIN(TemplateBoundsTest)
#include "tst_template_bounds.moc"
