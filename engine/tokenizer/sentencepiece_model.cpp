#include "tokenizer/sentencepiece_model.h"

#include <nlohmann/json.hpp>

#include "runnel/error.h"
#include "tokenizer/wire_format.h"

namespace runnel {
namespace {

// Numbers of fields and values in sentencepiece_model.proto
namespace model_field {
constexpr int pieces = 1, trainer = 2, normalizer = 3;
}
namespace piece_field {
constexpr int text = 1, score = 2, type = 3;
}
namespace trainer_field {
constexpr int model_type = 3, space_as_suffix = 24, byte_fallback = 35, unknown = 40, bos = 41, eos = 42;
}
namespace normalizer_field {
constexpr int charsmap = 2, space_prefix = 3, extra_spaces = 4, escape_spaces = 5;
}
constexpr std::uint64_t kUnigram = 1, kBpe = 2;

[[noreturn]] void refuse(const std::string& what) {
  throw Error("tokenizer.model asks for " + what + ", which is not supported. Choose the GGUF file of this model.");
}

SentencePieceModel::Piece read_piece(std::string_view message) {
  SentencePieceModel::Piece piece;
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == piece_field::text) piece.text = field->bytes;
    if (field->number == piece_field::score) piece.score = field->as_float();
    if (field->number == piece_field::type)
      piece.type = static_cast<TokenType>(static_cast<std::int32_t>(field->value));
  }
  return piece;
}

void read_trainer(std::string_view message, SentencePieceModel& model) {
  WireReader reader(message);
  while (const auto field = reader.next()) {
    switch (field->number) {
      case trainer_field::model_type:
        if (field->value != kUnigram && field->value != kBpe) refuse("a model of words or characters");
        model.unigram = field->value == kUnigram;
        break;
      case trainer_field::space_as_suffix:
        if (field->value != 0) refuse("treat_whitespace_as_suffix");
        break;
      case trainer_field::byte_fallback:
        model.byte_fallback = field->value != 0;
        break;
      case trainer_field::unknown:
        model.unknown = static_cast<Token>(field->value);
        break;
      case trainer_field::bos:
        model.bos = static_cast<Token>(field->value);
        break;
      case trainer_field::eos:
        model.eos = static_cast<Token>(field->value);
        break;
      default:
        break;
    }
  }
}

void read_normalizer(std::string_view message, SentencePieceModel& model) {
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == normalizer_field::charsmap) model.charsmap = field->bytes;
    if (field->number == normalizer_field::space_prefix) model.adds_space_prefix = field->value != 0;
    if (field->number == normalizer_field::extra_spaces) model.removes_extra_spaces = field->value != 0;
    if (field->number == normalizer_field::escape_spaces && field->value == 0) refuse("no escape_whitespaces");
  }
}

}  // namespace

SentencePieceModel read_sentencepiece_model(std::string_view proto) {
  SentencePieceModel model;
  WireReader reader(proto);
  while (const auto field = reader.next()) {
    if (field->number == model_field::pieces) model.pieces.push_back(read_piece(field->bytes));
    if (field->number == model_field::trainer) read_trainer(field->bytes, model);
    if (field->number == model_field::normalizer) read_normalizer(field->bytes, model);
  }
  if (model.pieces.empty()) throw Error("tokenizer.model is damaged: it has no tokens. Download the file again.");
  return model;
}

std::string write_sentencepiece_model(const SentencePieceModel& model) {
  WireWriter proto;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    WireWriter message;
    message.add_bytes(piece_field::text, piece.text);
    message.add_float(piece_field::score, piece.score);
    message.add_number(piece_field::type, static_cast<std::uint64_t>(piece.type));
    proto.add_bytes(model_field::pieces, message.message());
  }
  WireWriter trainer;
  trainer.add_number(trainer_field::model_type, model.unigram ? kUnigram : kBpe);
  trainer.add_number(trainer_field::byte_fallback, model.byte_fallback);
  proto.add_bytes(model_field::trainer, trainer.message());
  WireWriter normalizer;
  normalizer.add_bytes(normalizer_field::charsmap, model.charsmap);
  normalizer.add_number(normalizer_field::space_prefix, model.adds_space_prefix);
  normalizer.add_number(normalizer_field::extra_spaces, model.removes_extra_spaces);
  normalizer.add_number(normalizer_field::escape_spaces, 1);
  proto.add_bytes(model_field::normalizer, normalizer.message());
  return proto.message();
}

}  // namespace runnel
