#include <algorithm>
#include <array>
#include <string>

#include "runnel/cache.h"
#include "runnel/error.h"

namespace runnel {
namespace {

constexpr std::array<std::string_view, 4> kv_type_names{"f32", "f16", "bf16", "q8"};  // in KvType's order

[[noreturn]] void refuse(const std::string& name, int value, const std::string& allowed) {
  throw Error(name + " " + std::to_string(value) + " is out of range: " + allowed + ".");
}

}  // namespace

KvType kv_type_from(std::string_view name) {
  const auto found = std::ranges::find(kv_type_names, name);
  if (found == kv_type_names.end())
    throw Error("The KV type \"" + std::string(name) + "\" is not known; it can be f16, bf16, q8 or f32.");
  return static_cast<KvType>(found - kv_type_names.begin());
}

std::string_view name_of(KvType type) {
  return kv_type_names[static_cast<std::size_t>(type)];
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
