#include "model/architectures.h"

#include <algorithm>
#include <cmath>

namespace runnel {
namespace {

// Whether `word` is one of the words of `list`, which are separated by spaces.
bool lists(std::string_view list, std::string_view word) {
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(' ', from), list.size());
    if (list.substr(from, end - from) == word) return true;
    from = end + 1;
  }
  return false;
}

template <typename Fits>
const Architecture* first_row(Fits&& fits) {
  const auto rows = architectures();
  const auto row = std::find_if(rows.begin(), rows.end(), fits);
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

const Architecture* architecture_of_gguf(std::string_view name) {
  return first_row([name](const Architecture& row) { return row.gguf == name; });
}

const Architecture* architecture_of_hf(std::string_view name) {
  return first_row([name](const Architecture& row) { return lists(row.hf, name); });
}

bool has_window(const Architecture& family, int layer) {
  const int period = std::max(1, family.window_period);  // whether there is a window at all, only the file says
  return period == 1 || layer % period != 0;
}

bool rotates(const Architecture& family, int layer) {
  return family.no_rope_period == 0 || layer % family.no_rope_period != 0;
}

float usual_embedding_scale(const Architecture& family, const Config& config) {
  return family.embedding_times_root ? std::sqrt(static_cast<float>(config.n_embd)) : 1.0F;
}

float usual_attention_scale(const Architecture& family, const Config& config) {
  const bool wide = family.gguf_wide_scale_layers > 0 && config.n_layers == family.gguf_wide_scale_layers;
  return 1 / std::sqrt(static_cast<float>(wide ? config.n_embd / config.n_heads : config.head_dim));
}

std::string known_architectures() {
  std::string names;
  const auto rows = architectures();
  for (const Architecture& row : rows) {
    if (&row != architecture_of_gguf(row.gguf)) continue;  // another row of the same name
    names += (names.empty() ? "" : ", ") + std::string(row.gguf);
  }
  return names;
}

std::string tensor_name(std::string_view pattern, int layer, int expert) {
  std::string name;
  for (const int number : {layer, expert}) {
    const auto at = pattern.find("{}");
    if (at == std::string_view::npos) break;
    name += std::string(pattern.substr(0, at)) + std::to_string(number);
    pattern.remove_prefix(at + 2);
  }
  return name + std::string(pattern);
}

}  // namespace runnel
