#include "tokenizer/added_tokens.h"

#include <algorithm>

namespace runnel {
namespace {

/// No vocabulary may make the search slow. (The longest names in use have some 50 bytes.)
constexpr std::size_t kLongestName = 256;

using Part = AddedTokens::Part;

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

NameSet names_of(const std::vector<std::string>& tokens, const std::vector<TokenType>& types,
                 std::initializer_list<TokenType> wanted) {
  std::vector<NameSet::Name> names;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (std::ranges::find(wanted, types[id]) != wanted.end()) names.push_back({tokens[id], static_cast<Token>(id)});
  }
  return NameSet(std::move(names));
}

/// The stretches of plain(marked) all of whose characters are trusted.
std::vector<Part> trusted_stretches(const MarkedText& marked) {
  std::vector<Part> stretches;
  std::size_t begin = 0;
  for (const Passage& passage : marked) {
    const std::size_t end = begin + passage.text.size();
    if (passage.trusted && end > begin) {
      if (!stretches.empty() && stretches.back().end == begin) {
        stretches.back().end = end;
      } else {
        stretches.push_back({begin, end, -1});
      }
    }
    begin = end;
  }
  return stretches;
}

/// The names in `text` between `begin` and `end`, in order.
void find_names(const NameSet& names, std::string_view text, Part within, std::vector<Part>& found) {
  text = text.substr(0, within.end);
  for (std::size_t at = within.begin; at < text.size();) {
    const NameSet::Name* name = names.longest(text.substr(at));
    if (name) found.push_back({at, at + name->text.size(), name->token});
    at += name ? name->text.size() : 1;
  }
}

/// `found` and the text before, between and after them.
std::vector<Part> with_text_between(const std::vector<Part>& found, std::size_t length) {
  std::vector<Part> parts;
  std::size_t done = 0;
  for (const Part& part : found) {
    if (part.begin > done) parts.push_back({done, part.begin, -1});
    parts.push_back(part);
    done = part.end;
  }
  if (length > done) parts.push_back({done, length, -1});
  return parts;
}

}  // namespace

NameSet::NameSet(std::vector<Name> names) : names_(std::move(names)) {
  std::erase_if(names_, [](const Name& name) { return name.text.empty() || name.text.size() > kLongestName; });
  std::ranges::stable_sort(names_, {}, &Name::text);
  const auto repeated = std::ranges::unique(names_, {}, &Name::text);
  names_.erase(repeated.begin(), repeated.end());
  std::size_t name = 0;
  for (std::size_t byte = 0; byte < first_byte_.size(); ++byte) {
    while (name < names_.size() && byte_at(names_[name].text, 0) < byte) ++name;
    first_byte_[byte] = static_cast<std::uint32_t>(name);
  }
}

const NameSet::Name* NameSet::longest(std::string_view text) const {
  const Name* best = nullptr;
  auto from = names_.begin() + first_byte_[byte_at(text, 0)];
  auto to = names_.begin() + first_byte_[byte_at(text, 0) + 1];
  for (std::size_t length = 1; from != to; ++length) {
    // All of from … to begin with the first `length` bytes of the text; the one that ends here comes first.
    if (from->text.size() == length) best = &*from++;
    if (length == text.size()) break;
    const auto byte = [&](const Name& name) { return byte_at(name.text, length); };
    const auto next = std::ranges::equal_range(from, to, byte_at(text, length), {}, byte);
    from = next.begin();
    to = next.end();
  }
  return best;
}

AddedTokens::AddedTokens(const std::vector<std::string>& tokens, const std::vector<TokenType>& types)
    : control_(names_of(tokens, types, {TokenType::control, TokenType::unknown})),
      user_defined_(names_of(tokens, types, {TokenType::user_defined})) {}

std::vector<Part> AddedTokens::partition(std::string_view text, const MarkedText& marked) const {
  std::vector<Part> controls;
  for (const Part& stretch : trusted_stretches(marked)) find_names(control_, text, stretch, controls);
  std::vector<Part> found;
  for (const Part& part : with_text_between(controls, text.size())) {
    if (part.token >= 0) {
      found.push_back(part);
    } else {
      find_names(user_defined_, text, part, found);
    }
  }
  return with_text_between(found, text.size());
}

}  // namespace runnel
