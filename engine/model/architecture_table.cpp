#include <array>

#include "model/architectures.h"
#include "model/tensor_names.h"

namespace runnel {
namespace {

namespace names = tensor_names;

// Storage of most GGUF files, and of those whose queries and keys the converter permuted or the network itself has so.
constexpr Storage gguf{.names = &names::gguf};
constexpr Storage gguf_paired{.names = &names::gguf, .interleaved = true};
constexpr Storage gguf_fused_gate{.names = &names::gguf_fused_gate};
constexpr Storage llama{.names = &names::llama};

// What the decoders after GPT-2 have in common: LayerNorm and a plain MLP.
constexpr Design plain(Activation activation, Position position = Position::rope) {
  return {.norm = NormKind::layer, .position = position, .activation = activation, .gated = false};
}

constexpr Design with(Design design, Residual residual) {
  design.residual = residual;
  return design;
}

constexpr std::array table{
    // In GGUF files also what Mistral and Mixtral are written as.
    Architecture{.gguf = "llama",
                 .hf = "LlamaForCausalLM LLaMAForCausalLM YiForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = llama,
                 .design = {.routing = Routing::softmax_of_chosen},
                 .saved_as = "llama"},
    Architecture{.gguf = "mistral",
                 .hf = "MistralForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = llama,
                 .window_period = 1,
                 .saved_as = "llama"},
    Architecture{.gguf = "llama",
                 .hf = "MixtralForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = {.names = &names::mixtral},
                 .design = {.routing = Routing::softmax_of_chosen},
                 .window_period = 1,
                 .hf_defaults = R"({"num_local_experts": 8, "num_experts_per_tok": 2, "rope_theta": 1e6})"},
    Architecture{.gguf = "qwen",
                 .hf = "QWenLMHeadModel",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::qwen},
                 .ff_is_doubled = true},
    Architecture{.gguf = "qwen2",
                 .hf = "Qwen2ForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = llama,
                 .window_period = 1,
                 .saved_as = "qwen2",
                 .hf_defaults = R"({"use_sliding_window": false})"},
    Architecture{.gguf = "gemma",
                 .hf = "GemmaForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::llama, .norms_less_one = true},
                 .design = {.activation = Activation::gelu_tanh},
                 .embedding_times_root = true,
                 .activation_is_fixed = true,
                 .hf_defaults = R"({"head_dim": 256})"},
    Architecture{.gguf = "gemma2",
                 .hf = "Gemma2ForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::gemma2, .norms_less_one = true},
                 .design = {.placement = NormPlacement::around, .activation = Activation::gelu_tanh},
                 .window_period = 2,
                 .embedding_times_root = true,
                 .activation_is_fixed = true,
                 .gguf_wide_scale_layers = 46,
                 .hf_defaults = R"({"head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 4096,
                                    "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0})"},
    Architecture{
        .gguf = "gemma3",
        .hf = "Gemma3ForCausalLM Gemma3ForConditionalGeneration",
        .gguf_storage = gguf,
        .hf_storage = {.names = &names::gemma2, .norms_less_one = true},
        .design = {.placement = NormPlacement::around, .qk_norm = QkNorm::head, .activation = Activation::gelu_tanh},
        .window_period = 6,
        .window_rope_base = 10000,
        .embedding_times_root = true,
        .activation_is_fixed = true,
        .gguf_wide_scale_layers = 62,
        .hf_defaults = R"({"vocab_size": 262208, "num_attention_heads": 8, "num_key_value_heads": 4,
                                    "head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 4096,
                                    "max_position_embeddings": 131072, "rope_theta": 1e6,
                                    "rope_local_base_freq": 10000})"},
    Architecture{.gguf = "phi2",
                 .hf = "PhiForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::phi},
                 .design = with(plain(Activation::gelu_tanh), Residual::parallel_shared),
                 .hf_defaults = R"({"partial_rotary_factor": 0.5})"},
    Architecture{.gguf = "phi3",
                 .hf = "Phi3ForCausalLM",
                 .gguf_storage = gguf_fused_gate,
                 .hf_storage = {.names = &names::phi3},
                 .window_period = 1},
    Architecture{.gguf = "stablelm",
                 .hf = "StableLmForCausalLM StableLMEpochForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = llama,
                 .design = {.norm = NormKind::layer},
                 .hf_defaults = R"({"partial_rotary_factor": 0.25})"},
    Architecture{.gguf = "starcoder2",
                 .hf = "Starcoder2ForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::starcoder2},
                 .design = plain(Activation::gelu_tanh),
                 .window_period = 1},
    Architecture{.gguf = "olmo2",
                 .hf = "Olmo2ForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::olmo2},
                 .design = {.placement = NormPlacement::after, .qk_norm = QkNorm::whole}},
    Architecture{.gguf = "granite",
                 .hf = "GraniteForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = llama,
                 .divides_by_logit_scale = true},
    Architecture{.gguf = "smollm3",
                 .hf = "SmolLM3ForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = llama,
                 .window_period = 1,
                 .no_rope_period = 4,
                 .hf_defaults = R"({"use_sliding_window": false, "rope_theta": 2e6})"},
    // ALiBi in the larger sizes of both generations, whose output matrix is normalized in the second.
    Architecture{.gguf = "baichuan",
                 .hf = "BaiChuanForCausalLM BaichuanForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = {.names = &names::baichuan},
                 .hf_alibi_without = "max_position_embeddings",
                 .gguf_alibi_layers = 40,
                 .normalized_head_vocab = 125696},
    Architecture{.gguf = "chatglm",
                 .hf = "GlmForCausalLM",
                 .gguf_storage = {.names = &names::gguf_fused_gate, .interleaved = true},
                 .hf_storage = {.names = &names::glm, .interleaved = true},
                 .hf_defaults = R"({"partial_rotary_factor": 0.5, "head_dim": 128})"},
    Architecture{.gguf = "chatglm",
                 .hf = "ChatGLMModel ChatGLMForConditionalGeneration",
                 .gguf_storage = {.names = &names::gguf_fused_gate, .interleaved = true},
                 .hf_storage = {.names = &names::chatglm, .interleaved = true},
                 .hf_defaults = R"({"partial_rotary_factor": 0.5})"},
    Architecture{.gguf = "gptneox",
                 .hf = "GPTNeoXForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::gpt_neox, .qkv = QkvLayout::grouped},
                 .design = with(plain(Activation::gelu), Residual::parallel),
                 .hf_defaults = R"({"rotary_pct": 0.25})"},
    Architecture{.gguf = "gptj",
                 .hf = "GPTJForCausalLM",
                 .gguf_storage = gguf_paired,
                 .hf_storage = {.names = &names::gptj, .interleaved = true},
                 .design = with(plain(Activation::gelu_tanh), Residual::parallel_shared),
                 .hf_defaults = R"({"rotary_dim": 64})"},
    // Falcon RW's bias is scaled as its scores are, and the eager attention of transformers, where its references come
    // from, adds it both to them and to the mask.
    Architecture{.gguf = "falcon",
                 .hf = "FalconForCausalLM RWForCausalLM",
                 .gguf_storage = {.names = &names::gguf_falcon},
                 .hf_storage = {.names = &names::falcon, .qkv = QkvLayout::grouped},
                 .design = {.norm = NormKind::layer,
                            .residual = Residual::parallel_shared,
                            .activation = Activation::gelu,
                            .gated = false,
                            .alibi_times_scale = 2},
                 .hf_defaults = R"({"multi_query": true, "parallel_attn": true, "max_position_embeddings": 2048})"},
    Architecture{.gguf = "mpt",
                 .hf = "MPTForCausalLM MptForCausalLM",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::mpt},
                 .design = plain(Activation::gelu, Position::alibi)},
    Architecture{.gguf = "bloom",
                 .hf = "BloomForCausalLM BloomModel",
                 .gguf_storage = gguf,
                 .hf_storage = {.names = &names::bloom, .qkv = QkvLayout::grouped},
                 .design = {.norm = NormKind::layer,
                            .position = Position::alibi,
                            .activation = Activation::gelu_tanh,
                            .gated = false,
                            .embedding_norm = true}},
};

}  // namespace

std::span<const Architecture> architectures() {
  return table;
}

}  // namespace runnel
