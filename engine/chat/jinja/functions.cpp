#include "chat/jinja/functions.h"

#include <algorithm>

namespace runnel::jinja {

Bound::Bound(const Arguments& arguments, std::initializer_list<std::string_view> parameters, std::size_t required)
    : values_(parameters.size(), nullptr) {
  if (arguments.positional.size() > parameters.size()) throw Fault("there are too many arguments");
  for (std::size_t at = 0; at < arguments.positional.size(); ++at) values_[at] = &arguments.positional[at];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(parameters.begin(), parameters.end(), std::string_view(name));
    if (found == parameters.end()) throw Fault("there is no argument '" + name + "'");
    auto& place = values_[static_cast<std::size_t>(found - parameters.begin())];
    if (place) throw Fault("the argument '" + name + "' is given twice");
    place = &value;
  }
  for (std::size_t at = 0; at < required; ++at) {
    if (!values_[at]) throw Fault("the argument '" + std::string(parameters.begin()[at]) + "' is missing");
  }
}

const Text* Bound::text(std::size_t parameter, std::string_view what) const {
  const Value* value = values_[parameter];
  return value && !value->is<None>() ? &need_text(*value, what) : nullptr;
}

std::int64_t Bound::integer(std::size_t parameter, std::string_view what, std::int64_t fallback) const {
  const Value* value = values_[parameter];
  return value && !value->is<None>() ? need_integer(*value, what) : fallback;
}

bool Bound::truth(std::size_t parameter, bool fallback) const {
  const Value* value = values_[parameter];
  return value ? is_true(*value) : fallback;
}

}  // namespace runnel::jinja
