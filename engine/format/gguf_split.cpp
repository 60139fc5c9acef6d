#include "format/gguf_split.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "format/gguf_parser.h"
#include "format/printable.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::string_view number_key = "split.no";
constexpr std::string_view count_key = "split.count";
constexpr std::string_view tensors_key = "split.tensors.count";

/// What a part's name ends in; `number` from 0.
std::string ending(std::uint32_t number, std::uint32_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

std::filesystem::path path_of(const std::filesystem::path& folder, const std::string& stem, std::uint32_t number,
                              std::uint32_t count) {
  return folder / (stem + ending(number, count));
}

/// Name of a part without its ending.
std::string stem_of(const GgufFile& part, std::uint32_t number, std::uint32_t count) {
  const std::filesystem::path& path = part.file().path();
  const std::string name = path.filename().string();
  if (number < count && name.size() > ending(number, count).size() && name.ends_with(ending(number, count))) {
    return name.substr(0, name.size() - ending(number, count).size());
  }
  throw Error(fmt::format("{} says that it is part {} of {} of a model, so its name should end in {}.",
                          printable_path(path), std::uint64_t{number} + 1, count, ending(number, count)));
}

/// Throws when `part` is not the one that its name promises.
void check_part(const GgufFile& part, std::uint32_t number, std::uint32_t count) {
  const auto found_number = part.find<std::uint32_t>(number_key);
  const auto found_count = part.find<std::uint32_t>(count_key);
  if (found_number == number && found_count == count) return;
  throw Error(fmt::format(
      "{} does not belong to the model's other files: its name says part {} of {}, its metadata {}.",
      printable_path(part.file().path()), number + 1, count,
      found_number && found_count ? fmt::format("part {} of {}", std::uint64_t{*found_number} + 1, *found_count)
                                  : "does not"));
}

/// Throws when `part` says that it is of another model than `first`.
void check_model(const GgufFile& first, const GgufFile& part) {
  const auto expected = first.find<std::uint64_t>(tensors_key);
  const auto found = part.find<std::uint64_t>(tensors_key);
  if (!expected || !found || *expected == *found) return;
  throw Error(fmt::format("{} does not belong to {}: it is of a model with {} tensors, that of one with {}.",
                          printable_path(part.file().path()), printable_path(first.file().path()), *found, *expected));
}

std::string_view take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && text[text.size() - 1 - length] >= '0' && text[text.size() - 1 - length] <= '9')
    ++length;
  const std::string_view digits = text.substr(text.size() - length);
  text.remove_suffix(length);
  return digits;
}

}  // namespace

bool GgufSplit::is_part(const GgufFile& file) {
  return file.find<std::uint32_t>(count_key).value_or(1) > 1;
}

GgufFile GgufSplit::join(GgufFile part) {
  const std::filesystem::path folder = part.file().path().parent_path();
  const auto count = part.get<std::uint32_t>(count_key);
  const auto number = part.get<std::uint32_t>(number_key);
  const std::string stem = stem_of(part, number, count);

  GgufFile whole = number == 0 ? std::move(part) : GgufParser::read(path_of(folder, stem, 0, count));
  check_part(whole, 0, count);
  for (std::uint32_t i = 1; i < count; ++i) {
    GgufFile next = GgufParser::read(path_of(folder, stem, i, count));
    check_part(next, i, count);
    check_model(whole, next);
    GgufParser::append(whole, std::move(next));
  }
  const auto expected = whole.find<std::uint64_t>(tensors_key);
  if (expected && *expected != whole.tensors().size()) {
    throw Error(
        fmt::format("{} and the model's other files hold {} tensors together, expected {}: a file of another model "
                    "is among them.",
                    printable_path(whole.file().path()), whole.tensors().size(), *expected));
  }
  return whole;
}

void GgufSplit::refuse_cut_piece(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  std::string_view rest = name;
  if (take_digits(rest).empty() || !rest.ends_with("of")) return;
  rest.remove_suffix(2);
  if (take_digits(rest).empty() || !rest.ends_with(".part")) return;
  throw Error(fmt::format("{} is one piece of a file that was cut; join all pieces, in order, into one file first.",
                          printable_path(path)));
}

}  // namespace runnel
