#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "format/byte_reader.h"
#include "format/gguf_file.h"

namespace runnel {

/// Fills a GgufFile from its mapping: the one pass that checks everything the header claims.
class GgufParser {
 public:
  /// Reads one file; see GgufFile::open for what it throws.
  static GgufFile read(const std::filesystem::path& path);

  /// Adds the tensors and the mapping of `part` to `whole`. Throws Error naming both files when they share a tensor.
  static void append(GgufFile& whole, GgufFile part);

 private:
  explicit GgufParser(GgufFile& into);
  void parse();
  void read_preamble();
  void read_values();
  void read_tensor_table();
  void place_tensors();
  void check_overlaps() const;

  std::string read_name(std::string_view kind, std::uint64_t number);
  GgufType read_type();
  void skip_value(GgufType type, int depth);
  void skip_array(GgufType element, std::uint64_t count, int depth);
  TensorView read_tensor(std::uint64_t number);
  BlockType read_block_type(const TensorView& tensor);
  void check_rows(const TensorView& tensor) const;
  std::uint64_t alignment() const;

  [[noreturn]] void fail(std::string_view predicate) const;

  GgufFile& into_;
  std::string file_;  ///< as error sentences call it
  ByteReader reader_;
  std::uint64_t n_values_ = 0;
  std::uint64_t n_tensors_ = 0;
  std::vector<std::uint64_t> offsets_;  ///< of each tensor, from the start of the tensor data
};

}  // namespace runnel
