#include <string>

#include "runnel/error.h"
#include "runnel/model.h"

namespace runnel {

WeightType weight_type_from(std::string_view name) {
  if (name == "as-is") return WeightType::as_is;
  if (name == "f32") return WeightType::f32;
  throw Error("The weight type \"" + std::string(name) + "\" is not known; it can be as-is or f32.");
}

ComputeType compute_type_from(std::string_view name) {
  if (name == "auto") return ComputeType::automatic;
  if (name == "int8") return ComputeType::int8;
  if (name == "f32") return ComputeType::f32;
  throw Error("The compute type \"" + std::string(name) + "\" is not known; it can be auto, int8 or f32.");
}

}  // namespace runnel
