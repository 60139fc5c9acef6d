#include <string>

#include "runnel/cache.h"
#include "runnel/error.h"

namespace runnel {
namespace {

[[noreturn]] void refuse(const std::string& name, int value, const std::string& allowed) {
  throw Error(name + " " + std::to_string(value) + " is out of range: " + allowed + ".");
}

}  // namespace

KvType kv_type_from(std::string_view name) {
  if (name == "f32") return KvType::f32;
  if (name == "f16") return KvType::f16;
  throw Error("The KV type \"" + std::string(name) + "\" is not known; it can be f16 or f32.");
}

std::string_view name_of(KvType type) {
  return type == KvType::f32 ? "f32" : "f16";
}

void validate(const CacheSettings& settings, int trained_context, bool learned_positions) {
  constexpr int most = 1 << 24;
  const int ctx = settings.ctx_size;
  if (ctx < 16 || ctx > most) refuse("ctx_size", ctx, "it must be from 16 to " + std::to_string(most));
  if (learned_positions && ctx > trained_context) {
    refuse("ctx_size", ctx,
           "it must be from 16 to " + std::to_string(trained_context) + ", as many positions as the model has learned");
  }
  if (trained_context > 0 && ctx > trained_context && !settings.allow_untrained_ctx) {
    refuse(
        "ctx_size", ctx,
        "it must be from 16 to " + std::to_string(trained_context) +
            ", the context the model was trained on (a larger one needs the explicit switch for untrained contexts)");
  }
  if (settings.n_keep < 0 || settings.n_keep > ctx - 2) {
    refuse("n_keep", settings.n_keep, "it must be from 0 to ctx_size - 2 = " + std::to_string(ctx - 2));
  }
  const int most_discard = ctx - settings.n_keep - 1;
  if (settings.n_discard != -1 && (settings.n_discard < 1 || settings.n_discard > most_discard)) {
    refuse("n_discard", settings.n_discard,
           "it must be -1 (half) or from 1 to ctx_size - n_keep - 1 = " + std::to_string(most_discard));
  }
  if (settings.batch < 1) refuse("batch", settings.batch, "it must be at least 1");
}

}  // namespace runnel
