#pragma once

#include <filesystem>

#include "format/gguf_file.h"

namespace runnel {

/// Models in several files, as the common splitter writes them: `name-00001-of-00003.gguf`, where the first part has
/// the metadata, each part its tensors, and split.no (from 0), split.count and split.tensors.count say what belongs
/// together.
class GgufSplit {
 public:
  /// Whether this file says that it is a part of several.
  static bool is_part(const GgufFile& file);

  /// The whole model to which `part`, any of its parts, belongs. Throws Error that names the file which is missing,
  /// renamed or foreign.
  static GgufFile join(GgufFile part);

  /// Throws Error when the name is that of a piece of a file which was merely cut, e.g. `name.gguf.part1of2`.
  static void refuse_cut_piece(const std::filesystem::path& path);
};

}  // namespace runnel
