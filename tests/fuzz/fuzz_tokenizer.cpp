#include <string_view>

#include "runnel/error.h"
#include "tokenizer/tokenizer_json.h"

using namespace runnel;

// The input is a tokenizer.json; what it gives must be able to read and write any text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::string_view text = "Hello  world,\n\n 123 don't \xF0\x9F\xA6\x99 e\xCC\x81 <|endoftext|> \xFF";
  try {
    const auto tokenizer = make_tokenizer(vocabulary_from_tokenizer_json({reinterpret_cast<const char*>(bytes), size}));
    for (const bool trusted : {false, true}) {
      for (const Token id : tokenizer->encode(text, trusted)) {
        if (id < 0 || id >= tokenizer->size()) __builtin_trap();
      }
    }
    tokenizer->decode(tokenizer->encode(text));
    tokenizer->fingerprint();
  } catch (const Error&) {
  }
  return 0;
}
