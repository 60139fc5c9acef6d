#include "model/refusals.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "model/architectures.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::string_view recurrent_parts[] = {
    "mamba",   "rwkv",       "jamba",  "bamba",  "zamba",     "recurrentgemma",
    "griffin", "falconh1",   "lfm2",   "plamo2", "qwen3next", "nemotronh",
    "minimax", "kimilinear", "retnet", "hybrid", "qwen35",    "granitemoehybrid"};

// Lower case, without what stands between words: "falcon-h1" and "FalconH1ForCausalLM" become alike.
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') text += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) text += c;
  }
  return text;
}

struct Unsupported {
  std::string_view key;
  bool value;
  std::string_view what;
};

constexpr Unsupported unsupported_flags[] = {
    {"position_encoding_2d", true, "two-dimensional positions and a prompt that is read in both directions"},
    {"do_layer_norm_before", false, "norms on the residual stream itself"},
    {"apply_residual_connection_post_layernorm", true, "residuals taken after the norm"},
    {"qk_layernorm", true, "layer norms of queries and keys"},
};

}  // namespace

void refuse_architecture(const std::string& name, const std::string& label) {
  const std::string plain = folded(name);
  const auto is_part = [&plain](std::string_view part) { return plain.find(part) != std::string::npos; };
  if (std::any_of(std::begin(recurrent_parts), std::end(recurrent_parts), is_part)) {
    throw Error(label + " can't be used: its architecture \"" + name +
                "\" has layers with a recurrent state in place of attention, which are not supported.");
  }
  throw Error(label + " can't be used: its architecture \"" + name +
              "\" is not supported; these are: " + known_architectures() + ".");
}

void refuse_layer_type(const std::string& label, const std::string& type) {
  throw Error(label + " can't be used: it has layers of type \"" + type +
              "\" (\"layer_types\" in its config.json); full_attention and sliding_attention are supported.");
}

void refuse_quantized_folder(const HfMembers& members) {
  if (!members.has("quantization_config")) return;
  const std::string method = members.object("quantization_config").text("quant_method", "a method it does not name");
  throw Error(members.label() + " can't be used: its weights are quantized by " + method +
              " (\"quantization_config\" in its config.json); take the folder with the original weights, which are " +
              "quantized while they are loaded, or a GGUF file of the model.");
}

void refuse_unsupported_members(const HfMembers& members) {
  for (const Unsupported& flag : unsupported_flags) {
    if (members.flag(flag.key, !flag.value) != flag.value) continue;
    throw Error(members.label() + " can't be used: \"" + std::string(flag.key) + "\" is " +
                (flag.value ? "true" : "false") + " in its config.json, which asks for " + std::string(flag.what) +
                ", and that is not supported.");
  }
  const int n_embd = members.integer("hidden_size|n_embd|n_embed|d_model", 0);
  if (const int width = members.integer("word_embed_proj_dim", n_embd); width != n_embd) {
    throw Error(members.label() + " can't be used: \"word_embed_proj_dim\" in its config.json is " +
                std::to_string(width) + " and must be the embedding length, " + std::to_string(n_embd) + ".");
  }
}

}  // namespace runnel
