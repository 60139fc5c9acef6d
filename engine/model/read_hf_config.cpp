#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "model/check_config.h"
#include "model/hf_members.h"
#include "model/hf_rope.h"
#include "model/refusals.h"
#include "model/rope.h"
#include "model/weight_source.h"
#include "runnel/error.h"

namespace runnel {
namespace {

using nlohmann::json;

std::string architecture_name(const json& config, const std::string& label) {
  const auto found = config.find("architectures");
  if (found == config.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    throw Error(label + " can't be used: its config.json names no architecture.");
  }
  return found->front().get<std::string>();
}

// All heads share one key and value with multi-query attention, unless groups of them do (the larger Falcons).
int read_kv_heads(const HfMembers& members, int n_heads) {
  const bool groups = members.flag("new_decoder_architecture", members.has("n_head_kv"));
  if (members.flag("multi_query", false) && !groups) return 1;
  const int otherwise = members.object("attn_config").integer("kv_n_heads", n_heads);
  return members.integer("num_key_value_heads|num_kv_heads|n_head_kv|multi_query_group_num", otherwise);
}

int read_ff(const HfMembers& members, const Architecture& family, int n_embd) {
  constexpr std::string_view keys = "intermediate_size|ffn_dim|ffn_hidden_size|n_inner";
  constexpr int usual_ratio = 4;  // of plain MLPs where config.json is silent
  if (!family.design.gated && !members.has(keys)) return usual_ratio * std::clamp(n_embd, 0, 1 << 24);
  const int n_ff = members.integer(keys);
  return family.ff_is_doubled ? n_ff / 2 : n_ff;
}

void read_sizes(const HfMembers& members, const Architecture& family, Config& config) {
  config.n_layers = members.integer("num_hidden_layers|n_layer|n_layers|num_layers");
  config.n_embd = members.integer("hidden_size|n_embd|n_embed|d_model");
  config.n_ff = read_ff(members, family, config.n_embd);
  config.n_heads = members.integer("num_attention_heads|n_head|n_heads");
  config.n_kv_heads = read_kv_heads(members, config.n_heads);
  if (config.n_heads < 1) check_config(config, members.label());
  config.head_dim = members.integer("head_dim|kv_channels", config.n_embd / config.n_heads);
  config.n_vocab = members.integer("vocab_size|padded_vocab_size");
  config.trained_context =
      members.integer("seq_length|max_position_embeddings|n_positions|max_seq_len|model_max_length|n_ctx", 0);
  const double usual_epsilon = family.design.norm == NormKind::rms ? 1e-6 : 1e-5;
  config.norm_epsilon = static_cast<float>(members.number(
      "rms_norm_eps|layer_norm_eps|layer_norm_epsilon|layernorm_epsilon|norm_epsilon|norm_eps", usual_epsilon));
  if (family.design.routing == Routing::none) return;
  config.n_experts = members.integer("num_local_experts", 0);
  config.n_experts_used = members.integer("num_experts_per_tok", 0);
}

Activation activation_from(const HfMembers& members, Activation usual) {
  constexpr std::string_view keys = "hidden_activation|hidden_act|activation_function|activation";
  if (!members.has(keys)) return usual;
  const std::string name = members.text(keys, "");
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "gelu" || name == "gelu_python") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return Activation::gelu_tanh;
  if (name == "relu") return Activation::relu;
  throw Error(members.label() + " can't be used: its activation function \"" + name +
              "\" is not supported; silu, gelu, gelu_new, gelu_pytorch_tanh and relu are.");
}

Residual residual_from(const HfMembers& members, Residual usual) {
  constexpr std::string_view keys = "use_parallel_residual|parallel_attn";
  if (!members.flag(keys, usual != Residual::serial)) return Residual::serial;
  return usual == Residual::serial ? Residual::parallel_shared : usual;
}

void read_design(const HfMembers& members, const Architecture& family, Config& config) {
  Design& design = config.design;
  design.residual = residual_from(members, design.residual);
  if (!family.activation_is_fixed) design.activation = activation_from(members, design.activation);
  const HfMembers attention = members.object("attn_config");
  if (!attention.flag("alibi", true)) attention.refuse("alibi", "true; other positions are not supported here");
  if (attention.flag("qk_ln", false))
    attention.refuse("qk_ln", "false; norms of queries and keys are not supported here");
  const bool lacks_key = !family.hf_alibi_without.empty() && !members.has(family.hf_alibi_without);
  if (lacks_key || members.flag("alibi", false)) design.position = Position::alibi;
  design.final_norm = !members.flag("_remove_final_layer_norm", false);
  design.normalized_head = family.normalized_head_vocab > 0 && config.n_vocab == family.normalized_head_vocab;
  config.alibi_bias = static_cast<float>(attention.number("alibi_bias_max", 8));
  config.qkv_limit = static_cast<float>(attention.number("clip_qkv", 0));
  config.position_offset = family.position_offset;
  if (members.flag("use_logn_attn", false)) config.log_n_from = config.trained_context;
}

void read_scales(const HfMembers& members, const Architecture& family, Config& config) {
  const auto number = [&members](std::string_view key, double otherwise) {
    return static_cast<float>(members.number(key, otherwise));
  };
  const double usual = family.embedding_times_root ? std::sqrt(static_cast<double>(config.n_embd)) : 1;
  config.embedding_scale = number("embedding_multiplier", usual);
  config.residual_scale = number("residual_multiplier", 1);
  config.logit_scale = 1 / number("logits_scaling", 1);
  if (members.has("logit_scale")) config.logit_scale = number("logit_scale", 1);
  config.attention_soft_cap = number("attn_logit_softcapping", 0);
  config.logit_soft_cap = number("final_logit_softcapping", 0);
}

float attention_scale(const HfMembers& members, const Config& config, int layer) {
  double scale = 1 / std::sqrt(members.number("query_pre_attn_scalar", config.head_dim));
  scale = members.number("attention_multiplier", scale);
  scale = members.object("attn_config").number("softmax_scale", scale);
  if (!members.flag("scale_attn_weights", true)) scale = 1;
  if (members.flag("scale_attn_by_inverse_layer_idx", false)) scale /= layer + 1;
  return static_cast<float>(scale);
}

// Which layers have the sliding window: a list of types says so, or the family's period.
std::vector<bool> windowed_layers(const HfMembers& members, const Architecture& family, int n_layers) {
  std::vector<bool> windowed;
  for (const std::string& type : members.texts("layer_types")) {
    if (type != "full_attention" && type != "sliding_attention") refuse_layer_type(members.label(), type);
    windowed.push_back(type == "sliding_attention");
  }
  if (!windowed.empty()) {
    if (static_cast<int>(windowed.size()) < n_layers) members.refuse("layer_types", "a list of as many as layers");
    return windowed;
  }
  const int period = members.integer("sliding_window_pattern|_sliding_window_pattern", family.window_period);
  const bool used = period > 0 && members.flag("use_sliding_window", true);
  const int first = members.has("use_sliding_window") ? members.integer("max_window_layers", 0) : 0;
  for (int layer = 0; layer < n_layers; ++layer) {
    windowed.push_back(used && layer >= first && (period == 1 || (layer + 1) % period != 0));
  }
  return windowed;
}

void read_layers(const HfMembers& members, const Architecture& family, Config& config) {
  const int window = members.integer("sliding_window", 0);
  const std::vector<bool> windowed = windowed_layers(members, family, config.n_layers);
  const int period = members.integer("no_rope_layer_interval", family.no_rope_period);
  std::vector<double> rotated = members.numbers("no_rope_layers");  // 1: this layer has rope
  for (int layer = 0; layer < config.n_layers && family.no_rope_period > 0; ++layer) {
    if (layer >= static_cast<int>(rotated.size())) rotated.push_back(period > 0 && (layer + 1) % period == 0 ? 0 : 1);
  }
  for (int layer = 0; layer < config.n_layers; ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    LayerConfig& one = config.layers.emplace_back();
    one.window = windowed[at] ? window : 0;
    one.rope = windowed[at] && config.ropes.size() > 1 ? 1 : 0;
    if (config.ropes.empty() || (family.no_rope_period > 0 && rotated[at] == 0)) one.rope = -1;
    one.attention_scale = attention_scale(members, config, layer);
  }
}

}  // namespace

Config read_config(const HfFolder& folder) {
  const std::string label = HfSource(folder).label();
  const std::string name = architecture_name(folder.config(), label);
  const Architecture* family = architecture_of_hf(name);
  if (family == nullptr) refuse_architecture(name, label);
  const json defaults = json::parse(family->hf_defaults);
  const HfMembers whole(folder.config(), defaults, label);
  const HfMembers members =
      whole.has_object("text_config") ? HfMembers(folder.config().at("text_config"), defaults, label) : whole;
  Config config;
  config.family = family;
  config.architecture = family->gguf;
  config.name = label;
  config.design = family->design;
  refuse_quantized_folder(whole);
  refuse_unsupported_members(members);
  read_sizes(members, *family, config);
  check_sizes(config, label);
  read_design(members, *family, config);
  read_scales(members, *family, config);
  if (config.design.position == Position::rope) read_ropes(members, config);
  read_layers(members, *family, config);
  check_config(config, label);
  if (!config.ropes.empty())
    config.trained_context = context_after_scaling(config.ropes.front(), config.trained_context);
  return config;
}

}  // namespace runnel
