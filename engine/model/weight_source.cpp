#include "model/weight_source.h"

#include "runnel/error.h"

namespace runnel {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : " × ") + std::to_string(n);
  return text;
}

}  // namespace

void GgufSource::release(const TensorView& tensor) const {
  file_.release(tensor);
}

std::string GgufSource::label() const {
  return file_.file().path().filename().string();
}

std::string GgufSource::label_of(const TensorView& tensor) const {
  return file_.file_of(tensor).path().filename().string();
}

std::string HfSource::label() const {
  const auto path = folder_.path();
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

const TensorView& require_tensor(const WeightSource& source, const std::string& name,
                                 const std::vector<std::int64_t>& shape) {
  const TensorView* tensor = source.find(name);
  if (tensor == nullptr) throw Error(source.label() + " can't be used: it has no tensor " + name + ".");
  if (tensor->shape != shape) {
    throw Error(source.label_of(*tensor) + " can't be used: its tensor " + name + " is " + shape_text(tensor->shape) +
                " and should be " + shape_text(shape) + ".");
  }
  return *tensor;
}

}  // namespace runnel
