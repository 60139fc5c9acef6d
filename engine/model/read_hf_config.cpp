#include <nlohmann/json.hpp>
#include <string>

#include "model/check_config.h"
#include "model/weight_source.h"
#include "runnel/error.h"

namespace runnel {
namespace {

using nlohmann::json;

/// One object of config.json, read with checks; null members count as absent.
class Members {
 public:
  Members(const json& object, std::string label) : object_(object), label_(std::move(label)) {}

  bool has(const std::string& key) const { return object_.contains(key) && !object_.at(key).is_null(); }

  int integer(const std::string& key) const {
    if (!has(key)) throw Error(label_ + " can't be used: its config.json has no \"" + key + "\".");
    return integer(key, 0);
  }
  int integer(const std::string& key, int otherwise) const {
    if (!has(key)) return otherwise;
    const json& value = object_.at(key);
    if (!value.is_number_integer()) refuse(key, "a whole number");
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= 0x7fffffffU
                                                 : value.get<std::int64_t>() >= -0x7fffffff;
    if (!fits) refuse(key, "a whole number of 32 bits");
    return value.get<int>();
  }
  double number(const std::string& key, double otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_.at(key).is_number()) refuse(key, "a number");
    return object_.at(key).get<double>();
  }
  std::string text(const std::string& key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_.at(key).is_string()) refuse(key, "a string");
    return object_.at(key).get<std::string>();
  }
  bool flag(const std::string& key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_.at(key).is_boolean()) refuse(key, "true or false");
    return object_.at(key).get<bool>();
  }
  /// An object member, or an empty one.
  Members object(const std::string& key) const {
    static const json nothing = json::object();
    if (!has(key)) return {nothing, label_};
    if (!object_.at(key).is_object()) refuse(key, "an object");
    return {object_.at(key), label_};
  }

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    throw Error(label_ + " can't be used: \"" + key + "\" in its config.json must be " + expected + ".");
  }

  const json& object_;
  std::string label_;
};

RopeScaling scaling_from(const std::string& name, const std::string& label) {
  if (name == "default" || name.empty()) return RopeScaling::none;
  if (name == "linear") return RopeScaling::linear;
  if (name == "llama3") return RopeScaling::llama3;
  if (name == "yarn") return RopeScaling::yarn;
  throw Error(label + " can't be used: its rope scaling \"" + name +
              "\" is not supported; default, linear, llama3 and yarn are.");
}

// Old files have rope_theta beside rope_scaling {type or rope_type}, new ones all of it in rope_parameters.
RopeConfig read_rope(const Members& config, int head_dim, int trained_context, const std::string& label) {
  RopeConfig rope;
  const bool modern = config.has("rope_parameters");
  const Members scaling = config.object(modern ? "rope_parameters" : "rope_scaling");
  rope.base = modern ? scaling.number("rope_theta", config.number("rope_theta", rope.base))
                     : config.number("rope_theta", rope.base);
  rope.dimensions = head_dim;
  rope.scaling = scaling_from(scaling.text("rope_type", scaling.text("type", "")), label);
  rope.factor = scaling.number("factor", 1.0);
  rope.original_context = scaling.integer("original_max_position_embeddings", trained_context);
  rope.low_frequency = scaling.number("low_freq_factor", rope.low_frequency);
  rope.high_frequency = scaling.number("high_freq_factor", rope.high_frequency);
  rope.beta_fast = scaling.number("beta_fast", rope.beta_fast);
  rope.beta_slow = scaling.number("beta_slow", rope.beta_slow);
  rope.attention_factor = scaling.number("attention_factor", 0.0);
  rope.truncate = scaling.flag("truncate", true);
  return rope;
}

std::string architecture_name(const json& config, const std::string& label) {
  const auto found = config.find("architectures");
  if (found == config.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    throw Error(label + " can't be used: its config.json names no architecture.");
  }
  return found->front().get<std::string>();
}

}  // namespace

Config read_config(const HfFolder& folder) {
  const std::string label = HfSource(folder).label();
  const std::string name = architecture_name(folder.config(), label);
  const Architecture* architecture = architecture_of_hf(name);
  if (architecture == nullptr) {
    throw Error(label + " can't be used: its architecture \"" + name +
                "\" is not supported; these are: " + known_architectures() + ".");
  }
  const Members members(folder.config(), label);
  Config config;
  config.architecture = architecture->gguf;
  config.name = label;
  config.n_layers = members.integer("num_hidden_layers");
  config.n_embd = members.integer("hidden_size");
  config.n_ff = members.integer("intermediate_size");
  config.n_heads = members.integer("num_attention_heads");
  config.n_kv_heads = members.integer("num_key_value_heads", config.n_heads);
  if (config.n_heads < 1) check_config(config, label);
  config.head_dim = members.integer("head_dim", config.n_embd / config.n_heads);
  config.n_vocab = members.integer("vocab_size");
  config.trained_context = members.integer("max_position_embeddings", 0);
  config.norm_epsilon = static_cast<float>(members.number("rms_norm_eps", 1e-6));
  if (architecture->sliding_window) config.window = members.integer("sliding_window", 0);
  config.rope = read_rope(members, config.head_dim, config.trained_context, label);
  check_config(config, label);
  return config;
}

}  // namespace runnel
