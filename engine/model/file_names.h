#pragma once

#include <string>
#include <string_view>

#include "model/matrix_use.h"
#include "model/weight_source.h"

namespace runnel {

/// What the tensors of a family are called in one file. Published files of one family differ in the prefix of all
/// names, which the embedding's name tells, and in some single names.
class FileNames {
 public:
  FileNames(const WeightSource& source, const TensorNames& names);

  /// A tensor's name; where no alternative of the pattern is there, the first's, for messages.
  std::string name(std::string_view pattern, int layer = 0, int expert = 0) const;
  std::string embedding() const { return name(names_.embedding); }
  std::string output() const;

  bool has(const std::string& name) const { return source_.find(name) != nullptr; }
  /// Whether the family has such a tensor at all and the file as well.
  bool has(std::string_view pattern, int layer, int expert = 0) const;

  /// What a matrix of this file is for.
  MatrixUse use_of(const std::string& name) const;

 private:
  const WeightSource& source_;
  const TensorNames& names_;
  std::string prefix_;
};

}  // namespace runnel
