#include "tokenizer/pre_tokenizer_table.h"

#include <algorithm>

#include "runnel/error.h"

namespace runnel {
namespace {

// The patterns are those of the families' own tokenizer definitions (tokenizer.json), the order within a row too.

// GPT-2 (Radford et al. 2019)
const std::string kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// GPT-4 (cl100k) and its descendants: numbers of up to three digits (Llama 3) or digit by digit (Qwen 2)
const std::string kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kMiniCpm5 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";

// GPT-4o (o200k): words begin with capitals; Tekken without contractions
const std::string kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                            R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                            R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// DeepSeek: scripts apart; the letters of the first generation are listed one by one
const std::string kDeepSeekLetters =
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373"
    "\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F"
    "\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77"
    "\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D"
    "\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB"
    "\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128"
    "\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4"
    "\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF"
    "\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3"
    "\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+";
const std::string kDeepSeekPunctuation = "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";
const std::string kDeepSeekCjk = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
const std::string kDeepSeek3Cjk = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
const std::string kDeepSeek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kLineBreak = "[\r\n]";
// `\s+$` of the definition, written so that a search over a run of spaces looks at each of them once
const std::string kSpacesAtEnd = R"((?<!\s)\s++\z)";

const std::string kBloom = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";
const std::string kDigit = R"(\p{N})";
const std::string kDigits = R"(\p{N}+)";
const std::string kUpToThreeDigits = R"(\p{N}{1,3})";
const std::string kThreeDigits = "[0-9][0-9][0-9]";

const std::vector<PreTokenizerRow>& rows() {
  static const std::vector<PreTokenizerRow> table = {
      {.names = {"gpt-2", "phi-2", "exaone4", "gigachat", "a.x-4.0", "mellum", "jais", "trillion", "granite-docling"},
       .patterns = {kGpt2}},
      {.names = {"olmo", "mpt"}, .patterns = {kGpt2}, .nfc = true},
      {.names = {"smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"},
       .patterns = {kDigit, kGpt2}},
      {.names = {"command-r"}, .patterns = {kDigit, kGpt2}, .nfc = true},
      {.names = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
       .patterns = {kLlama3},
       .whole_words_first = true,
       .adds_bos = true},
      {.names = {"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, .patterns = {kLlama3}},
      {.names = {"qwen2", "deepseek-r1-qwen", "megrez"}, .patterns = {kQwen2}, .nfc = true},
      {.names = {"stablelm2", "hunyuan", "solar-open", "grok-2", "kormo"}, .patterns = {kQwen2}},
      {.names = {"qwen35"}, .patterns = {kQwen35}, .nfc = true},
      {.names = {"minicpm5"}, .patterns = {kUpToThreeDigits, kMiniCpm5}, .whole_words_first = true},
      {.names = {"seed-coder"}, .patterns = {kSeedCoder}},
      {.names = {"bailingmoe", "bailingmoe2", "llada-moe"}, .patterns = {kBailing}},
      {.names = {"gpt-4o", "llama4", "kanana2", "minimax-m2"}, .patterns = {kGpt4o}},
      {.names = {"tekken"}, .patterns = {kTekken}, .whole_words_first = true, .adds_bos = true},
      {.names = {"deepseek-llm"},
       .patterns = {kLineBreak, kDeepSeekLetters, kDeepSeekPunctuation, kSpacesAtEnd, kDeepSeekCjk, kDigits}},
      {.names = {"deepseek-coder"}, .patterns = {kLineBreak, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekCjk, kDigit}},
      {.names = {"deepseek-v3", "hunyuan-dense", "joyai-llm"},
       .patterns = {kUpToThreeDigits, kDeepSeek3Cjk, kDeepSeek3}},
      {.names = {"falcon"}, .patterns = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, kThreeDigits}},
      {.names = {"bloom", "poro-chat", "gpt3-finnish"}, .patterns = {kBloom}},
      {.names = {"viking"}, .patterns = {kBloom, kDigit}},
      {.names = {"default"}, .patterns = {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, kDigits, kThreeDigits}},
  };
  return table;
}

std::string known_names() {
  std::string names;
  for (const PreTokenizerRow& row : rows()) {
    for (const std::string_view name : row.names) {
      if (!names.empty()) names += ", ";
      names += name;
    }
  }
  return names;
}

const PreTokenizerRow* find_row(std::string_view name) {
  for (const PreTokenizerRow& row : rows()) {
    if (std::ranges::find(row.names, name.empty() ? "default" : name) != row.names.end()) return &row;
  }
  return nullptr;
}

}  // namespace

const PreTokenizerRow& find_pre_tokenizer(std::string_view name) {
  if (const PreTokenizerRow* row = find_row(name)) return *row;
  throw Error("The pre-tokenizer \"" + std::string(name) + "\" (tokenizer.ggml.pre) is not supported; known are " +
              known_names() + ".");
}

bool family_adds_bos(std::string_view name) {
  const PreTokenizerRow* row = find_row(name);
  return row && row->adds_bos;
}

std::optional<std::string_view> name_of_pre_tokenizer(const std::vector<std::string>& patterns) {
  std::vector<std::string> wanted = patterns;
  std::ranges::replace(wanted, R"(\s+$)", kSpacesAtEnd);
  for (const PreTokenizerRow& row : rows()) {
    if (row.patterns == wanted) return row.names.front();
  }
  return std::nullopt;
}

std::optional<std::string_view> name_of_pre_tokenizer(const std::vector<std::string>& patterns, bool whole_words_first,
                                                      bool nfc) {
  for (const PreTokenizerRow& row : rows()) {
    if (row.patterns == patterns && row.whole_words_first == whole_words_first && row.nfc == nfc)
      return row.names.front();
  }
  return std::nullopt;
}

}  // namespace runnel
