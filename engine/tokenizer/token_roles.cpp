#include "tokenizer/token_roles.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "runnel/error.h"
#include "tokenizer/byte_alphabet.h"

namespace runnel {
namespace {

constexpr std::array<std::string_view, 27> kEndsOfTurn = {
    "<|im_end|>",             // ChatML
    "<|eot_id|>",             // Llama 3
    "<|eom_id|>",             // Llama 3, before a tool answers
    "<|eot|>",                // Llama 4
    "<|eom|>",                // Llama 4
    "<|end|>",                // Phi 3
    "<|return|>",             // gpt-oss
    "<|call|>",               // gpt-oss
    "<end_of_turn>",          // Gemma 2, 3
    "<turn|>",                // Gemma 4
    "<|endoftext|>",          // GPT-2
    "<|end_of_text|>",        // Granite, Llama 3
    "<|end_of_turn|>",        // OpenChat
    "<|endofturn|>",          // HyperCLOVA
    "[|endofturn|]",          // EXAONE
    "<|END_OF_TURN_TOKEN|>",  // Command R
    "<|END_RESPONSE|>",       // Command A
    "<｜end▁of▁sentence｜>",  // DeepSeek
    "<|EOT|>",                // DeepSeek Coder
    "<EOT>",                  // Code Llama
    "_<EOT>",
    "[EOT]",  // Kimi
    "[EOS]",
    "<end_of_utterance>",  // SmolVLM
    "<seed:eos>",          // Seed
    "</s>",
    "<eos>",
};

bool is_end_of_turn(std::string_view text) {
  return std::ranges::find(kEndsOfTurn, text) != kEndsOfTurn.end();
}

bool looks_like_control(std::string_view text) {
  const auto framed = [&](std::string_view begin, std::string_view end) {
    return text.size() > begin.size() + end.size() && text.starts_with(begin) && text.ends_with(end);
  };
  return framed("<|", "|>") || framed("<｜", "｜>") || is_end_of_turn(text);
}

TokenType known_type(TokenType type) {
  using enum TokenType;
  return type >= normal && type <= byte ? type : normal;
}

void check_id(std::optional<Token> id, std::string_view key, std::size_t count) {
  if (!id || (*id >= 0 && static_cast<std::size_t>(*id) < count)) return;
  throw Error("The model file is damaged or made for another program: " + std::string(key) + " is " +
              std::to_string(*id) + ", but the vocabulary has " + std::to_string(count) +
              " tokens. Choose another file of this model.");
}

void check_length(std::size_t length, std::string_view key, std::size_t count) {
  if (length == 0 || length == count) return;
  throw Error("The model file is damaged: " + std::string(key) + " has " + std::to_string(length) +
              " entries, but the vocabulary has " + std::to_string(count) +
              " tokens. Choose another file of this model.");
}

/// gpt-oss ends a channel, not its turn, with "<|end|>"; such a vocabulary has both other names.
bool ends_channels(const Vocabulary& vocabulary) {
  const auto has = [&](std::string_view text) {
    return std::ranges::find(vocabulary.tokens, text) != vocabulary.tokens.end();
  };
  return has("<|return|>") && has("<|call|>");
}

/// Gemma has the tags of HTML as user defined tokens, and "</s>" is one of them.
bool is_html_tag(const Vocabulary& vocabulary, Token id) {
  return vocabulary.tokens[id] == "</s>" && !vocabulary.types.empty() && vocabulary.eos && *vocabulary.eos != id;
}

}  // namespace

TokenRoles roles_of(const Vocabulary& vocabulary) {
  using enum TokenType;
  const std::size_t count = vocabulary.tokens.size();
  const bool typed = !vocabulary.types.empty();
  TokenRoles roles{std::vector<TokenType>(count, normal), std::vector<bool>(count, false)};
  const bool end_is_channel = ends_channels(vocabulary);
  for (std::size_t id = 0; id < count; ++id) {
    const std::string_view text = vocabulary.tokens[id];
    TokenType& type = roles.types[id];
    if (typed) type = known_type(vocabulary.types[id]);
    if (!typed && vocabulary.model == "llama" && named_byte(text)) type = byte;
    const bool is_tag = type == user_defined && is_html_tag(vocabulary, static_cast<Token>(id));
    if ((type == user_defined || !typed) && looks_like_control(text) && !is_tag) type = control;
    roles.end_of_generation[id] = type == control && is_end_of_turn(text) && !(end_is_channel && text == "<|end|>");
  }
  const auto name = [&](Token id) {
    if (roles.types[id] == user_defined || !typed) roles.types[id] = control;
  };
  for (const Token id : vocabulary.end_of_generation) {
    roles.end_of_generation[id] = true;
    name(id);
  }
  if (vocabulary.eos) {
    roles.end_of_generation[*vocabulary.eos] = true;
    name(*vocabulary.eos);
  }
  if (vocabulary.bos) name(*vocabulary.bos);
  if (vocabulary.unknown && !typed) roles.types[*vocabulary.unknown] = unknown;
  return roles;
}

void check(const Vocabulary& vocabulary) {
  const std::size_t count = vocabulary.tokens.size();
  if (count == 0) throw Error("The model file has no vocabulary (tokenizer.ggml.tokens is empty or missing).");
  check_length(vocabulary.types.size(), "tokenizer.ggml.token_type", count);
  check_length(vocabulary.scores.size(), "tokenizer.ggml.scores", count);
  check_id(vocabulary.bos, "tokenizer.ggml.bos_token_id", count);
  check_id(vocabulary.eos, "tokenizer.ggml.eos_token_id", count);
  check_id(vocabulary.unknown, "tokenizer.ggml.unknown_token_id", count);
  for (const Token id : vocabulary.end_of_generation)
    check_id(id, "tokenizer.ggml.eot_token_id or eom_token_id", count);
}

}  // namespace runnel
