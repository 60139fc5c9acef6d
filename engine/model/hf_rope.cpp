#include "model/hf_rope.h"

#include <cmath>

#include "runnel/error.h"

namespace runnel {
namespace {

RopeScaling scaling_from(const std::string& name, const std::string& label) {
  if (name == "default" || name.empty()) return RopeScaling::none;
  if (name == "linear") return RopeScaling::linear;
  if (name == "llama3") return RopeScaling::llama3;
  if (name == "yarn") return RopeScaling::yarn;
  if (name == "longrope" || name == "su") return RopeScaling::longrope;
  if (name == "dynamic") return RopeScaling::dynamic;
  throw Error(label + " can't be used: its rope scaling \"" + name +
              "\" is not supported; default, linear, llama3, yarn, longrope and dynamic are.");
}

std::vector<float> as_floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// Of the head, by a number of dimensions or a part; a part in `scaling` goes first.
int rotated_dimensions(const HfMembers& members, const HfMembers& scaling, int head_dim) {
  if (members.has("rotary_dim")) return members.integer("rotary_dim");
  const double part =
      scaling.number("partial_rotary_factor", members.number("partial_rotary_factor|rotary_pct|rope_pct", 1.0));
  if (!(part > 0 && part <= 1)) members.refuse("partial_rotary_factor|rotary_pct", "above 0 and at most 1");
  return static_cast<int>(head_dim * part);
}

void read_longrope(const HfMembers& scaling, int trained_context, RopeConfig& rope) {
  rope.divisors = as_floats(scaling.numbers("short_factor"));
  rope.long_divisors = as_floats(scaling.numbers("long_factor"));
  for (const char* key : {"short_factor", "long_factor"}) {
    if (scaling.numbers(key).empty()) scaling.refuse(key, "a list of numbers");
  }
  if (rope.original_context > 0) rope.factor = static_cast<double>(trained_context) / rope.original_context;
}

RopeConfig read_rope(const HfMembers& members, const HfMembers& scaling, const Config& config) {
  RopeConfig rope;
  rope.base = scaling.number("rope_theta", members.number("rope_theta|rotary_emb_base", rope.base)) *
              members.number("rope_ratio", 1.0);
  rope.dimensions = rotated_dimensions(members, scaling, config.head_dim);
  rope.scaling = scaling_from(scaling.text("rope_type|type", ""), members.label());
  rope.factor = scaling.number("factor", 1.0);
  rope.original_context = scaling.integer("original_max_position_embeddings", config.trained_context);
  rope.low_frequency = scaling.number("low_freq_factor", rope.low_frequency);
  rope.high_frequency = scaling.number("high_freq_factor", rope.high_frequency);
  rope.beta_fast = scaling.number("beta_fast", rope.beta_fast);
  rope.beta_slow = scaling.number("beta_slow", rope.beta_slow);
  rope.attention_factor = scaling.number("attention_factor", 0.0);
  rope.truncate = scaling.flag("truncate", true);
  if (members.flag("use_dynamic_ntk", false)) rope.scaling = RopeScaling::dynamic_steps;
  if (rope.scaling == RopeScaling::longrope) {
    rope.original_context = members.integer("original_max_position_embeddings", rope.original_context);
    read_longrope(scaling, config.trained_context, rope);
  }
  return rope;
}

}  // namespace

void read_ropes(const HfMembers& members, Config& config) {
  const bool modern = members.has("rope_parameters");
  const HfMembers scaling = members.object(modern ? "rope_parameters" : "rope_scaling");
  if (scaling.has_object("full_attention")) {
    config.ropes = {read_rope(members, scaling.object("full_attention"), config),
                    read_rope(members, scaling.object("sliding_attention"), config)};
    return;
  }
  config.ropes = {read_rope(members, scaling, config)};
  if (!members.has("rope_local_base_freq")) return;
  RopeConfig local;
  local.base = members.number("rope_local_base_freq", local.base);
  local.dimensions = config.ropes.front().dimensions;
  config.ropes.push_back(local);
}

}  // namespace runnel
