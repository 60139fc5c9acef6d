#include "model/weight_source.h"

namespace runnel {

void GgufSource::release(const TensorView& tensor) const {
  file_.file().release(static_cast<std::size_t>(tensor.data.data() - file_.file().bytes().data()), tensor.data.size());
}

std::string GgufSource::label() const {
  return file_.file().path().filename().string();
}

std::string HfSource::label() const {
  const auto path = folder_.path();
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

}  // namespace runnel
