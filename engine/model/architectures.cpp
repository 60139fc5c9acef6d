#include "model/architectures.h"

#include <algorithm>
#include <array>

namespace runnel {
namespace {

constexpr TensorNames gguf_names{.embedding = "token_embd.weight",
                                 .output_norm = "output_norm.weight",
                                 .output = "output.weight",
                                 .attention_norm = "blk.{}.attn_norm.weight",
                                 .query = "blk.{}.attn_q.weight",
                                 .key = "blk.{}.attn_k.weight",
                                 .value = "blk.{}.attn_v.weight",
                                 .attention_output = "blk.{}.attn_output.weight",
                                 .mlp_norm = "blk.{}.ffn_norm.weight",
                                 .gate = "blk.{}.ffn_gate.weight",
                                 .up = "blk.{}.ffn_up.weight",
                                 .down = "blk.{}.ffn_down.weight"};

constexpr TensorNames llama_names{.embedding = "model.embed_tokens.weight",
                                  .output_norm = "model.norm.weight",
                                  .output = "lm_head.weight",
                                  .attention_norm = "model.layers.{}.input_layernorm.weight",
                                  .query = "model.layers.{}.self_attn.q_proj.weight",
                                  .key = "model.layers.{}.self_attn.k_proj.weight",
                                  .value = "model.layers.{}.self_attn.v_proj.weight",
                                  .attention_output = "model.layers.{}.self_attn.o_proj.weight",
                                  .mlp_norm = "model.layers.{}.post_attention_layernorm.weight",
                                  .gate = "model.layers.{}.mlp.gate_proj.weight",
                                  .up = "model.layers.{}.mlp.up_proj.weight",
                                  .down = "model.layers.{}.mlp.down_proj.weight"};

constexpr std::array table{
    Architecture{.gguf = "llama",
                 .hf = "LlamaForCausalLM",
                 .gguf_names = &gguf_names,
                 .hf_names = &llama_names,
                 .gguf_interleaves_qk = true,
                 .sliding_window = false,
                 .saved_as = "llama"},
    // The converter writes Mistral as "llama" too.
    Architecture{.gguf = "mistral",
                 .hf = "MistralForCausalLM",
                 .gguf_names = &gguf_names,
                 .hf_names = &llama_names,
                 .gguf_interleaves_qk = true,
                 .sliding_window = true,
                 .saved_as = "llama"},
    Architecture{.gguf = "qwen2",
                 .hf = "Qwen2ForCausalLM",
                 .gguf_names = &gguf_names,
                 .hf_names = &llama_names,
                 .gguf_interleaves_qk = false,
                 .sliding_window = false,
                 .saved_as = "qwen2"},
};

}  // namespace

std::span<const Architecture> architectures() {
  return table;
}

const Architecture* architecture_of_gguf(std::string_view name) {
  const auto* row = std::find_if(table.begin(), table.end(), [name](const Architecture& a) { return a.gguf == name; });
  return row == table.end() ? nullptr : row;
}

const Architecture* architecture_of_hf(std::string_view name) {
  const auto* row = std::find_if(table.begin(), table.end(), [name](const Architecture& a) { return a.hf == name; });
  return row == table.end() ? nullptr : row;
}

std::string known_architectures() {
  std::string names;
  for (const Architecture& row : table) names += (names.empty() ? "" : ", ") + std::string(row.gguf);
  return names;
}

std::string tensor_name(std::string_view pattern, int layer) {
  const auto at = pattern.find("{}");
  if (at == std::string_view::npos) return std::string(pattern);
  return std::string(pattern.substr(0, at)) + std::to_string(layer) + std::string(pattern.substr(at + 2));
}

}  // namespace runnel
