#include "tokenizer/tokenizer_json.h"

#include <string>

#include "runnel/error.h"
#include "tokenizer/json_access.h"
#include "tokenizer/pre_tokenizer_table.h"

namespace runnel {
namespace {

using Json = nlohmann::json;

constexpr const char* kFile = "tokenizer.json";
constexpr int kDeepestSequence = 8;

[[noreturn]] void refuse(const std::string& what) {
  throw Error("tokenizer.json asks for " + what + ", which is not supported. Choose the GGUF file of this model.");
}

[[noreturn]] void damaged(const std::string& what) {
  throw Error("tokenizer.json is damaged: " + what + ". Download the file again.");
}

void read_tokens(const Json& root, Vocabulary& vocabulary) {
  const Json& tokens = member(member(root, "model"), "vocab");
  if (!tokens.is_object()) damaged("it has no vocabulary (model.vocab)");
  for (const auto& [text, id] : tokens.items()) set_token(vocabulary, id, text, TokenType::normal, kFile);
  for (const Json& added : member(root, "added_tokens")) {
    const std::string text = text_of(member(added, "content"));
    const TokenType type = is_true(member(added, "special")) ? TokenType::control : TokenType::user_defined;
    set_token(vocabulary, member(added, "id"), text, type, kFile);
  }
}

/// Merges are "left right" or ["left", "right"].
void read_merges(const Json& model, Vocabulary& vocabulary) {
  for (const Json& merge : member(model, "merges")) {
    if (merge.is_string()) {
      vocabulary.merges.push_back(merge.get<std::string>());
    } else if (merge.is_array() && merge.size() == 2) {
      vocabulary.merges.push_back(text_of(merge[0]) + " " + text_of(merge[1]));
    } else {
      damaged("an entry of model.merges is not a pair of tokens");
    }
  }
}

void read_model(const Json& model, Vocabulary& vocabulary) {
  const std::string type = text_of(member(model, "type"));
  if (!type.empty() && type != "BPE") refuse("the model \"" + type + "\"");
  if (is_true(member(model, "byte_fallback"))) refuse("byte_fallback");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!text_of(member(model, key)).empty()) refuse(key);
  }
  read_merges(model, vocabulary);
  vocabulary.whole_words_first = is_true(member(model, "ignore_merges"));
  vocabulary.unknown = find_token(vocabulary, text_of(member(model, "unk_token")));
}

void read_normalizer(const Json& normalizer, Vocabulary& vocabulary, int depth = 0) {
  const std::string type = text_of(member(normalizer, "type"));
  if (type == "Sequence" && depth < kDeepestSequence) {
    for (const Json& part : member(normalizer, "normalizers")) read_normalizer(part, vocabulary, depth + 1);
  } else if (type == "NFC") {
    vocabulary.nfc = true;
  } else if (!normalizer.is_null()) {
    refuse("the normalizer \"" + type + "\"");
  }
}

/// The regular expression of a "Split" part.
std::string split_pattern(const Json& part) {
  const std::string behavior = text_of(member(part, "behavior"));
  const bool keeps_matches = behavior == "Isolated" || (behavior == "Removed" && is_true(member(part, "invert")));
  const std::string pattern = text_of(member(member(part, "pattern"), "Regex"));
  if (!keeps_matches || pattern.empty()) refuse("a pre-tokenizer \"Split\" with the behavior \"" + behavior + "\"");
  return pattern;
}

void read_patterns(const Json& part, std::vector<std::string>& patterns, int depth = 0) {
  const std::string type = text_of(member(part, "type"));
  if (type == "Sequence" && depth < kDeepestSequence) {
    for (const Json& inner : member(part, "pretokenizers")) read_patterns(inner, patterns, depth + 1);
  } else if (type == "Split") {
    patterns.push_back(split_pattern(part));
  } else if (type == "Digits") {
    patterns.push_back(is_true(member(part, "individual_digits")) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Punctuation" && text_of(member(part, "behavior")) == "Contiguous") {
    patterns.push_back(find_pre_tokenizer("falcon").patterns.front());
  } else if (type == "ByteLevel") {
    if (is_true(member(part, "add_prefix_space"))) refuse("add_prefix_space");
    const Json& use_regex = member(part, "use_regex");
    if (use_regex.is_null() || is_true(use_regex)) patterns.push_back(find_pre_tokenizer("gpt-2").patterns.front());
  } else {
    refuse("the pre-tokenizer \"" + type + "\"");
  }
}

void read_pre_tokenizer(const Json& root, Vocabulary& vocabulary) {
  std::vector<std::string> patterns;
  read_patterns(member(root, "pre_tokenizer"), patterns);
  const auto name = name_of_pre_tokenizer(patterns);
  if (!name) {
    std::string all;
    for (const std::string& pattern : patterns) all += (all.empty() ? "" : ", ") + pattern;
    refuse("the pre-tokenizer patterns " + all);
  }
  vocabulary.pre = *name;
}

/// The token that a "TemplateProcessing" part puts before a single text.
std::string first_special_token(const Json& part, int depth = 0) {
  if (text_of(member(part, "type")) == "Sequence" && depth < kDeepestSequence) {
    for (const Json& inner : member(part, "processors")) {
      if (std::string token = first_special_token(inner, depth + 1); !token.empty()) return token;
    }
  }
  const Json& single = member(part, "single");
  if (!single.is_array() || single.empty()) return {};
  return text_of(member(member(single.front(), "SpecialToken"), "id"));
}

void read_ends(const Json& root, std::string_view config_text, Vocabulary& vocabulary) {
  const Json config = config_text.empty() ? Json() : parse_json_object(config_text, "tokenizer_config.json");
  vocabulary.bos = find_token(vocabulary, name_of_token(config, "bos_token"));
  vocabulary.eos = find_token(vocabulary, name_of_token(config, "eos_token"));
  if (!vocabulary.unknown) vocabulary.unknown = find_token(vocabulary, name_of_token(config, "unk_token"));
  vocabulary.adds_bos = is_true(member(config, "add_bos_token"));
  if (const auto first = find_token(vocabulary, first_special_token(member(root, "post_processor")))) {
    vocabulary.bos = first;
    vocabulary.adds_bos = true;
  }
}

}  // namespace

Vocabulary vocabulary_from_tokenizer_json(std::string_view json, std::string_view config) {
  const Json root = parse_json_object(json, kFile);
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.nfc = false;
  read_tokens(root, vocabulary);
  read_model(member(root, "model"), vocabulary);
  read_normalizer(member(root, "normalizer"), vocabulary);
  read_pre_tokenizer(root, vocabulary);
  read_ends(root, config, vocabulary);
  return vocabulary;
}

}  // namespace runnel
