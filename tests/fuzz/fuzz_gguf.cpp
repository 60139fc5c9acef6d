#include "format/gguf_file.h"
#include "memory_file.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

using namespace runnel;

namespace {

/// Decodes a value as every type that a caller may ask for; a refusal is an answer, too.
template <typename T>
void decode(const GgufFile& file, const GgufValue& value) {
  try {
    file.get<T>(value.key);
  } catch (const Error&) {
  }
}

void decode_all(const GgufFile& file) {
  for (const GgufValue& value : file.values()) {
    decode<int>(file, value);
    decode<std::uint64_t>(file, value);
    decode<float>(file, value);
    decode<bool>(file, value);
    decode<std::string>(file, value);
    decode<std::vector<std::string_view>>(file, value);
    decode<std::vector<std::int64_t>>(file, value);
    decode<std::vector<double>>(file, value);
    decode<std::vector<bool>>(file, value);
  }
}

void check_tensors(const GgufFile& file) {
  std::size_t total = 0;
  for (const TensorView& tensor : file.tensors()) {
    total += tensor.data.size();
    if (file.find_tensor(tensor.name) != &tensor) __builtin_trap();
    std::vector<float> values(static_cast<std::size_t>(tensor.rows() * tensor.columns()));
    dequantize(tensor.type, tensor.data, values);
    file.file().release(tensor.data);
  }
  if (total > file.file().bytes().size()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const MemoryFile memory(bytes, size);
  try {
    const GgufFile file = GgufFile::open(memory.path());
    decode_all(file);
    check_tensors(file);
  } catch (const Error&) {
  }
  return 0;
}
