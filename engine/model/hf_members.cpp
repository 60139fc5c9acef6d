#include "model/hf_members.h"

#include <algorithm>

#include "runnel/error.h"

namespace runnel {

using nlohmann::json;

namespace {

const json& nothing() {
  static const json empty = json::object();
  return empty;
}

std::string_view first_of(std::string_view keys) {
  return keys.substr(0, keys.find('|'));
}

}  // namespace

HfMembers::HfMembers(const json& object, const json& defaults, std::string label)
    : object_(object), defaults_(defaults), label_(std::move(label)) {}

const json* HfMembers::find(std::string_view keys) const {
  for (const json* object : {&object_, &defaults_}) {
    bool is_null = false;
    for (std::string_view left = keys; !left.empty();) {
      const std::string_view key = first_of(left);
      left.remove_prefix(std::min(left.size(), key.size() + 1));
      const auto found = object->find(key);
      if (found == object->end()) continue;
      if (!found->is_null()) return &*found;
      is_null = true;
    }
    if (is_null) return nullptr;
  }
  return nullptr;
}

void HfMembers::refuse(std::string_view keys, const std::string& expected) const {
  throw Error(label_ + " can't be used: \"" + std::string(first_of(keys)) + "\" in its config.json must be " +
              expected + ".");
}

int HfMembers::integer(std::string_view keys) const {
  if (!has(keys))
    throw Error(label_ + " can't be used: its config.json has no \"" + std::string(first_of(keys)) + "\".");
  return integer(keys, 0);
}

int HfMembers::integer(std::string_view keys, int otherwise) const {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (!value->is_number_integer()) refuse(keys, "a whole number");
  const bool fits = value->is_number_unsigned() ? value->get<std::uint64_t>() <= 0x7fffffffU
                                                : value->get<std::int64_t>() >= -0x7fffffff;
  if (!fits) refuse(keys, "a whole number of 32 bits");
  return value->get<int>();
}

double HfMembers::number(std::string_view keys, double otherwise) const {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (!value->is_number()) refuse(keys, "a number");
  return value->get<double>();
}

std::string HfMembers::text(std::string_view keys, const std::string& otherwise) const {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (!value->is_string()) refuse(keys, "a string");
  return value->get<std::string>();
}

bool HfMembers::flag(std::string_view keys, bool otherwise) const {
  const json* value = find(keys);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(keys, "true or false");
  return value->get<bool>();
}

std::vector<double> HfMembers::numbers(std::string_view keys) const {
  const json* value = find(keys);
  if (value == nullptr) return {};
  const auto is_number = [](const json& element) { return element.is_number(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_number)) refuse(keys, "a list of numbers");
  return value->get<std::vector<double>>();
}

std::vector<std::string> HfMembers::texts(std::string_view keys) const {
  const json* value = find(keys);
  if (value == nullptr) return {};
  const auto is_text = [](const json& element) { return element.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) refuse(keys, "a list of strings");
  return value->get<std::vector<std::string>>();
}

HfMembers HfMembers::object(std::string_view keys) const {
  const json* value = find(keys);
  if (value == nullptr) return {nothing(), nothing(), label_};
  if (!value->is_object()) refuse(keys, "an object");
  return {*value, nothing(), label_};
}

bool HfMembers::has_object(std::string_view keys) const {
  const json* value = find(keys);
  return value != nullptr && value->is_object();
}

}  // namespace runnel
