#pragma once

#include <cstddef>

#include "chat/jinja/fault.h"

namespace runnel::jinja {

/// What one rendering may spend: steps (a measure of time) and bytes held at once by strings and containers.
class Meter {
 public:
  Meter(std::size_t steps, std::size_t bytes) : steps_left_(steps), bytes_left_(bytes) {}

  /// Throws Fault when the template works for too long.
  void step(std::size_t count = 1) {
    if (count > steps_left_) throw Fault("the template takes too many steps");
    steps_left_ -= count;
  }

  /// A step that walks over `bytes` of text or over as many entries of a container.
  void walk(std::size_t bytes) { step(1 + bytes / 64); }

  /// Throws Fault when strings and containers become too large.
  void hold(std::size_t bytes) {
    if (bytes > bytes_left_) throw Fault("the template makes too much text");
    bytes_left_ -= bytes;
  }

  void release(std::size_t bytes) noexcept { bytes_left_ += bytes; }

 private:
  std::size_t steps_left_;
  std::size_t bytes_left_;
};

}  // namespace runnel::jinja
