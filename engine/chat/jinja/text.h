#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/meter.h"

namespace runnel::jinja {

/// Where a character comes from: 0 is the template itself, which is trusted; n + 1 is message number n.
using Origin = std::uint32_t;
inline constexpr Origin from_template = 0;

/// Bytes up to `end` (since the end of the span before) that have one origin.
struct Span {
  std::size_t end;
  Origin origin;
};

/// An immutable string that knows the origin of every byte. A copy or a slice shares the bytes: O(1), but for the
/// search for the spans of a slice, which is logarithmic.
class Text {
 public:
  Text() = default;

  /// A text of one origin that no meter counts.
  explicit Text(std::string bytes, Origin origin = from_template);

  std::string_view bytes() const;
  std::size_t size() const { return last_ - first_; }
  bool empty() const { return first_ == last_; }

  /// Every byte is a character of its own.
  bool ascii() const;

  /// Bytes [first, last); both at most size().
  Text slice(std::size_t first, std::size_t last) const;

  /// The part that `view` shows; it must point into bytes().
  Text part(std::string_view view) const;

  /// The origin of the byte at `at` < size().
  Origin origin(std::size_t at) const;

  /// Calls visit(bytes, origin) for each run of one origin, in order.
  template <typename Visit>
  void for_each_run(Visit visit) const {
    std::size_t first = first_;
    for (std::size_t span = first_span(); first < last_; ++span) {
      const std::size_t end = std::min(data_->spans[span].end, last_);
      visit(std::string_view(data_->bytes).substr(first, end - first), data_->spans[span].origin);
      first = end;
    }
  }

 private:
  friend class TextBuilder;
  struct Data {
    std::string bytes;
    std::vector<Span> spans;  // no two neighbours of the same origin; the last one ends at bytes.size()
    bool ascii = true;
    Meter* meter = nullptr;  // was told the size, and will be told when it's gone

    Data() = default;
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;
    ~Data() {
      if (meter) meter->release(bytes.size() + spans.size() * sizeof(Span));
    }
  };

  std::size_t first_span() const;

  std::shared_ptr<const Data> data_;
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

/// Puts a Text together; the meter counts its bytes until the text and all its slices are gone.
class TextBuilder {
 public:
  explicit TextBuilder(Meter& meter);

  void append(const Text& text);
  void append(std::string_view bytes, Origin origin);

  std::size_t size() const { return data_->bytes.size(); }

  /// The text put together so far; the builder is empty afterwards.
  Text finish();

 private:
  std::shared_ptr<Text::Data> data_;
};

/// Offset of the first occurrence of `needle` in `text` at or after `from`, or npos. Linear in the lengths.
std::size_t find(std::string_view text, std::string_view needle, std::size_t from = 0);

}  // namespace runnel::jinja
