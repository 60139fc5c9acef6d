#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <string_view>

#include "runnel/error.h"
#include "runnel/sampler.h"

namespace runnel {
namespace {

void require(bool allowed, std::string_view setting, double value, std::string_view range) {
  if (!allowed) throw Error(fmt::format("{} is {}, but must be {}.", setting, value, range));
}

}  // namespace

void validate(const SamplerSettings& settings) {
  // Written so that NaN, which compares with nothing, is refused everywhere.
  const auto is_share = [](float value) { return value >= 0.0F && value <= 1.0F; };
  require(settings.repetition_penalty > 0.0F && std::isfinite(settings.repetition_penalty), "repetition_penalty",
          settings.repetition_penalty, "a number above 0 (1 is off)");
  require(settings.repetition_window >= -1, "repetition_window", settings.repetition_window,
          "-1 (all tokens), 0 (off) or a number of tokens");
  require(is_share(settings.top_p), "top_p", settings.top_p, "from 0 to 1 (1 is off)");
  require(is_share(settings.min_p), "min_p", settings.min_p, "from 0 to 1 (0 is off)");
  require(settings.temperature >= 0.0F && std::isfinite(settings.temperature), "temperature", settings.temperature,
          "a number from 0 up");
}

}  // namespace runnel
