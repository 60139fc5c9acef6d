#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// One object of a config.json, read with checks. Keys may be alternatives separated by "|": the first that is there
/// counts, and messages name the first. Null members count as absent, and hide the default that an absent one has.
class HfMembers {
 public:
  /// `label`: what to call the model in messages. `defaults`: members of absent keys. Both objects must outlive this.
  HfMembers(const nlohmann::json& object, const nlohmann::json& defaults, std::string label);

  bool has(std::string_view keys) const { return find(keys) != nullptr; }

  /// These throw Error naming key and expectation when the member has another type or does not fit into 32 bits, and
  /// (without `otherwise`) when it is absent.
  int integer(std::string_view keys) const;
  int integer(std::string_view keys, int otherwise) const;
  double number(std::string_view keys, double otherwise) const;
  std::string text(std::string_view keys, const std::string& otherwise) const;
  bool flag(std::string_view keys, bool otherwise) const;
  /// Empty when absent.
  std::vector<double> numbers(std::string_view keys) const;
  std::vector<std::string> texts(std::string_view keys) const;
  /// An object member, or an empty one; it has no defaults.
  HfMembers object(std::string_view keys) const;
  bool has_object(std::string_view keys) const;

  const std::string& label() const { return label_; }
  [[noreturn]] void refuse(std::string_view keys, const std::string& expected) const;

 private:
  const nlohmann::json* find(std::string_view keys) const;

  const nlohmann::json& object_;
  const nlohmann::json& defaults_;
  std::string label_;
};

}  // namespace runnel
