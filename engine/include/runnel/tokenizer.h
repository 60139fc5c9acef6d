#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// Index into a model's vocabulary, 0 … Tokenizer::size() − 1.
using Token = std::int32_t;

/// A stretch of text from one origin.
struct Passage {
  std::string text;  ///< UTF-8 as far as the origin had it; invalid bytes are allowed and survive
  bool trusted;      ///< written by the chat template itself, not by a message, a user or a file
};

/// Text that remembers which of its characters came from outside. Control tokens are recognized only where all their
/// characters are trusted (DESIGN: special tokens in user text are never interpreted).
using MarkedText = std::vector<Passage>;

/// All passages joined.
std::string plain(const MarkedText& text);

/// Text to token ids and back for one vocabulary. Immutable; every member may be called from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Token ids of `text`, without BOS. Between two recognized control tokens the text is tokenized as one string,
  /// whatever its origins, so that ordinary text gets the ids the original tokenizer gives. Linear in the length;
  /// needs little stack. Never fails on any bytes.
  virtual std::vector<Token> encode(const MarkedText& text) const = 0;

  /// Token ids of text that goes on after the token `previous`, in a conversation say: what `encode` gives for it in
  /// the middle of a text (sentencepiece puts a space only before a text and after a control token).
  virtual std::vector<Token> encode_after(Token previous, const MarkedText& text) const;

  /// `encode` for text of one origin. `trusted`: control tokens written in the text are recognized.
  std::vector<Token> encode(std::string_view text, bool trusted = false) const;

  /// The bytes a token stands for; possibly part of a UTF-8 character. Control tokens give their name, e.g.
  /// "<|im_end|>". Throws Error when `token` is out of range.
  virtual std::string bytes(Token token) const = 0;

  /// What `ids` stand for together: the bytes of all, less the space that `encode` put before the text.
  std::string decode(std::span<const Token> ids) const;

  /// Number of tokens in the vocabulary.
  virtual int size() const = 0;

  /// Control tokens (turn markers, BOS, EOS …): not part of what a reader sees.
  virtual bool is_control(Token token) const = 0;

  /// Whether an answer ends with this token: eos, eot and what else the file or the family names.
  virtual bool is_end_of_generation(Token token) const = 0;

  /// Token put before a text when `adds_bos()`.
  virtual std::optional<Token> bos() const = 0;
  virtual std::optional<Token> eos() const = 0;

  /// Whether the vocabulary says that a text begins with BOS.
  virtual bool adds_bos() const = 0;

  /// Whether `encode` puts a space before a text.
  virtual bool adds_space_prefix() const { return false; }

  /// A short text that differs between vocabularies that would give different ids (stored with messages).
  virtual std::string fingerprint() const = 0;
};

/// Turns a stream of tokens into a stream of text that never ends inside a UTF-8 character. Control tokens are left
/// out, but for the marks of reasoning (runnel/reasoning_marks.h). Bytes that can't become valid UTF-8 are replaced by
/// U+FFFD, one for each maximal invalid part (Unicode 15, section 3.9).
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// The text that `token` completes; empty while a character is unfinished. One that is never finished, since the
  /// text was stopped or cut, is never shown.
  std::string push(Token token);

 private:
  const Tokenizer& tokenizer_;
  std::string pending_;  ///< at most 3 bytes: the beginning of a UTF-8 character
};

}  // namespace runnel
