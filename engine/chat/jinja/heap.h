#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "chat/jinja/meter.h"

namespace runnel::jinja {

class Heap;

/// A value that may be shared and changed: counted, and known to the heap of its rendering.
class Object {
 public:
  explicit Object(Heap& heap);
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object();

  /// Lets go of everything it refers to, so that circles come apart.
  virtual void clear() = 0;

  Heap& heap() const { return heap_; }

 private:
  friend class Heap;
  template <typename T>
  friend class Ref;
  void retain() { ++references_; }
  void release();

  Heap& heap_;
  Object* previous_ = nullptr;
  Object* next_ = nullptr;
  std::size_t references_ = 0;
};

/// A counted reference to an object; may be empty. Not for more than one thread.
template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { object_->retain(); }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_) object_->retain();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const { return static_cast<T*>(object_); }
  T* operator->() const { return get(); }
  T& operator*() const { return *get(); }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const { return object_ == other.object_; }

 private:
  Object* object_ = nullptr;
};

/// All objects of one rendering. Objects nested however deeply are deleted without recursion, and what is left at the
/// end (circles) is taken apart.
class Heap {
 public:
  explicit Heap(Meter& meter) : meter_(meter) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap();

  template <typename T, typename... Arguments>
  Ref<T> make(Arguments&&... arguments) {
    return Ref<T>(new T(*this, std::forward<Arguments>(arguments)...));
  }

  Meter& meter() const { return meter_; }

 private:
  friend class Object;
  void bury(Object* object);

  Meter& meter_;
  Object* alive_ = nullptr;      // a doubly linked list of all objects
  std::vector<Object*> graves_;  // no longer referred to, still to be deleted
  bool burying_ = false;
};

}  // namespace runnel::jinja
