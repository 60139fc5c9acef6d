#include "app/cli/files.h"

#include <charconv>
#include <sstream>

#include "runnel/error.h"

namespace runnel::cli {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Inserting nothing is a failure to a stream, but an empty file is none.
  const auto is_empty = [&file] { return file.peek() == std::ifstream::traits_type::eof() && file.eof(); };
  if (!fs::is_directory(path) && file && (is_empty() || text << file.rdbuf())) return text.str();
  throw Error("The file " + path.string() + " can't be read.");
}

std::vector<Token> read_tokens(const fs::path& path) {
  std::istringstream words(read_file(path));
  std::vector<Token> tokens;
  for (std::string word; words >> word;) {
    Token token = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (error != std::errc() || end != word.data() + word.size()) {
      throw Error(path.string() + " must hold token ids separated by white space, and \"" + word.substr(0, 40) +
                  "\" is none.");
    }
    tokens.push_back(token);
  }
  return tokens;
}

NpyWriter::NpyWriter(const fs::path& path, std::size_t rows, std::size_t columns)
    : path_(path), file_(path, std::ios::binary) {
  if (!file_) throw Error("The file " + path.string() + " can't be written.");
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  constexpr std::size_t preamble = 10;
  constexpr std::size_t alignment = 64;
  header.append(alignment - (preamble + header.size() + 1) % alignment, ' ');
  header += '\n';
  const auto size = static_cast<unsigned>(header.size());
  const char lengths[] = {
      '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(size & 0xffU), static_cast<char>(size >> 8U)};
  file_.write(lengths, sizeof lengths);
  file_.write(header.data(), static_cast<std::streamsize>(header.size()));
}

void NpyWriter::add(std::span<const float> row) {
  file_.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
}

void NpyWriter::close() {
  file_.close();
  if (!file_) throw Error("The file " + path_.string() + " can't be written whole; is the disk full?");
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error("The file " + path.string() + " can't be written.");
}

}  // namespace runnel::cli
