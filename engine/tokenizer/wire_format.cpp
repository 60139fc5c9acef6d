#include "tokenizer/wire_format.h"

#include <bit>

#include "runnel/error.h"

namespace runnel {
namespace {

constexpr int kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

[[noreturn]] void damaged() {
  throw Error("tokenizer.model is damaged. Download the file again.");
}

}  // namespace

void WireWriter::add_varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) message_ += static_cast<char>(value | 0x80U);
  message_ += static_cast<char>(value);
}

void WireWriter::add_tag(int field, int type) {
  add_varint(static_cast<std::uint64_t>(field) << 3U | type);
}

void WireWriter::add_number(int field, std::uint64_t value) {
  add_tag(field, kVarint);
  add_varint(value);
}

void WireWriter::add_float(int field, float value) {
  add_tag(field, kFixed32);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) message_ += static_cast<char>(bits >> shift);
}

void WireWriter::add_bytes(int field, std::string_view bytes) {
  add_tag(field, kBytes);
  add_varint(bytes.size());
  message_ += bytes;
}

float WireField::as_float() const {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}

std::string_view WireReader::take(std::uint64_t bytes) {
  if (bytes > rest_.size()) damaged();
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

std::uint64_t WireReader::take_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  damaged();
}

std::uint64_t WireReader::take_fixed(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::string_view taken = take(bytes);
  for (std::size_t i = 0; i < bytes; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i])) << (8 * i);
  }
  return value;
}

std::optional<WireField> WireReader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::uint64_t tag = take_varint();
  WireField field{.number = tag >> 3U, .value = 0, .bytes = {}};
  switch (tag & 7U) {
    case kVarint:
      field.value = take_varint();
      break;
    case kFixed64:
      field.value = take_fixed(8);
      break;
    case kBytes:
      field.bytes = take(take_varint());
      break;
    case kFixed32:
      field.value = take_fixed(4);
      break;
    default:
      damaged();
  }
  return field;
}

}  // namespace runnel
