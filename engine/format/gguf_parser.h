#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/byte_reader.h"
#include "format/gguf_file.h"

namespace runnel {

/// Fills a GgufFile from its mapping: the one pass that checks everything the header claims.
class GgufParser {
 public:
  /// `into.file_` is mapped already; the rest is filled in by parse().
  explicit GgufParser(GgufFile& into);

  /// Throws Error, see GgufFile::open.
  void parse();

 private:
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
