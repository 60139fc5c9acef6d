#include "format/safetensors_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

/// Receives the header's JSON piece by piece. Depth 1 is the header itself, 2 a tensor, 3 its shape or its offsets.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderHandler(std::string_view file) : file_(file) {}

  std::vector<SafetensorsClaim> claims;

  bool null() override { return other_scalar("null"); }
  bool boolean(bool) override { return other_scalar("a boolean"); }
  bool number_float(number_float_t, const string_t& text) override { return other_scalar(text); }
  bool binary(binary_t&) override { return other_scalar("binary data"); }

  bool number_integer(number_integer_t value) override { return other_scalar(fmt::format("{}", value)); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ == 3 && numbers_ != nullptr) {
      numbers_->push_back(value);
      return true;
    }
    return other_scalar(fmt::format("{}", value));
  }

  bool string(string_t& value) override {
    if (!in_metadata_ && depth_ == 2 && member_ == "dtype") {
      claims.back().dtype = std::move(value);
      return true;
    }
    return other_scalar(value);
  }

  bool start_object(std::size_t) override {
    ++depth_;
    if (depth_ > 2) fail_member("an object");
    if (depth_ == 2 && !in_metadata_) claims.push_back({.name = name_, .dtype = {}, .shape = {}, .data_offsets = {}});
    return true;
  }

  bool key(string_t& value) override {
    if (depth_ == 1) {
      if (value.empty()) fail("a tensor's name is empty");
      name_ = std::move(value);
      in_metadata_ = name_ == "__metadata__";
    } else {
      member_ = std::move(value);
    }
    return true;
  }

  bool end_object() override {
    --depth_;
    return true;
  }

  bool start_array(std::size_t) override {
    ++depth_;
    const bool shape = member_ == "shape";
    if (depth_ != 3 || in_metadata_ || !(shape || member_ == "data_offsets")) fail_member("an array");
    numbers_ = shape ? &claims.back().shape : &claims.back().data_offsets;
    if (!numbers_->empty()) fail(fmt::format("tensor {} has {} twice", printable(name_), member_));
    return true;
  }

  bool end_array() override {
    --depth_;
    numbers_ = nullptr;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    throw Error(fmt::format("{} is damaged: its header is no valid JSON at byte {}.", file_, 8 + position),
                error.what());
  }

 private:
  bool other_scalar(std::string_view found) const {
    if (depth_ == 2 && (in_metadata_ || (member_ != "dtype" && member_ != "shape" && member_ != "data_offsets"))) {
      return true;
    }
    fail_member(found);
  }

  [[noreturn]] void fail_member(std::string_view found) const {
    if (depth_ == 0 || name_.empty()) fail("the header is no JSON object");
    if (depth_ == 1) fail(fmt::format("{} is {}, expected an object", printable(name_), printable(found)));
    fail(fmt::format("{} of {} holds {} where the format has none", printable(member_), printable(name_),
                     printable(found)));
  }

  [[noreturn]] void fail(std::string_view what) const { throw Error(fmt::format("{} is damaged: {}.", file_, what)); }

  std::string_view file_;
  int depth_ = 0;
  bool in_metadata_ = false;
  std::string name_;
  std::string member_;
  std::vector<std::uint64_t>* numbers_ = nullptr;
};

}  // namespace

std::vector<SafetensorsClaim> read_safetensors_header(std::string_view json, std::string_view file) {
  HeaderHandler handler(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &handler);
  return std::move(handler.claims);
}

}  // namespace runnel
