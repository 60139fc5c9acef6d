#include "tokenizer/json_access.h"

#include <algorithm>

#include "runnel/error.h"

namespace runnel {

using Json = nlohmann::json;

Json parse_json_object(std::string_view json, const char* file) {
  Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) throw Error(std::string(file) + " is damaged: it is not a JSON object. Download it again.");
  return parsed;
}

const Json& member(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_true(const Json& value) {
  return value.is_boolean() && value.get<bool>();
}

std::string name_of_token(const Json& config, const char* key) {
  const Json& value = member(config, key);
  return value.is_object() ? text_of(member(value, "content")) : text_of(value);
}

void set_token(Vocabulary& vocabulary, const Json& id, const std::string& text, TokenType type, const char* file) {
  const std::int64_t number = id.is_number_integer() ? id.get<std::int64_t>() : -1;
  if (number < 0 || number >= kMostTokens) {
    throw Error(std::string(file) + " is damaged: the id of the token \"" + text + "\" is not a number from 0 to " +
                std::to_string(kMostTokens - 1) + ". Download the file again.");
  }
  const auto index = static_cast<std::size_t>(number);
  if (index >= vocabulary.tokens.size()) {
    vocabulary.tokens.resize(index + 1);
    vocabulary.types.resize(index + 1, TokenType::unused);
  }
  vocabulary.tokens[index] = text;
  vocabulary.types[index] = type;
}

std::optional<Token> find_token(const Vocabulary& vocabulary, std::string_view text) {
  const auto found = std::ranges::find(vocabulary.tokens, text);
  if (text.empty() || found == vocabulary.tokens.end()) return std::nullopt;
  return static_cast<Token>(found - vocabulary.tokens.begin());
}

}  // namespace runnel
