#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "runnel/tokenizer.h"

/// A vocabulary of single bytes and some control tokens, as simple as a tokenizer can be.
class ByteTokenizer : public runnel::Tokenizer {
 public:
  using Token = runnel::Token;

  static constexpr std::array<std::string_view, 9> controls{"<s>",           "</s>",          "<|im_start|>",
                                                            "<|im_end|>",    "<|endoftext|>", "<start_of_turn>",
                                                            "<end_of_turn>", "<|start|>",     "<|stop|>"};

  /// The id of a control token.
  static Token control(std::string_view name) {
    for (std::size_t at = 0; at < controls.size(); ++at) {
      if (controls[at] == name) return static_cast<Token>(256 + at);
    }
    return -1;
  }

  bool add_bos = false;
  bool space_first = false;  ///< a space before a text that does not begin with a control token, as in sentencepiece

  using Tokenizer::encode;
  std::vector<Token> encode(const runnel::MarkedText& text) const override {
    auto tokens = pieces(text);
    if (space_first && !tokens.empty() && !is_control(tokens[0])) tokens.insert(tokens.begin(), ' ');
    return tokens;
  }

  std::vector<Token> encode_after(Token /*previous*/, const runnel::MarkedText& text) const override {
    return pieces(text);
  }

  std::vector<Token> pieces(const runnel::MarkedText& text) const {
    std::string bytes;
    std::string trusted;
    for (const auto& passage : text) {
      bytes += passage.text;
      trusted.append(passage.text.size(), passage.trusted ? 't' : '-');
    }
    std::vector<Token> tokens;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto found = control_at(bytes, trusted, at);
      tokens.push_back(found < 0 ? static_cast<unsigned char>(bytes[at]) : found);
      at += found < 0 ? 1 : controls[static_cast<std::size_t>(found - 256)].size();
    }
    return tokens;
  }

  std::string bytes(Token token) const override {
    return token < 256 ? std::string(1, static_cast<char>(token))
                       : std::string(controls.at(static_cast<std::size_t>(token - 256)));
  }
  int size() const override { return 256 + static_cast<int>(controls.size()); }
  bool is_control(Token token) const override { return token >= 256; }
  bool is_end_of_generation(Token token) const override {
    return token == control("</s>") || token == control("<|im_end|>") || token == control("<|endoftext|>") ||
           token == control("<end_of_turn>");
  }
  std::optional<Token> bos() const override { return control("<s>"); }
  std::optional<Token> eos() const override { return control("</s>"); }
  bool adds_bos() const override { return add_bos; }
  std::string fingerprint() const override { return "bytes"; }

 private:
  static Token control_at(std::string_view bytes, std::string_view trusted, std::size_t at) {
    for (const auto name : controls) {
      if (bytes.substr(at).starts_with(name) && trusted.substr(at, name.size()).find('-') == std::string_view::npos) {
        return control(name);
      }
    }
    return -1;
  }
};
