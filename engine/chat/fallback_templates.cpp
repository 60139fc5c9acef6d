#include "runnel/chat.h"

namespace runnel {

namespace {

constexpr std::string_view chatml =
    R"({%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

constexpr std::string_view llama4 =
    R"({{- bos_token }}
{%- for message in messages %}
{{- '<|header_start|>' + message.role + '<|header_end|>\n\n' + message.content | trim + '<|eot|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|header_start|>assistant<|header_end|>\n\n' }}{% endif %})";

constexpr std::string_view gemma =
    R"({{- bos_token }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{- raise_exception('System role not supported') }}{% endif %}
{%- set role = 'model' if message.role == 'assistant' else message.role %}
{{- '<start_of_turn>' + role + '\n' + message.content | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{% endif %})";

constexpr std::string_view phi3 =
    R"({%- for message in messages %}
{{- '<|' + message.role + '|>\n' + message.content + '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>\n' }}{% endif %})";

// Mistral's and Llama 2's turns; the system message stands before the first user message.
constexpr std::string_view instruct =
    R"({{- bos_token }}
{%- for message in messages %}
{%- if message.role == 'system' %}{{- raise_exception('System role not supported') }}{% endif %}
{%- if message.role == 'user' %}{{- '[INST] ' + message.content + ' [/INST]' }}
{%- else %}{{- ' ' + message.content | trim + eos_token }}{% endif %}
{%- endfor %})";

constexpr std::string_view command_r =
    R"({{- bos_token }}
{%- for message in messages %}
{%- set role = 'CHATBOT' if message.role == 'assistant' else message.role | upper %}
{{- '<|START_OF_TURN_TOKEN|><|' + role + '_TOKEN|>' + message.content | trim + '<|END_OF_TURN_TOKEN|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %})";

constexpr std::string_view falcon =
    R"({%- for message in messages %}
{{- message.role | capitalize + ': ' + message.content | trim + '\n' }}
{%- if message.role == 'assistant' %}{{- eos_token }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- 'Assistant:' }}{% endif %})";

constexpr std::string_view zephyr =
    R"({%- for message in messages %}
{{- '<|' + message.role + '|>\n' + message.content + eos_token + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|assistant|>\n' }}{% endif %})";

constexpr std::string_view granite =
    R"({%- for message in messages %}
{{- '<|start_of_role|>' + message.role + '<|end_of_role|>' + message.content + '<|end_of_text|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %})";

struct Row {
  std::string_view architecture;  ///< GGUF's general.architecture
  std::string_view source;
};

// "llama" is not here: files of that architecture come from many families, of which ChatML is the commonest form.
constexpr Row rows[] = {
    {"gemma", gemma},       {"gemma2", gemma},     {"gemma3", gemma},    {"phi3", phi3},
    {"mistral", instruct},  {"mixtral", instruct}, {"llama4", llama4},   {"command-r", command_r},
    {"cohere2", command_r}, {"falcon", falcon},    {"granite", granite}, {"granitemoe", granite},
    {"stablelm", zephyr},
};

}  // namespace

std::string_view fallback_template(std::string_view architecture) {
  for (const auto& row : rows) {
    if (row.architecture == architecture) return row.source;
  }
  return chatml;
}

}  // namespace runnel
