#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "quant/rtn.h"
#include "runnel/error.h"
#include "runnel/model.h"

namespace runnel {
namespace {

template <typename Value>
using Names = std::span<const std::pair<std::string_view, Value>>;

template <typename Value>
Value parse(std::string_view name, std::string_view what, Names<Value> names) {
  const auto found =
      std::find_if(names.begin(), names.end(), [name](const auto& entry) { return entry.first == name; });
  if (found != names.end()) return found->second;
  std::string allowed;
  for (std::size_t i = 0; i < names.size(); ++i)
    allowed += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + std::string(names[i].first);
  throw Error("The " + std::string(what) + " \"" + std::string(name) + "\" is not known; it can be " + allowed + ".");
}

constexpr std::pair<std::string_view, WeightType> weight_types[] = {
    {"auto", WeightType::automatic}, {"as-is", WeightType::as_is}, {"int4", WeightType::int4},
    {"int8", WeightType::int8},      {"f16", WeightType::f16},     {"bf16", WeightType::bf16},
    {"f32", WeightType::f32}};
constexpr std::pair<std::string_view, ComputeType> compute_types[] = {{"auto", ComputeType::automatic},
                                                                      {"int8", ComputeType::int8},
                                                                      {"bf16", ComputeType::bf16},
                                                                      {"f32", ComputeType::f32}};
constexpr std::pair<std::string_view, Scheme> schemes[] = {{"sym", Scheme::sym}, {"asym", Scheme::asym}};

}  // namespace

WeightType weight_type_from(std::string_view name) {
  return parse<WeightType>(name, "weight type", weight_types);
}

ComputeType compute_type_from(std::string_view name) {
  return parse<ComputeType>(name, "compute type", compute_types);
}

Scheme scheme_from(std::string_view name) {
  return parse<Scheme>(name, "scheme", schemes);
}

void check_group_size(int group_size) {
  check(RtnOptions{.group_size = group_size});
}

}  // namespace runnel
