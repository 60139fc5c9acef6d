#include "model/file_names.h"

#include <algorithm>

namespace runnel {
namespace {

std::string prefix_in(const WeightSource& source, const TensorNames& names) {
  for (const std::string_view prefix :
       {names.prefix, std::string_view(""), std::string_view("model."), std::string_view("transformer."),
        std::string_view("decoder."), std::string_view("language_model.model."),
        std::string_view("model.language_model.")}) {
    if (source.find(std::string(prefix) + std::string(names.embedding)) != nullptr) return std::string(prefix);
  }
  return std::string(names.prefix);
}

// Whether `name` is what `pattern` stands for in some layer.
bool ends_like(std::string_view name, std::string_view pattern) {
  const auto number = pattern.rfind("{}");
  return number != std::string_view::npos && name.ends_with(pattern.substr(number + 2));
}

}  // namespace

FileNames::FileNames(const WeightSource& source, const TensorNames& names)
    : source_(source), names_(names), prefix_(prefix_in(source, names)) {}

std::string FileNames::name(std::string_view pattern, int layer, int expert) const {
  std::string first;
  while (!pattern.empty()) {
    const std::string_view alternative = pattern.substr(0, pattern.find('|'));
    pattern.remove_prefix(std::min(pattern.size(), alternative.size() + 1));
    const std::string one = prefix_ + tensor_name(alternative, layer, expert);
    if (has(one)) return one;
    if (first.empty()) first = one;
  }
  return first;
}

std::string FileNames::output() const {
  const std::string nested = "language_model." + std::string(names_.output);
  return has(nested) ? nested : std::string(names_.output);
}

bool FileNames::has(std::string_view pattern, int layer, int expert) const {
  return !pattern.empty() && has(name(pattern, layer, expert));
}

MatrixUse FileNames::use_of(const std::string& name) const {
  if (name == embedding() || name == output()) return MatrixUse::vocabulary;
  if (!names_.positions.empty() && name == this->name(names_.positions)) return MatrixUse::exact;
  return ends_like(name, names_.router) ? MatrixUse::exact : MatrixUse::layer;
}

}  // namespace runnel
