#include "format/safetensors.h"
#include "memory_file.h"
#include "quant/dequantize.h"
#include "runnel/error.h"

using namespace runnel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const MemoryFile memory(bytes, size);
  try {
    const SafetensorsFile file = SafetensorsFile::open(memory.path());
    std::size_t total = 0;
    for (const SafetensorsEntry& entry : file.entries()) {
      if (file.find_entry(entry.name) != &entry) __builtin_trap();
      total += entry.data.size();
    }
    if (total > file.file().bytes().size()) __builtin_trap();
    for (const TensorView& tensor : file.tensors()) {
      if (file.find_tensor(tensor.name) != &tensor) __builtin_trap();
      std::vector<float> values(static_cast<std::size_t>(tensor.rows() * tensor.columns()));
      dequantize(tensor.type, tensor.data, values);
    }
  } catch (const Error&) {
  }
  return 0;
}
