#include <ctime>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/lexer.h"
#include "chat/jinja/parser.h"
#include "chat/renderer.h"

namespace runnel {

namespace {

// A rendering may take this many steps, and hold this many bytes at once.
constexpr std::size_t steps_base = 1'000'000;
constexpr std::size_t steps_per_message = 200'000;
constexpr std::size_t steps_per_byte = 16;
constexpr std::size_t bytes_base = std::size_t{64} << 20;
constexpr std::size_t bytes_per_byte = 64;

/// A longer template is no template; the longest known has about 20 KB.
constexpr std::size_t source_limit = std::size_t{1} << 20;

std::string at_line(int line, const std::string& what) {
  return "The chat template can't be used: line " + std::to_string(line) + ": " + what + ".";
}

std::string refusal(std::string_view reason) {
  while (reason.ends_with('.') || reason.ends_with('!')) reason.remove_suffix(1);
  return "The chat template refuses this conversation: " + std::string(reason) + ".";
}

std::size_t size_of(std::span<const chat::Entry> messages) {
  std::size_t size = 0;
  for (const auto& message : messages) {
    size += message.role.size();
    for (const auto& part : message.content) size += part.text.size();
  }
  return size;
}

jinja::Value messages_value(jinja::Context& context, std::span<const chat::Entry> messages) {
  auto list = context.list();
  for (const auto& message : messages) {
    jinja::TextBuilder content(context.meter);
    for (const auto& part : message.content) content.append(part.text, part.origin);
    auto dict = context.heap.make<jinja::Dict>();
    dict->set(jinja::text("role"), jinja::Text(message.role, message.role_origin));
    dict->set(jinja::text("content"), content.finish());
    list->append(dict);
  }
  return list;
}

void define_variables(jinja::Interpreter& interpreter, jinja::Context& context, std::span<const chat::Entry> messages,
                      const RenderOptions& options) {
  interpreter.define("messages", messages_value(context, messages));
  interpreter.define("add_generation_prompt", jinja::Value::boolean(options.add_generation_prompt));
  interpreter.define("bos_token", jinja::text(options.bos_token));
  interpreter.define("eos_token", jinja::text(options.eos_token));
  // As in transformers, which always passes these two.
  interpreter.define("tools", jinja::None());
  interpreter.define("documents", jinja::None());
}

std::vector<chat::Part> parts_of(const jinja::Text& text) {
  std::vector<chat::Part> parts;
  text.for_each_run([&](std::string_view bytes, jinja::Origin origin) {
    if (!parts.empty() && parts.back().origin == origin) {
      parts.back().text += bytes;
    } else {
      parts.push_back({std::string(bytes), origin});
    }
  });
  return parts;
}

}  // namespace

struct ChatTemplate::Program {
  jinja::Block block;
};

ChatTemplate::ChatTemplate(std::string_view source) {
  if (source.size() > source_limit) throw Error("The chat template can't be used: it is longer than 1 MB.");
  try {
    program_ = std::make_unique<const Program>(Program{jinja::parse(source)});
  } catch (const jinja::SyntaxFault& fault) {
    throw Error(at_line(fault.line(), fault.what()));
  }
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

MarkedText ChatTemplate::render(std::span<const Message> messages, const RenderOptions& options) const {
  return chat::marked(chat::Renderer::render(*this, chat::entries_of(messages), options));
}

namespace chat {

std::vector<Entry> entries_of(std::span<const Message> messages) {
  std::vector<Entry> entries;
  for (const auto& message : messages) {
    const auto origin = static_cast<Origin>(entries.size() + 1);
    const bool known = message.role == "system" || message.role == "user" || message.role == "assistant";
    entries.push_back({message.role, known ? from_template : origin, {{message.content, origin}}});
  }
  return entries;
}

std::vector<Part> Renderer::render(const ChatTemplate& chat_template, std::span<const Entry> messages,
                                   const RenderOptions& options) {
  const std::size_t size = size_of(messages);
  jinja::Meter meter(steps_base + steps_per_message * messages.size() + steps_per_byte * size,
                     bytes_base + bytes_per_byte * size);
  jinja::Heap heap(meter);
  jinja::Context context{heap, meter, options.now.value_or(std::time(nullptr))};
  jinja::Interpreter interpreter(context);
  try {
    define_variables(interpreter, context, messages, options);
    return parts_of(interpreter.run(chat_template.program_->block));
  } catch (const jinja::Refusal& fault) {
    throw Refused(refusal(fault.what()));
  } catch (const jinja::Fault& fault) {
    throw Error(at_line(interpreter.line(), fault.what()));
  }
}

MarkedText marked(std::span<const Part> parts) {
  MarkedText text;
  for (const auto& part : parts) {
    const bool trusted = part.origin == from_template;
    if (!text.empty() && text.back().trusted == trusted) {
      text.back().text += part.text;
    } else {
      text.push_back({part.text, trusted});
    }
  }
  return text;
}

}  // namespace chat
}  // namespace runnel
