#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

namespace runnel {

/// Memory for numbers, aligned to a cache line, not initialized. `size` in elements.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) { resize(size); }

  /// Throws std::bad_alloc. What was in it is lost.
  void resize(std::size_t size) {
    data_.reset(size == 0 ? nullptr : static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{64})));
    size_ = size;
  }

  /// Grows to at least `size`; what was in it is lost when it grows.
  void reserve(std::size_t size) {
    if (size > size_) resize(size);
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace runnel
