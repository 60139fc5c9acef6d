#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "runnel/tokenizer.h"

namespace runnel::cli {

/// Throws Error naming the file when it can't be read.
std::string read_file(const std::filesystem::path& path);

/// Token ids separated by white space. Throws Error naming the file and what is no number.
std::vector<Token> read_tokens(const std::filesystem::path& path);

/// Writes a NumPy file, float32 [rows, columns], row by row (NumPy's "NPY format", version 1.0).
class NpyWriter {
 public:
  /// Throws Error when the file can't be written.
  NpyWriter(const std::filesystem::path& path, std::size_t rows, std::size_t columns);
  void add(std::span<const float> row);
  /// Throws Error when something could not be written.
  void close();

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

/// Throws Error when the file can't be written whole.
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace runnel::cli
