#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runnel {

/// Writes a message in the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding), field by
/// field.
class WireWriter {
 public:
  void add_number(int field, std::uint64_t value);
  void add_float(int field, float value);
  void add_bytes(int field, std::string_view bytes);

  const std::string& message() const { return message_; }

 private:
  void add_varint(std::uint64_t value);
  void add_tag(int field, int type);

  std::string message_;
};

/// A field of a message.
struct WireField {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  ///< of a varint or a fixed-size number (its bits)
  std::string_view bytes;   ///< of a string or an inner message

  float as_float() const;
};

/// Reads a message field by field.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  /// The next field; nothing at the end. Throws Error when the message is damaged.
  std::optional<WireField> next();

 private:
  std::uint64_t take_varint();
  std::uint64_t take_fixed(std::size_t bytes);
  std::string_view take(std::uint64_t bytes);

  std::string_view rest_;
};

}  // namespace runnel
