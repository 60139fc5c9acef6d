#include "tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "tokenizer/utf8.h"

namespace runnel {
namespace {

constexpr int kMarksInARow = 256;

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

const utf8proc_uint8_t* utf8proc_bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

/// Whether `text`, valid UTF-8, may not be in form C yet, and can be brought there in linear time.
bool needs_work(std::string_view text) {
  // All characters below U+0300 (lead bytes below 0xCC) are in form C whatever their neighbours.
  const auto settled = [](char c) { return static_cast<unsigned char>(c) < 0xCC; };
  if (std::ranges::all_of(text, settled)) return false;
  int marks = 0;
  while (!text.empty()) {
    utf8proc_int32_t character = 0;
    const auto length = utf8proc_iterate(utf8proc_bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &character);
    if (length <= 0) return false;
    marks = utf8proc_get_property(character)->combining_class == 0 ? 0 : marks + 1;
    if (marks > kMarksInARow) return false;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

void append_nfc(std::string_view text, std::string& result) {
  utf8proc_uint8_t* mapped = nullptr;
  utf8proc_ssize_t length = -1;
  if (needs_work(text)) {
    // A set of flags, which the library declares as an enum.
    const int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange)
    const auto flags = static_cast<utf8proc_option_t>(options);
    length = utf8proc_map(utf8proc_bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped, flags);
  }
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (length < 0) {
    result += text;
  } else {
    result.append(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length));
  }
}

}  // namespace

std::string to_nfc(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = utf8_valid_prefix(text);
    append_nfc(text.substr(0, valid), result);
    text.remove_prefix(valid);
    const std::size_t invalid = utf8_step(text).length;
    result += text.substr(0, invalid);
    text.remove_prefix(invalid);
  }
  return result;
}

}  // namespace runnel
