#include "chat/jinja/text.h"

#include <algorithm>
#include <cstring>

namespace runnel::jinja {

namespace {

bool is_ascii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
}

}  // namespace

Text::Text(std::string bytes, Origin origin) {
  if (bytes.empty()) return;
  auto data = std::make_shared<Data>();
  data->bytes = std::move(bytes);
  data->spans.push_back({data->bytes.size(), origin});
  data->ascii = is_ascii(data->bytes);
  last_ = data->bytes.size();
  data_ = std::move(data);
}

std::string_view Text::bytes() const {
  return data_ ? std::string_view(data_->bytes).substr(first_, size()) : std::string_view();
}

bool Text::ascii() const {
  return !data_ || data_->ascii;
}

Text Text::slice(std::size_t first, std::size_t last) const {
  Text part;
  if (first >= last) return part;
  part.data_ = data_;
  part.first_ = first_ + first;
  part.last_ = first_ + last;
  return part;
}

Text Text::part(std::string_view view) const {
  if (view.empty()) return {};
  const auto first = static_cast<std::size_t>(view.data() - bytes().data());
  return slice(first, first + view.size());
}

std::size_t Text::first_span() const {
  if (!data_) return 0;
  const auto found = std::upper_bound(data_->spans.begin(), data_->spans.end(), first_,
                                      [](std::size_t at, const Span& span) { return at < span.end; });
  return static_cast<std::size_t>(found - data_->spans.begin());
}

Origin Text::origin(std::size_t at) const {
  const Text rest = slice(at, size());
  return data_->spans[rest.first_span()].origin;
}

TextBuilder::TextBuilder(Meter& meter) : data_(std::make_shared<Text::Data>()) {
  data_->meter = &meter;
}

void TextBuilder::append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  data_->meter->hold(bytes.size());
  data_->bytes.append(bytes);
  if (data_->ascii) data_->ascii = is_ascii(bytes);
  auto& spans = data_->spans;
  if (!spans.empty() && spans.back().origin == origin) {
    spans.back().end = data_->bytes.size();
    return;
  }
  data_->meter->hold(sizeof(Span));
  spans.push_back({data_->bytes.size(), origin});
}

void TextBuilder::append(const Text& text) {
  text.for_each_run([this](std::string_view bytes, Origin origin) { append(bytes, origin); });
}

Text TextBuilder::finish() {
  auto data = std::make_shared<Text::Data>();
  data->meter = data_->meter;
  std::swap(data, data_);
  Text text;
  if (data->bytes.empty()) return text;
  text.last_ = data->bytes.size();
  text.data_ = std::move(data);
  return text;
}

std::size_t find(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size() || needle.size() > text.size() - from) return std::string_view::npos;
  if (needle.empty()) return from;
  // std::string_view::find may take length × length steps; glibc's memmem is linear.
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found ? static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) : std::string_view::npos;
}

}  // namespace runnel::jinja
