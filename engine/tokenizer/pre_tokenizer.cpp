#include "tokenizer/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "runnel/error.h"
#include "tokenizer/utf8.h"

namespace runnel {
namespace {

/// Steps that one match may take beyond what the length of its text explains, and what it may take for each byte.
constexpr std::uint64_t kFreeSteps = 1'000'000;
constexpr std::uint64_t kStepsPerByte = 8;
constexpr std::uint32_t kHeapKib = 64 * 1024;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

/// `pattern` with \s for the property White_Space, as the definitions mean it: PCRE2's own \s has U+180E besides.
std::string with_unicode_white_space(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      const char escaped = pattern[++i];
      if (escaped == 's') {
        result += in_class ? R"(\t-\r\x{85}\p{Z})" : R"([\t-\r\x{85}\p{Z}])";
      } else if (escaped == 'S' && !in_class) {
        result += R"([^\t-\r\x{85}\p{Z}])";
      } else {
        result += {'\\', escaped};
      }
      continue;
    }
    if (pattern[i] == '[') in_class = true;
    if (pattern[i] == ']') in_class = false;
    result += pattern[i];
  }
  return result;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

struct Piece {
  std::string_view text;
  bool valid;  ///< UTF-8
};

/// Cuts `text` into pieces that are UTF-8 and pieces that are not.
std::vector<Piece> split_by_validity(std::string_view text) {
  std::vector<Piece> result;
  std::size_t valid_from = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    at += utf8_valid_prefix(text.substr(at));
    if (at > valid_from) result.push_back({text.substr(valid_from, at - valid_from), true});
    const std::size_t invalid_from = at;
    while (at < text.size() && utf8_step(text.substr(at, 4)).kind != Utf8Step::Kind::character) {
      at += utf8_step(text.substr(at, 4)).length;
    }
    if (at > invalid_from) result.push_back({text.substr(invalid_from, at - invalid_from), false});
    valid_from = at;
  }
  return result;
}

}  // namespace

/// One compiled expression.
class PreTokenizer::Pattern {
 public:
  explicit Pattern(const std::string& source) {
    const std::string pattern = with_unicode_white_space(source);
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                              &error, &offset, nullptr));
    if (!code_) {
      throw Error("The pre-tokenizer's pattern \"" + source + "\" can't be used: " + message_of(error) + ".");
    }
  }

  /// Cuts each piece that is UTF-8.
  std::vector<Piece> cut(const std::vector<Piece>& pieces) const {
    const std::unique_ptr<pcre2_match_data, Free> match(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    const std::unique_ptr<pcre2_match_context, Free> limits(pcre2_match_context_create(nullptr));
    if (!match || !limits) throw std::bad_alloc();
    pcre2_set_heap_limit(limits.get(), kHeapKib);
    std::vector<Piece> result;
    for (const Piece& piece : pieces) {
      if (piece.valid) {
        cut(piece.text, match.get(), limits.get(), result);
      } else {
        result.push_back(piece);
      }
    }
    return result;
  }

 private:
  void cut(std::string_view text, pcre2_match_data* match, pcre2_match_context* limits,
           std::vector<Piece>& pieces) const {
    const std::uint64_t steps = std::min<std::uint64_t>(kFreeSteps + kStepsPerByte * text.size(), UINT32_MAX);
    pcre2_set_match_limit(limits, static_cast<std::uint32_t>(steps));
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(match);
    std::size_t piece = 0;   // where the piece begins that no match has ended yet
    std::size_t search = 0;  // where the next match may begin
    while (search < text.size() &&
           pcre2_match(code_.get(), subject, text.size(), search, PCRE2_NO_UTF_CHECK, match, limits) > 0) {
      if (found[0] > piece) pieces.push_back({text.substr(piece, found[0] - piece), true});
      if (found[1] > found[0]) pieces.push_back({text.substr(found[0], found[1] - found[0]), true});
      piece = found[1];
      search = found[1];
      if (found[1] == found[0] && search < text.size()) search += utf8_step(text.substr(search)).length;
    }
    if (piece < text.size()) pieces.push_back({text.substr(piece), true});
  }

  std::unique_ptr<pcre2_code, Free> code_;
};

PreTokenizer::PreTokenizer(std::span<const std::string> patterns) {
  for (const std::string& pattern : patterns) patterns_.emplace_back(pattern);
}

PreTokenizer::~PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<Piece> pieces = split_by_validity(text);
  for (const Pattern& pattern : patterns_) pieces = pattern.cut(pieces);
  std::vector<std::string_view> words;
  words.reserve(pieces.size());
  for (const Piece& piece : pieces) words.push_back(piece.text);
  return words;
}

}  // namespace runnel
