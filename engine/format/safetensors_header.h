#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// What a safetensors header says about a tensor; nothing of it is checked against the file yet.
struct SafetensorsClaim {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> data_offsets;  ///< begin and end, from the end of the header
};

/// Reads the JSON of a safetensors header, without building a document of it: memory stays in proportion to the text,
/// and nesting is refused where the format has none. Tensors in the header's order; `__metadata__` and members that
/// the format does not know are passed over. `file` names the file in error sentences.
/// Throws Error when the text is no JSON, or describes something else than tensors.
std::vector<SafetensorsClaim> read_safetensors_header(std::string_view json, std::string_view file);

}  // namespace runnel
