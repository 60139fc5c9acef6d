#include <filesystem>
#include <fstream>

#include "runnel/error.h"
#include "runnel/model.h"

using namespace runnel;

namespace {

namespace fs = std::filesystem;

/// A folder without weights, which is all that configurations are read with.
const fs::path& folder() {
  static const fs::path path = [] {
    std::string name = (fs::temp_directory_path() / "fuzz-config-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) __builtin_trap();
    constexpr char no_tensors[] = "\x02\0\0\0\0\0\0\0{}";
    std::ofstream(fs::path(name) / "model.safetensors", std::ios::binary).write(no_tensors, sizeof no_tensors - 1);
    return fs::path(name);
  }();
  return path;
}

}  // namespace

// The input is a config.json.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::ofstream(folder() / "config.json", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  try {
    const auto model = Model::open_without_weights(folder());
    const ModelFacts& facts = model->facts();
    if (facts.n_layers < 1 || facts.n_heads < 1) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
