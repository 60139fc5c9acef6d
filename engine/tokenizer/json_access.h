#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace runnel {

/// Bounds the memory that ids in a JSON file can ask for; the largest vocabularies in use have some 260,000 tokens.
constexpr std::int64_t kMostTokens = 1 << 22;

/// Parses a JSON object. Throws Error that names `file`.
nlohmann::json parse_json_object(std::string_view json, const char* file);

/// A member of `object`; null if there is none, or if `object` is something else.
const nlohmann::json& member(const nlohmann::json& object, const char* key);

/// The text that `value` is; empty if it is something else.
std::string text_of(const nlohmann::json& value);

bool is_true(const nlohmann::json& value);

/// The name of a token that a configuration gives as text, or as an object with "content".
std::string name_of_token(const nlohmann::json& config, const char* key);

/// Puts a token into the vocabulary, which becomes long enough. Throws Error, naming `file`, when `id` can't be one.
void set_token(Vocabulary& vocabulary, const nlohmann::json& id, const std::string& text, TokenType type,
               const char* file);

/// The lowest token with this text.
std::optional<Token> find_token(const Vocabulary& vocabulary, std::string_view text);

}  // namespace runnel
