#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runnel/chat.h"

/// The cases of `tests/fixtures/chat/<name>.json`; what they expect was rendered by Python's jinja2 3.1.6 in the
/// set-up of transformers, with the clock at `fixture_now` in UTC.
inline nlohmann::json chat_fixture(const std::string& name) {
  std::ifstream file(std::string(RUNNEL_FIXTURES) + "/chat/" + name + ".json");
  return nlohmann::json::parse(file);
}

inline constexpr std::int64_t fixture_now = 1'730'000'000;

/// Messages as [role, content] pairs.
inline std::vector<runnel::Message> messages_of(const nlohmann::json& pairs) {
  std::vector<runnel::Message> messages;
  for (const auto& pair : pairs) messages.push_back({pair[0], pair[1]});
  return messages;
}
