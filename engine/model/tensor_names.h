#pragma once

#include "model/architectures.h"

namespace runnel::tensor_names {

/// GGUF's names, which hardly differ between families.
inline constexpr TensorNames gguf{.prefix = "",
                                  .embedding = "token_embd.weight",
                                  .embedding_norm = "token_embd_norm.weight",
                                  .positions = "position_embd.weight",
                                  .output_norm = "output_norm.weight",
                                  .output = "output.weight",
                                  .attention_norm = "blk.{}.attn_norm.weight",
                                  .query = "blk.{}.attn_q.weight",
                                  .key = "blk.{}.attn_k.weight",
                                  .value = "blk.{}.attn_v.weight",
                                  .query_key_value = "blk.{}.attn_qkv.weight",
                                  .query_norm = "blk.{}.attn_q_norm.weight",
                                  .key_norm = "blk.{}.attn_k_norm.weight",
                                  .attention_output = "blk.{}.attn_output.weight",
                                  .attention_post_norm = "blk.{}.post_attention_norm.weight",
                                  .mlp_norm = "blk.{}.ffn_norm.weight",
                                  .gate = "blk.{}.ffn_gate.weight",
                                  .up = "blk.{}.ffn_up.weight",
                                  .gate_up = "",
                                  .down = "blk.{}.ffn_down.weight",
                                  .mlp_post_norm = "blk.{}.post_ffw_norm.weight",
                                  .router = "blk.{}.ffn_gate_inp.weight",
                                  .expert_gate = "blk.{}.ffn_gate.{}.weight",
                                  .expert_up = "blk.{}.ffn_up.{}.weight",
                                  .expert_down = "blk.{}.ffn_down.{}.weight",
                                  .experts_gate = "blk.{}.ffn_gate_exps.weight",
                                  .experts_up = "blk.{}.ffn_up_exps.weight",
                                  .experts_down = "blk.{}.ffn_down_exps.weight"};

/// Gate and up are one tensor under the name of up.
inline constexpr TensorNames gguf_fused_gate = [] {
  TensorNames names = gguf;
  names.gate_up = gguf.up;
  return names;
}();

/// The larger Falcons have a norm for each block, and the MLP's bears the name of the only one of the smaller.
inline constexpr TensorNames gguf_falcon = [] {
  TensorNames names = gguf;
  names.attention_norm = "blk.{}.attn_norm_2.weight|blk.{}.attn_norm.weight";
  names.mlp_norm = "blk.{}.ffn_norm.weight|blk.{}.attn_norm.weight";
  return names;
}();

inline constexpr TensorNames llama{.prefix = "model.",
                                   .embedding = "embed_tokens.weight",
                                   .embedding_norm = "",
                                   .positions = "",
                                   .output_norm = "norm.weight",
                                   .output = "lm_head.weight",
                                   .attention_norm = "layers.{}.input_layernorm.weight",
                                   .query = "layers.{}.self_attn.q_proj.weight",
                                   .key = "layers.{}.self_attn.k_proj.weight",
                                   .value = "layers.{}.self_attn.v_proj.weight",
                                   .query_key_value = "",
                                   .query_norm = "layers.{}.self_attn.q_norm.weight",
                                   .key_norm = "layers.{}.self_attn.k_norm.weight",
                                   .attention_output = "layers.{}.self_attn.o_proj.weight",
                                   .attention_post_norm = "",
                                   .mlp_norm = "layers.{}.post_attention_layernorm.weight",
                                   .gate = "layers.{}.mlp.gate_proj.weight",
                                   .up = "layers.{}.mlp.up_proj.weight",
                                   .gate_up = "",
                                   .down = "layers.{}.mlp.down_proj.weight",
                                   .mlp_post_norm = "",
                                   .router = "",
                                   .expert_gate = "",
                                   .expert_up = "",
                                   .expert_down = "",
                                   .experts_gate = "",
                                   .experts_up = "",
                                   .experts_down = ""};

inline constexpr TensorNames mixtral = [] {
  TensorNames names = llama;
  names.router = "layers.{}.block_sparse_moe.gate.weight";
  names.expert_gate = "layers.{}.block_sparse_moe.experts.{}.w1.weight";
  names.expert_up = "layers.{}.block_sparse_moe.experts.{}.w3.weight";
  names.expert_down = "layers.{}.block_sparse_moe.experts.{}.w2.weight";
  return names;
}();

inline constexpr TensorNames gemma2 = [] {
  TensorNames names = llama;
  names.attention_post_norm = "layers.{}.post_attention_layernorm.weight";
  names.mlp_norm = "layers.{}.pre_feedforward_layernorm.weight";
  names.mlp_post_norm = "layers.{}.post_feedforward_layernorm.weight";
  return names;
}();

inline constexpr TensorNames olmo2 = [] {
  TensorNames names = gemma2;
  names.attention_norm = "";
  names.mlp_norm = "";
  return names;
}();

inline constexpr TensorNames glm = [] {
  TensorNames names = llama;
  names.gate_up = "layers.{}.mlp.gate_up_proj.weight";
  return names;
}();

inline constexpr TensorNames phi3 = [] {
  TensorNames names = glm;
  names.query_key_value = "layers.{}.self_attn.qkv_proj.weight";
  return names;
}();

inline constexpr TensorNames baichuan = [] {
  TensorNames names = llama;
  names.query_key_value = "layers.{}.self_attn.W_pack.weight";
  return names;
}();

inline constexpr TensorNames starcoder2 = [] {
  TensorNames names = llama;
  names.up = "layers.{}.mlp.c_fc.weight";
  names.down = "layers.{}.mlp.c_proj.weight";
  return names;
}();

inline constexpr TensorNames phi = [] {
  TensorNames names = llama;
  names.output_norm = "final_layernorm.weight";
  names.attention_output = "layers.{}.self_attn.dense.weight";
  names.mlp_norm = "";
  names.up = "layers.{}.mlp.fc1.weight";
  names.down = "layers.{}.mlp.fc2.weight";
  return names;
}();

inline constexpr TensorNames opt = [] {
  TensorNames names = llama;
  names.prefix = "model.decoder.";
  names.positions = "embed_positions.weight";
  names.output_norm = "final_layer_norm.weight";
  names.attention_norm = "layers.{}.self_attn_layer_norm.weight";
  names.attention_output = "layers.{}.self_attn.out_proj.weight";
  names.mlp_norm = "layers.{}.final_layer_norm.weight";
  names.up = "layers.{}.fc1.weight";
  names.down = "layers.{}.fc2.weight";
  return names;
}();

inline constexpr TensorNames gpt2 = [] {
  TensorNames names{};
  names.prefix = "transformer.";
  names.embedding = "wte.weight";
  names.positions = "wpe.weight";
  names.output_norm = "ln_f.weight";
  names.output = "lm_head.weight";
  names.attention_norm = "h.{}.ln_1.weight";
  names.query_key_value = "h.{}.attn.c_attn.weight";
  names.attention_output = "h.{}.attn.c_proj.weight";
  names.mlp_norm = "h.{}.ln_2.weight";
  names.up = "h.{}.mlp.c_fc.weight";
  names.down = "h.{}.mlp.c_proj.weight";
  return names;
}();

inline constexpr TensorNames gptj = [] {
  TensorNames names = gpt2;
  names.positions = "";
  names.query = "h.{}.attn.q_proj.weight";
  names.key = "h.{}.attn.k_proj.weight";
  names.value = "h.{}.attn.v_proj.weight";
  names.query_key_value = "";
  names.attention_output = "h.{}.attn.out_proj.weight";
  names.mlp_norm = "";
  names.up = "h.{}.mlp.fc_in.weight";
  names.down = "h.{}.mlp.fc_out.weight";
  return names;
}();

inline constexpr TensorNames qwen = [] {
  TensorNames names = gpt2;
  names.positions = "";
  names.gate = "h.{}.mlp.w2.weight";
  names.up = "h.{}.mlp.w1.weight";
  return names;
}();

inline constexpr TensorNames mpt = [] {
  TensorNames names = gpt2;
  names.positions = "";
  names.output_norm = "norm_f.weight";
  names.attention_norm = "blocks.{}.norm_1.weight";
  names.query_key_value = "blocks.{}.attn.Wqkv.weight";
  names.attention_output = "blocks.{}.attn.out_proj.weight";
  names.mlp_norm = "blocks.{}.norm_2.weight";
  names.up = "blocks.{}.ffn.up_proj.weight";
  names.down = "blocks.{}.ffn.down_proj.weight";
  return names;
}();

inline constexpr TensorNames bloom = [] {
  TensorNames names = gpt2;
  names.embedding = "word_embeddings.weight";
  names.embedding_norm = "word_embeddings_layernorm.weight";
  names.positions = "";
  names.attention_norm = "h.{}.input_layernorm.weight";
  names.query_key_value = "h.{}.self_attention.query_key_value.weight";
  names.attention_output = "h.{}.self_attention.dense.weight";
  names.mlp_norm = "h.{}.post_attention_layernorm.weight";
  names.up = "h.{}.mlp.dense_h_to_4h.weight";
  names.down = "h.{}.mlp.dense_4h_to_h.weight";
  return names;
}();

inline constexpr TensorNames falcon = [] {
  TensorNames names = bloom;
  names.embedding_norm = "";
  names.attention_norm = "h.{}.ln_attn.weight|h.{}.input_layernorm.weight";
  names.mlp_norm = "h.{}.ln_mlp.weight|h.{}.post_attention_layernorm.weight";
  return names;
}();

inline constexpr TensorNames gpt_neox = [] {
  TensorNames names = gpt2;
  names.prefix = "gpt_neox.";
  names.embedding = "embed_in.weight";
  names.positions = "";
  names.output_norm = "final_layer_norm.weight";
  names.output = "embed_out.weight";
  names.attention_norm = "layers.{}.input_layernorm.weight";
  names.query_key_value = "layers.{}.attention.query_key_value.weight";
  names.attention_output = "layers.{}.attention.dense.weight";
  names.mlp_norm = "layers.{}.post_attention_layernorm.weight";
  names.up = "layers.{}.mlp.dense_h_to_4h.weight";
  names.down = "layers.{}.mlp.dense_4h_to_h.weight";
  return names;
}();

inline constexpr TensorNames chatglm = [] {
  TensorNames names{};
  names.prefix = "transformer.";
  names.embedding = "embedding.word_embeddings.weight";
  names.output_norm = "encoder.final_layernorm.weight";
  names.output = "transformer.output_layer.weight";
  names.attention_norm = "encoder.layers.{}.input_layernorm.weight";
  names.query_key_value = "encoder.layers.{}.self_attention.query_key_value.weight";
  names.attention_output = "encoder.layers.{}.self_attention.dense.weight";
  names.mlp_norm = "encoder.layers.{}.post_attention_layernorm.weight";
  names.gate_up = "encoder.layers.{}.mlp.dense_h_to_4h.weight";
  names.down = "encoder.layers.{}.mlp.dense_4h_to_h.weight";
  return names;
}();

}  // namespace runnel::tensor_names
