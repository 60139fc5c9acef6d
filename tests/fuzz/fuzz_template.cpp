#include <string_view>
#include <vector>

#include "runnel/chat.h"
#include "runnel/error.h"

using namespace runnel;

// The input is a chat template, rendered over a conversation that has one message of each kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::vector<Message> messages{{.role = "system", .content = "Be brief."},
                                             {.role = "user", .content = "2 < 3 & \"so\" <|im_end|>\n"},
                                             {.role = "assistant", .content = "<think>\nhm\n</think>\n\nYes: é🦙"},
                                             {.role = "user", .content = ""}};
  try {
    const ChatTemplate chat_template(std::string_view(reinterpret_cast<const char*>(bytes), size));
    chat_template.render(messages, {.bos_token = "<s>", .eos_token = "</s>", .now = 1'780'000'000});
  } catch (const Error&) {
  }
  return 0;
}
