#pragma once

#include <string>
#include <vector>

#include "format/gguf_file.h"
#include "format/hf_folder.h"
#include "format/tensor.h"
#include "model/architectures.h"
#include "model/config.h"
#include "runnel/model.h"

namespace runnel {

/// A model file of either format, as far as weights are concerned.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// Null when there is no such tensor.
  virtual const TensorView* find(const std::string& name) const = 0;
  /// Gives back the memory of a tensor's pages once it has been packed.
  virtual void release(const TensorView& tensor) const = 0;
  virtual const Storage& storage(const Architecture& family) const = 0;
  /// What WeightType::automatic stands for.
  virtual WeightType usual_weight_type() const = 0;
  /// What to call the file in messages.
  virtual std::string label() const = 0;
  /// What to call the file that holds this tensor.
  virtual std::string label_of(const TensorView& /*tensor*/) const { return label(); }
};

class GgufSource : public WeightSource {
 public:
  explicit GgufSource(const GgufFile& file) : file_(file) {}
  const TensorView* find(const std::string& name) const override { return file_.find_tensor(name); }
  void release(const TensorView& tensor) const override;
  const Storage& storage(const Architecture& family) const override { return family.gguf_storage; }
  WeightType usual_weight_type() const override { return WeightType::as_is; }
  std::string label() const override;
  std::string label_of(const TensorView& tensor) const override;

 private:
  const GgufFile& file_;
};

class HfSource : public WeightSource {
 public:
  explicit HfSource(const HfFolder& folder) : folder_(folder) {}
  const TensorView* find(const std::string& name) const override { return folder_.find_tensor(name); }
  void release(const TensorView& tensor) const override { folder_.release(tensor); }
  const Storage& storage(const Architecture& family) const override { return family.hf_storage; }
  WeightType usual_weight_type() const override { return WeightType::int4; }
  std::string label() const override;

 private:
  const HfFolder& folder_;
};

/// A tensor that must be there. Throws Error naming file and tensor when it is missing or has another shape.
const TensorView& require_tensor(const WeightSource& source, const std::string& name,
                                 const std::vector<std::int64_t>& shape);

/// Reads and checks the sizes. Throws Error naming file, key, value and what was expected.
Config read_config(const GgufFile& file);
Config read_config(const HfFolder& folder);

}  // namespace runnel
